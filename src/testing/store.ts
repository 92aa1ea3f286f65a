/** A store with an account, for tests of what stands on it. @module */
import { type MemoryStoreOptions, openMemoryStore } from '#adapters/memory/memory-store.ts'
import type { AccountId, Uid } from '#mail/ids.ts'
import { prepareEmail } from '#mail/prepare.ts'
import { MessageScanner } from '#mail/scanner.ts'
import { flagsOf } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, QuotaLimits } from '#store/types.ts'

export interface TestStore extends AsyncDisposable {
  readonly store: MailStore
  /** Has INBOX only. */
  readonly account: AccountRef
}

/** Opens a store in memory with one account. */
export async function openTestStore(options: MemoryStoreOptions = {}): Promise<TestStore> {
  const store = openMemoryStore(options)
  const account = await addAccount(store, 1)
  return { store, account, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
}

/** Makes an account with an INBOX. */
export async function addAccount(
  store: MailStore,
  id: number,
  limits: QuotaLimits = { storageBytes: undefined, messages: undefined },
): Promise<AccountRef> {
  const account: AccountRef = { id: id as AccountId, shard: 0 }
  const opened = await store.write('openAccount', { account, by: 'test', mailboxes: [], limits })
  if (!opened.ok) throw new Error(`Cannot open account ${id}: ${opened.error.kind}`)
  return account
}

/** Scans, prepares, stages and appends a message as a server does; a mailbox that is missing is made. */
export async function addMessage(
  store: MailStore,
  account: AccountRef,
  mailbox: string,
  bytes: Uint8Array,
  flags: readonly string[] = [],
  internalDate = 1_700_000_000_000,
): Promise<Uid> {
  const by = 'test'
  let key = (await store.mailboxByName(account, mailbox))?.key
  if (key === undefined) {
    const made = await store.write('createMailbox', { account, by, name: mailbox, specialUse: undefined })
    if (!made.ok) throw new Error(`Cannot make "${mailbox}": ${made.error.kind}`)
    key = made.value.mailbox.key
  }
  const scanner = new MessageScanner()
  const stage = store.stage(account.shard)
  for (let at = 0; at < bytes.length; at += 65_536) {
    const chunk = bytes.subarray(at, at + 65_536)
    scanner.push(chunk)
    await stage.write(chunk)
  }
  const message = {
    body: await stage.finish(),
    email: prepareEmail(scanner.end()),
    trace: new Uint8Array(0),
    flags: flagsOf(flags),
    internalDate,
    internalZone: 0,
    uidl: undefined,
  }
  const added = await store.write('append', { account, by, mailbox: key, messages: [message] })
  const uid = added.ok ? added.value.uids[0] : undefined
  if (uid === undefined) throw new Error(`Cannot add the message: ${JSON.stringify(added)}`)
  return uid
}

/** All octets of a message as FETCH BODY[] gives them: trace lines and body. */
export async function messageBytes(
  store: MailStore,
  account: AccountRef,
  mailbox: string,
  uid: number,
): Promise<Uint8Array> {
  const key = (await store.mailboxByName(account, mailbox))?.key
  if (key === undefined) throw new Error(`There is no mailbox "${mailbox}"`)
  for await (const slice of store.emails(account, key, [[uid as Uid, uid as Uid]], 0)) {
    for (const row of slice) {
      const body = store.body(account, row.place)
      const chunks: Uint8Array[] = [row.trace]
      for await (const chunk of body.stream(0, body.size)) chunks.push(chunk)
      return Buffer.concat(chunks)
    }
  }
  throw new Error(`There is no message ${uid} in "${mailbox}"`)
}
