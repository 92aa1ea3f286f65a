/**
 * `store:ann@example.org`: an account in the store of a configuration; `store:~/Mail`: a folder that is a store of its
 * own, made when it is first written to, which nothing but the person's own commands ever opens.
 * @module
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { systemClock } from '#lib/clock.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import { readConfig } from './options.ts'

export type StoreName =
  | {
      readonly kind: 'account'
      readonly address: string /** `undefined`: INBOX. */
      readonly mailbox: string | undefined
    }
  /** Absolute. */
  | { readonly kind: 'folder'; readonly path: string }

/** @param resolve Makes a path absolute. @returns `undefined`: it does not begin with `store:`. */
export function parseStoreName(text: string, resolve: (name: string) => string): StoreName | undefined {
  const name = /^store:(.*)$/is.exec(text)?.[1]
  if (name === undefined) return undefined
  const [, address, mailbox] = /^([^/\s]+@[^/\s]+)(?:\/(.+))?$/.exec(name) ?? []
  if (address !== undefined) return { kind: 'account', address, mailbox }
  if (name !== '') return { kind: 'folder', path: resolve(name) }
  throw new CliError(
    EXIT.usage,
    say(
      'Write store:ann@example.org for an account of the configuration, or store:~/Mail for a folder.',
      'Écrivez store:ann@example.org pour un compte de la configuration, ou store:~/Mail pour un dossier.',
    ),
  )
}

/** The file that `--config` would name; `undefined`: it is looked for where it usually is. */
export function storeConfig(store: StoreName, named: string | undefined): string | undefined {
  return store.kind === 'folder' ? configOf(store.path) : named
}

/** The account of a store that is there already. */
export async function accountOf(store: StoreName): Promise<string> {
  if (store.kind === 'account') return store.address
  const config = configOf(store.path)
  if (!existsSync(config)) {
    throw new CliError(
      EXIT.noSuchThing,
      say(`There is no store in ${store.path}.`, `Il n’y a pas de stockage dans ${store.path}.`),
    )
  }
  const { data } = await readConfig(config)
  const { openDirectory } = await import('#adapters/sqlite/directory.ts')
  await using directory = await openDirectory(path.join(data, 'directory.db'), systemClock)
  const accounts = await directory.accounts()
  const [only] = accounts
  if (only !== undefined && accounts.length === 1) return only.address
  const names = accounts.map(({ address }) => address).join(', ')
  throw new CliError(
    EXIT.usage,
    say(
      `${store.path} has ${accounts.length} accounts. Name one: ADDRESS --config ${config} (${names}).`,
      `${store.path} contient ${accounts.length} comptes. Nommez-en un : ADRESSE --config ${config} (${names}).`,
    ),
  )
}

/** The configuration of a folder that is a store. */
export function configOf(folder: string): string {
  return path.join(folder, 'malle.toml')
}
