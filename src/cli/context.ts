/** How every administrative command runs: configuration, administration, output. @module */
import type { Command } from 'commander'
import { openAdministration } from '#server/administration.ts'
import type { Administration } from '#server/verbs.ts'
import { say } from './language.ts'
import { readConfig } from './options.ts'

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
  return withConfig(command).option('--json', say('print JSON', 'écrire en JSON'))
}

/** Runs the work with the server's administration, or with the store itself while the server is stopped. */
export async function administer<T>(
  options: CommonOptions,
  work: (administration: Administration) => Promise<T>,
): Promise<T> {
  const config = await readConfig(options.config)
  await using administration = await openAdministration(config)
  // Awaited here: it is disposed of when this function ends.
  return await work(administration)
}

/** Prints a line for people. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Prints JSON, or what people read. */
export function show(options: CommonOptions, value: unknown, forPeople: () => string): void {
  print(options.json === true ? JSON.stringify(value, undefined, 2) : forPeople())
}
