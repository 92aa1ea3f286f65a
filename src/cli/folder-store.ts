/** A folder that is a store of its own: made when mail is first collected into it. @module */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { EXIT } from '#lib/exit-codes.ts'
import { type Administration, VerbRefused } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import { configOf } from './store-name.ts'

/** Makes a folder a store, unless it is one; a folder with other things in it is left alone. */
export async function makeFolderStore(folder: string): Promise<void> {
  const file = configOf(folder)
  if (existsSync(file)) return
  const made = `${file}.new`
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).some((name) => name !== path.basename(made))) {
    throw new CliError(
      EXIT.cannotWrite,
      say(
        `${folder} is no store and has other things in it. Name another folder.`,
        `${folder} n’est pas un stockage et contient autre chose. Indiquez un autre dossier.`,
      ),
    )
  }
  // whole or not at all: the file is what makes the folder a store
  await writeFile(made, CONFIG, { mode: 0o600 })
  await rename(made, file)
}

/** The account of the person in a store of their own, made at the first time. */
export async function ensureAccount(administration: Administration, address: string): Promise<void> {
  const domain = address.slice(address.lastIndexOf('@') + 1)
  await unlessThere(administration.ask('domain.add', { name: domain }))
  await unlessThere(administration.ask('account.add', { address, password: null }))
}

/** What a person is called in a store of their own: the login, where that is an address. */
export function ownAddress(login: string, host: string): string {
  if (/^[^\s@]+@[^\s@]+$/.test(login)) return login
  const domain = /^[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}$/i.test(host) ? host : 'localhost'
  return `${login.replaceAll(/[^\w.+-]/g, '_')}@${domain}`
}

async function unlessThere(asked: Promise<unknown>): Promise<void> {
  try {
    await asked
  } catch (error) {
    if (!(error instanceof VerbRefused && error.refusal.kind === 'exists')) throw error
  }
}

const CONFIG = `# A store of one person, made by "malle collect" (docs/collect.md). It listens nowhere:
# "malle mail list store:FOLDER" and the other commands open it when they need it.
hostname = "localhost"
data = "data"

[limits]
message_size = "2GB" # what is collected was accepted elsewhere already
`
