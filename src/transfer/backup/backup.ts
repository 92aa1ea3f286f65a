/** `malle backup`: what has changed since the last run goes into the folder, an account at a time. @module */
import path from 'node:path'
import type { Clock } from '#lib/clock.ts'
import { VERSION } from '#lib/version.ts'
import type { DirectoryArchive } from '#store/directory.ts'
import type { MailStore } from '#store/mail-store.ts'
import { AccountBackup } from './account-backup.ts'
import { prepareFolder, readManifest, removeUnnamed, writeNamed, writeWhole } from './files.ts'
import { BACKUP_FORMAT, formatJson, MANIFEST, type Manifest } from './format.ts'

export interface BackupRequest {
  /** Absolute. */
  readonly path: string
  /** As it was when the run began. */
  readonly directory: DirectoryArchive
}

export interface BackupReport {
  readonly accounts: number
  /** Accounts in which something has changed since the last run. */
  readonly changed: number
  readonly messages: number
  readonly deleted: number
  /** Octets of all mail in the backup. */
  readonly bytes: number
  /** Messages and octets that this run wrote. */
  readonly copied: number
  readonly written: number
  /** Mail whose bytes the store cannot give any more, see `malle check`. */
  readonly unreadable: readonly string[]
}

/** Names of unreadable mail that a report has. */
const MOST_NAMED = 100

/** Makes or continues the backup. The previous one is whole until the account, or the manifest, is renamed into place. */
export async function backUp(
  store: MailStore,
  clock: Clock,
  { path: folder, directory }: BackupRequest,
  progress: (report: BackupReport) => void,
): Promise<BackupReport> {
  await prepareFolder(folder)
  await readManifest(folder)
  const started = new Date(clock.now()).toISOString()
  let report: BackupReport = {
    accounts: 0,
    changed: 0,
    messages: 0,
    deleted: 0,
    bytes: 0,
    copied: 0,
    written: 0,
    unreadable: [],
  }
  const accounts: Manifest['accounts'][number][] = []
  for (const { ref, address } of directory.accounts) {
    const run = new AccountBackup(store, clock, folder, ref, address)
    const before = report
    const done = await run.run((own) => {
      report = joined(before, own, 0)
      progress(report)
    })
    accounts.push({ id: ref.id, address, mail: done !== undefined })
    report = done === undefined ? { ...before, accounts: before.accounts + 1 } : joined(before, done, 1)
    progress(report)
  }
  const manifest: Manifest = {
    format: BACKUP_FORMAT,
    malle: VERSION,
    started,
    finished: new Date(clock.now()).toISOString(),
    directory: await writeNamed(folder, 'directory', directory),
    accounts,
  }
  await writeWhole(path.join(folder, MANIFEST), `${formatJson(manifest)}\n`)
  await removeUnnamed(folder, manifest)
  return report
}

/** What one account adds. */
export interface AccountReport {
  readonly changed: boolean
  readonly messages: number
  readonly deleted: number
  readonly bytes: number
  readonly copied: number
  readonly written: number
  readonly unreadable: readonly string[]
}

function joined(all: BackupReport, own: AccountReport, accounts: number): BackupReport {
  return {
    accounts: all.accounts + accounts,
    changed: all.changed + (own.changed ? 1 : 0),
    messages: all.messages + own.messages,
    deleted: all.deleted + own.deleted,
    bytes: all.bytes + own.bytes,
    copied: all.copied + own.copied,
    written: all.written + own.written,
    unreadable: [...all.unreadable, ...own.unreadable].slice(0, MOST_NAMED),
  }
}
