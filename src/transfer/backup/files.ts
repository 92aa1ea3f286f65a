/** Small files of a backup: written whole or not at all, for the owner alone. @module */
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import {
  ACCOUNT_FILE,
  type AccountFile,
  BACKUP_FORMAT,
  BackupRefused,
  type FileRef,
  formatJson,
  isCount,
  MANIFEST,
  type Manifest,
  parseJson,
} from './format.ts'

/** SHA-256 in hexadecimal. */
export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Puts a file in place: what stands there before stays whole until it is there. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.new`
  const handle = await open(draft, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
  await syncFolder(path.dirname(file))
}

/** Makes names in a folder last. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Folder of one account. */
export function accountFolder(folder: string, id: number): string {
  return path.join(folder, 'accounts', String(id))
}

/** Names that a backup folder may have in it. */
const OURS = /^(?:malle-backup\.json|directory-[0-9a-f]{64}\.json|accounts|lock\.db(?:-journal)?)(?:\.new)?$/

const NAMED = /^directory-[0-9a-f]{64}\.json$/

/** Refuses a folder that is neither empty nor a backup, and makes nothing. */
export async function mustBeBackupOrEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (names.some((name) => !OURS.test(name))) throw new BackupRefused({ kind: 'not-a-backup', path: folder })
}

/** Makes the folder, or finds a backup in it. @throws {BackupRefused} */
export async function prepareFolder(folder: string): Promise<void> {
  await mustBeBackupOrEmpty(folder)
  await mkdir(path.join(folder, 'accounts'), { recursive: true, mode: 0o700 })
}

/** The manifest; `undefined`: no run has come to its end. @throws {BackupRefused} */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const text = await readIfThere(path.join(folder, MANIFEST))
  if (text === undefined) return undefined
  const manifest = parsed(text, MANIFEST) as Manifest
  mustRead(manifest.format, path.join(folder, MANIFEST))
  // what it names is opened: nothing outside the folder
  const named = NAMED.test(String(manifest.directory?.file)) && Array.isArray(manifest.accounts)
  if (!named || manifest.accounts.some((account) => !isCount(account?.id)))
    throw new BackupRefused({ kind: 'damaged-backup', what: MANIFEST })
  return manifest
}

/** The manifest of a backup that has come to an end. @throws {BackupRefused} */
export async function mustReadManifest(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder)
  if (manifest !== undefined) return manifest
  const names = await readdir(folder)
  throw new BackupRefused({ kind: names.includes('accounts') ? 'backup-unfinished' : 'not-a-backup', path: folder })
}

/** What the folder holds of an account; `undefined`: nothing that is whole. @throws {BackupRefused} */
export async function readAccountFile(folder: string, id: number): Promise<AccountFile | undefined> {
  const file = path.join(accountFolder(folder, id), ACCOUNT_FILE)
  const text = await readIfThere(file)
  if (text === undefined) return undefined
  const what = path.relative(folder, file)
  const { sha256: sum, ...rest } = parsed(text, what) as AccountFile
  mustRead(rest.format, file)
  if (sha256(formatJson(rest)) !== sum) throw new BackupRefused({ kind: 'damaged-backup', what })
  return { ...rest, sha256: sum }
}

/** Puts the account's file in place: from here on the run counts for it. */
export async function writeAccountFile(folder: string, file: Omit<AccountFile, 'sha256'>): Promise<void> {
  const whole: AccountFile = { ...file, sha256: sha256(formatJson(file)) }
  await writeWhole(path.join(accountFolder(folder, file.id), ACCOUNT_FILE), `${formatJson(whole)}\n`)
}

/** A file that the manifest names, its checksum compared. @throws {BackupRefused} */
export async function readNamed(folder: string, { file, sha256: sum }: FileRef): Promise<unknown> {
  const text = await readIfThere(path.join(folder, file))
  if (text === undefined || sha256(text) !== sum) throw new BackupRefused({ kind: 'damaged-backup', what: file })
  return parseJson(text)
}

/** Writes a file that is named by its checksum, unless it is there. */
export async function writeNamed(folder: string, prefix: string, value: unknown): Promise<FileRef> {
  const text = formatJson(value)
  const sum = sha256(text)
  const file = `${prefix}-${sum}.json`
  if ((await readIfThere(path.join(folder, file))) !== text) await writeWhole(path.join(folder, file), text)
  return { file, size: Buffer.byteLength(text), sha256: sum }
}

/** Removes what the manifest does not name any more. */
export async function removeUnnamed(folder: string, manifest: Manifest): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith('directory-') && name !== manifest.directory.file) await rm(path.join(folder, name))
  const ids = new Set(manifest.accounts.map(({ id }) => String(id)))
  for (const name of await readdir(path.join(folder, 'accounts')))
    if (!ids.has(name)) await rm(path.join(folder, 'accounts', name), { recursive: true })
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parsed(text: string, what: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw new BackupRefused({ kind: 'damaged-backup', what }, { cause: error })
  }
}

function mustRead(format: number, file: string): void {
  if (!Number.isInteger(format)) throw new BackupRefused({ kind: 'damaged-backup', what: file })
  if (format > BACKUP_FORMAT)
    throw new BackupRefused({ kind: 'newer-backup', path: file, format, reads: BACKUP_FORMAT })
}
