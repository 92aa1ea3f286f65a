/** Backups and restores: the directory here, the mail in a thread of its own. @module */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import type { AccountRecord, DirectoryArchive } from '#store/directory.ts'
import type { AccountRef } from '#store/types.ts'
import type { BackupReport } from '#transfer/backup/backup.ts'
import { mustBeBackupOrEmpty, readAccountFile } from '#transfer/backup/files.ts'
import { BackupRefused } from '#transfer/backup/format.ts'
import { type RestoreReport, readBackup } from '#transfer/backup/restore.ts'
import { DataInUse, lockData } from './data-lock.ts'
import type { Installation } from './installation.ts'
import { forgetMigration } from './migrate-request.ts'
import type { Task } from './task-thread.ts'
import { type RestoreArgs, type RestoreView, type VerbRefusal, VerbRefused } from './verbs.ts'

type Progress = (value: unknown) => void
type Run = <T>(task: Task, progress: Progress) => Promise<T>

/** Carries out `backup` and `restore` on an open installation. */
export class Backups {
  readonly #parts: Installation
  readonly #run: Run
  #restoring = false

  /** @param run runs a task in a thread with its own connection to the store. */
  constructor(parts: Installation, run: Run) {
    this.#parts = parts
    this.#run = run
  }

  async backup(path: string, progress: Progress): Promise<BackupReport> {
    await refusing(() => mustBeBackupOrEmpty(path))
    using _ = await lockBackup(path)
    const directory = await this.#withPrivateKeys(await this.#parts.directory.archive())
    return this.#run({ kind: 'backup', request: { path, directory } }, progress)
  }

  /** One at a time: the store knows what comes in by the account alone. No run writes into the folder meanwhile. */
  async restore(args: RestoreArgs, progress: Progress): Promise<RestoreView> {
    const { path } = args
    if (this.#restoring) throw new VerbRefused({ kind: 'backup-in-use', path })
    this.#restoring = true
    try {
      await refusing(() => readBackup(path))
      using _ = await lockBackup(path).catch(unlockedWhereReadOnly)
      return await this.#restore(args, progress)
    } finally {
      this.#restoring = false
    }
  }

  async #restore(args: RestoreArgs, progress: Progress): Promise<RestoreView> {
    const { path, address, into } = args
    const { manifest, directory } = await refusing(() => readBackup(path))
    if (address === null) return this.#restoreAll(args, manifest.accounts, directory, manifest.finished, progress)
    const kept = directory.accounts.find((account) => account.address === address.toLowerCase())
    const listed = manifest.accounts.find(({ id, mail }) => id === kept?.ref.id && mail)
    if (kept === undefined || listed === undefined) throw new VerbRefused({ kind: 'not-in-backup', address })
    const file = await refusing(() => readAccountFile(path, kept.ref.id))
    const taken = file?.taken ?? manifest.finished
    if (into !== null) return this.#restoreInto(args, kept, into, taken, file?.messages ?? 0, progress)
    return this.#restoreInPlace(args, kept, directory, taken, file?.messages ?? 0, progress)
  }

  /** The mail first, account by account, then the directory, which makes it somebody's. */
  async #restoreAll(
    { path, dryRun }: RestoreArgs,
    listed: readonly { readonly id: number; readonly mail: boolean }[],
    archive: DirectoryArchive,
    taken: string,
    progress: Progress,
  ): Promise<RestoreView> {
    const { directory } = this.#parts
    if ((await directory.domains()).length > 0) throw new VerbRefused({ kind: 'data-not-empty' })
    const mail = new Set(listed.filter((each) => each.mail).map(({ id }) => id))
    const accounts = archive.accounts.map((account) => ({ ...account, ref: this.#placed(account.ref) }))
    if (dryRun) return { ...NOTHING, accounts: accounts.length, taken, replaces: null, done: false }
    const request = {
      path,
      what: 'all',
      accounts: accounts
        .filter(({ ref }) => mail.has(ref.id))
        .map(({ ref, address }) => ({ id: ref.id, address, to: ref })),
    } as const
    const report = await this.#run<RestoreReport>({ kind: 'restore', request }, progress)
    await this.#writePrivateKeys(archive)
    const answer = await directory.restore({ ...archive, accounts })
    if (!answer.ok) throw new VerbRefused({ kind: 'data-not-empty' })
    return { ...report, accounts: accounts.length, taken, replaces: null, done: true }
  }

  async #restoreInPlace(
    { path, dryRun }: RestoreArgs,
    kept: DirectoryArchive['accounts'][number],
    archive: DirectoryArchive,
    taken: string,
    messages: number,
    progress: Progress,
  ): Promise<RestoreView> {
    const { directory, store, search, registry, config } = this.#parts
    const there = await directory.account(kept.address)
    const state = there === undefined ? undefined : await store.state(there.ref)
    const replaces = state?.usage.messages ?? null
    if (dryRun) return { ...NOTHING, accounts: 1, messages, taken, replaces, done: false }
    const record = there ?? (await this.#makeAccount(kept, archive))
    // who has an address that was somebody else's when the backup was made gets nothing of theirs
    const here = new Map((await directory.accounts()).map((account) => [account.address, account]))
    const people = archive.accounts.flatMap(({ ref, address, createdAt }) => {
      const now = here.get(address)
      const same = now !== undefined && (address === kept.address || now.createdAt === createdAt)
      return same ? [{ id: ref.id, now: now.ref.id, address }] : []
    })
    const account = { id: kept.ref.id, address: kept.address, to: record.ref }
    const request = { path, what: 'account', account, people, limits: record.limits } as const
    const report = await this.#run<RestoreReport>({ kind: 'restore', request }, progress)
    search.forget(record.ref.id)
    // Sessions show what was; they begin anew. A migration compares again: what is not here any more was not deleted.
    registry.accountChanged(record.ref.id)
    await forgetMigration(config.data, record.ref)
    return { ...report, taken, replaces, done: true }
  }

  async #restoreInto(
    { path, dryRun, mailbox }: RestoreArgs,
    kept: AccountRecord,
    into: string,
    taken: string,
    messages: number,
    progress: Progress,
  ): Promise<RestoreView> {
    const target = await this.#parts.accounts.account(into)
    if (!target.ok) throw new VerbRefused(target.error)
    if (dryRun) return { ...NOTHING, accounts: 1, messages, taken, replaces: null, done: false }
    if (!(await this.#parts.accounts.ensureOpen(target.value)))
      throw new VerbRefused({ kind: 'account-closed', address: target.value.address })
    const account = { id: kept.ref.id, address: kept.address, to: target.value.ref }
    const request = { path, what: 'into', account, below: mailbox } as const
    const report = await this.#run<RestoreReport>({ kind: 'restore', request }, progress)
    return { ...report, taken, replaces: null, done: true }
  }

  /** An account that is gone comes back with its domain, its settings and its app passwords. */
  async #makeAccount(kept: DirectoryArchive['accounts'][number], archive: DirectoryArchive): Promise<AccountRecord> {
    const { directory } = this.#parts
    const { ref, createdAt: _, scramSalt: __, ...rest } = kept
    const domain = kept.address.slice(kept.address.lastIndexOf('@') + 1)
    if ((await directory.domain(domain)) === undefined) await directory.addDomain(domain)
    const added = await directory.addAccounts([{ ...rest, shard: this.#placed(ref).shard }])
    if (!added.ok) throw new VerbRefused(added.error)
    const [record] = added.value
    if (record === undefined) throw new Error(`The account "${kept.address}" was added and is not there`)
    for (const { id: ___, createdAt: ____, lastUsedAt: _____, ...password } of archive.appPasswords)
      if (password.account === ref.id) await directory.addAppPassword({ ...password, account: record.ref.id })
    return record
  }

  async #withPrivateKeys(archive: DirectoryArchive): Promise<DirectoryArchive> {
    const dkimKeys = await Promise.all(
      (archive.dkimKeys ?? []).map(async (key) => {
        const privateKey = await this.#parts.keyFiles.read(key.domain, key.selector)
        return privateKey === undefined ? key : { ...key, privateKey }
      }),
    )
    return { ...archive, dkimKeys }
  }

  async #writePrivateKeys({ dkimKeys = [] }: DirectoryArchive): Promise<void> {
    for (const { domain, selector, privateKey } of dkimKeys)
      if (privateKey !== undefined) await this.#parts.keyFiles.write(domain, selector, privateKey)
  }

  /** In its shard, or in one that is there. */
  #placed({ id, shard }: AccountRef): AccountRef {
    const { shards } = this.#parts.config.store
    return { id, shard: shard < shards ? shard : id % shards }
  }
}

const NOTHING: RestoreReport = { accounts: 0, messages: 0, deleted: 0, bytes: 0, lost: [] }

async function lockBackup(path: string): Promise<Disposable> {
  try {
    const lock = await lockData(path)
    try {
      await chmod(join(path, 'lock.db'), 0o600)
    } catch (error) {
      lock[Symbol.dispose]()
      throw error
    }
    return lock
  } catch (error) {
    if (error instanceof DataInUse) throw new VerbRefused({ kind: 'backup-in-use', path })
    throw fileRefusal(error) ?? error
  }
}

/** Nobody writes into a folder that this process cannot write into. */
function unlockedWhereReadOnly(error: unknown): Disposable {
  if (error instanceof VerbRefused && error.refusal.kind === 'backup-in-use') throw error
  return { [Symbol.dispose]: () => undefined }
}

/** What reading a backup refuses, as the verb's refusal. */
async function refusing<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof BackupRefused) throw new VerbRefused(error.refusal)
    throw fileRefusal(error) ?? error
  }
}

function fileRefusal(error: unknown): VerbRefused | undefined {
  const { code, path } = error as NodeJS.ErrnoException
  const refusal: VerbRefusal | undefined =
    code !== undefined && path !== undefined ? { kind: 'file', path, code } : undefined
  return refusal === undefined ? undefined : new VerbRefused(refusal)
}
