/** How every administrative command runs: configuration, administration, output. @module */
import { statSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import type { Config } from '#config/config.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { openAdministration } from '#server/open-administration.ts'
import type { Administration, Verb, Verbs } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { onData } from './failure.ts'
import { say } from './language.ts'
import { readConfig } from './options.ts'

export { print, show } from './output.ts'

/** Options that every administrative command has. */
export interface CommonOptions {
  readonly config?: string
  readonly json?: boolean
}

/** Adds `--config`, which every verb takes. */
export function withConfig(command: Command): Command {
  return command.option('--config <file>', say('configuration file', 'fichier de configuration'))
}

/** Adds `--config` and `--json`. */
export function withListing(command: Command): Command {
  return withConfig(command).option('--json', say('print JSON', 'afficher en JSON'))
}

/** Runs the work with the server's administration, or with the store itself while the server is stopped. */
export async function administer<T>(
  options: CommonOptions,
  work: (administration: Administration) => Promise<T>,
): Promise<T> {
  const config = await readConfig(options.config)
  await using administration = new LazyAdministration(config)
  // Awaited here: it is disposed of when this function ends.
  return await work(administration)
}

/** Opens at the first verb, so that one which only looks does not make a data directory. */
class LazyAdministration implements Administration {
  readonly #config: Config
  #opened: Administration | undefined

  constructor(config: Config) {
    this.#config = config
  }

  async ask<V extends Verb>(
    verb: V,
    args: Verbs[V]['args'],
    progress?: (value: unknown) => void,
    signal?: AbortSignal,
  ): Promise<Verbs[V]['value']> {
    const { data } = this.#config
    if (this.#opened === undefined && !MAKING.has(verb) && isMissing(data)) {
      throw new CliError(
        EXIT.noSuchThing,
        say(
          `There is no data in ${data} yet; "domain add" makes it.`,
          `Il n’y a pas encore de données dans ${data} ; « domain add » les crée.`,
        ),
      )
    }
    this.#opened ??= await onData(data, async () => {
      becomeOwner(data)
      return openAdministration(this.#config)
    })
    return this.#opened.ask(verb, args, progress, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.[Symbol.asyncDispose]()
  }
}

/** The first verbs of an installation; without a domain none of the others can do anything. */
const MAKING: ReadonlySet<Verb> = new Set(['domain.add', 'account.add', 'account.addMany', 'alias.set', 'restore'])

function isMissing(data: string): boolean {
  return statSync(path.join(data, 'directory.db'), { throwIfNoEntry: false }) === undefined
}

/** Root works as the owner of the data, so that it leaves no file behind that the server cannot write. */
export function becomeOwner(data: string): void {
  if (process.getuid?.() !== 0) return
  const owner = statSync(data, { throwIfNoEntry: false })
  if (owner === undefined || owner.uid === 0) return
  process.setgroups?.([])
  process.setgid?.(owner.gid)
  process.setuid?.(owner.uid)
}
