/** `malle restore`: a whole backup, or one account of it. @module */
import type { MailboxKey } from '#mail/ids.ts'
import type { DirectoryArchive } from '#store/directory.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, QuotaLimits } from '#store/types.ts'
import { BackedUpAccount, type SamePerson } from './account-restore.ts'
import { ahead } from './ahead.ts'
import { mustReadManifest, readNamed } from './files.ts'
import { BackupRefused, type Manifest } from './format.ts'

/** What the manifest says, its directory read. */
export interface BackupContents {
  readonly manifest: Manifest
  readonly directory: DirectoryArchive
}

/** Reads what there is to restore. @throws {BackupRefused} */
export async function readBackup(folder: string): Promise<BackupContents> {
  const manifest = await mustReadManifest(folder)
  return { manifest, directory: (await readNamed(folder, manifest.directory)) as DirectoryArchive }
}

/** An account of the backup, and which it becomes. */
export interface RestoredAccount {
  /** Its number in the backup. */
  readonly id: number
  readonly address: string
  readonly to: AccountRef
}

export type RestoreRequest = { readonly path: string } & (
  | { readonly what: 'all'; readonly accounts: readonly RestoredAccount[] }
  /** In place of what the account is now, if it is there. `people`: who is here as in the backup; `limits`: as they are here. */
  | {
      readonly what: 'account'
      readonly account: RestoredAccount
      readonly people: readonly SamePerson[]
      readonly limits: QuotaLimits
    }
  /** Beside what is in another account, below a mailbox. */
  | { readonly what: 'into'; readonly account: RestoredAccount; readonly below: string }
)

export interface RestoreReport {
  readonly accounts: number
  readonly messages: number
  readonly deleted: number
  readonly bytes: number
  /** What was lost, in sentences without a full stop. */
  readonly lost: readonly string[]
}

const BY = 'restore'
const NOTHING: RestoreReport = { accounts: 0, messages: 0, deleted: 0, bytes: 0, lost: [] }

/** Brings back what was asked for. Each account shows when it is whole, and not before. */
export async function restoreBackup(
  store: MailStore,
  request: RestoreRequest,
  progress: (report: RestoreReport) => void,
): Promise<RestoreReport> {
  let report = NOTHING
  const add = (
    address: string,
    own: Omit<RestoreReport, 'accounts'>,
    accounts: number,
    before: RestoreReport,
  ): void => {
    report = {
      accounts: before.accounts + accounts,
      messages: before.messages + own.messages,
      deleted: before.deleted + own.deleted,
      bytes: before.bytes + own.bytes,
      lost: [...before.lost, ...own.lost.map((line) => `${address}: ${line}`)],
    }
    progress(report)
  }
  for (const account of request.what === 'all' ? request.accounts : [request.account]) {
    const { id, address, to } = account
    const before = report
    try {
      await using kept = await BackedUpAccount.open(store, request.path, id, address)
      const step = (own: Omit<RestoreReport, 'accounts'>): void => add(address, own, 0, before)
      const done =
        request.what === 'into'
          ? await kept.append(to, mailboxesBelow(store, to, request.below), step)
          : request.what === 'account'
            ? await kept.restore(to, 'replace', { people: request.people, limits: request.limits }, step)
            : await restoreNew(store, kept, to, step)
      add(address, done, 1, before)
    } catch (error) {
      if (request.what !== 'all' || !(error instanceof BackupRefused) || error.refusal.kind !== 'damaged-backup')
        throw error
      // The others are not to suffer from it.
      add(address, { ...NOTHING, lost: [`nothing came back: ${error.refusal.what} is damaged`] }, 0, before)
    }
  }
  return report
}

/** Where an earlier try has brought the account, it stays; what is half or another goes first. */
async function restoreNew(
  store: MailStore,
  kept: BackedUpAccount,
  to: AccountRef,
  progress: (report: Omit<RestoreReport, 'accounts'>) => void,
): Promise<Omit<RestoreReport, 'accounts'>> {
  const there = await store.image(to)
  if (there !== undefined) {
    const { createdAt, modseq } = ahead(kept.image)
    if (there.createdAt === createdAt && there.modseq === modseq) {
      const { messages, deleted, bytes } = kept.file
      return { messages, deleted, bytes, lost: [] }
    }
    const gone = await store.write('removeAccount', { account: to, by: BY })
    if (!gone.ok && gone.error.kind !== 'no-such-account')
      throw new BackupRefused({ kind: 'restore-refused', address: kept.file.address, why: gone.error.kind })
  }
  return kept.restore(to, 'new', undefined, progress)
}

/** Finds or makes mailboxes below one. */
function mailboxesBelow(store: MailStore, account: AccountRef, below: string): (name: string) => Promise<MailboxKey> {
  const known = new Map<string, MailboxKey>()
  return async (own) => {
    const name = `${below}/${own}`
    let key = known.get(name) ?? (await store.mailboxByName(account, name))?.key
    if (key === undefined) {
      const made = await store.write('createMailbox', { account, by: BY, name, specialUse: undefined })
      if (!made.ok) throw new BackupRefused({ kind: 'restore-refused', address: name, why: made.error.kind })
      await store.write('subscribe', { account, by: BY, name, subscribed: true })
      key = made.value.mailbox.key
    }
    known.set(name, key)
    return key
  }
}
