import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refused } from '#lib/result.ts'
import type { MailboxKey, Uid } from '#mail/ids.ts'
import { prepareEmail } from '#mail/prepare.ts'
import { scanMessage } from '#mail/scanner.ts'
import { flagsOf } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import { plainMail } from '#testing/messages.ts'
import { Random } from '#testing/random.ts'
import { openTestStore } from '#testing/store.ts'
import { AccountKeywords } from './account-keywords.ts'
import { isWorthAnImprint, keepImprint } from './mailbox-imprint.ts'
import { MailboxReading } from './mailbox-reading.ts'
import type { Snapshot } from './snapshot.ts'

interface Scene extends AsyncDisposable {
  readonly store: MailStore
  readonly account: AccountRef
  readonly inbox: MailboxKey
  /** How many messages were read, one by one. */
  readonly reads: { messages: number }
  /** Whether an imprint is kept whenever it is asked for; else only by {@link keep} and by name. */
  keeping: boolean
}

async function scene(messages: number, maxTombstones = 10_000): Promise<Scene> {
  const opened = await openTestStore({ maxTombstones })
  const { store, account } = opened
  const inbox = (await store.mailboxByName(account, 'INBOX'))?.key ?? assert.fail()
  const reads = { messages: 0 }
  const original = store.messages.bind(store)
  store.messages = async (...asked) => {
    const page = await original(...asked)
    reads.messages += page.uids.length
    return page
  }
  const write = store.write.bind(store)
  store.write = async (kind, request) =>
    kind === 'keepImprint' && !here.keeping && request.by !== 'test'
      ? refused({ kind: 'unavailable', reason: 'closing' })
      : write(kind, request)
  const here: Scene = {
    store,
    account,
    inbox,
    reads,
    keeping: false,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
  await add(here, messages)
  return here
}

async function add({ store, account, inbox }: Scene, count: number): Promise<void> {
  const bytes = plainMail()
  const message = {
    body: { kind: 'bytes', bytes },
    email: prepareEmail(scanMessage(bytes)),
    trace: new Uint8Array(0),
    flags: flagsOf([]),
    internalDate: 1_700_000_000_000,
    internalZone: 0,
    uidl: undefined,
  } as const
  const answer = await store.write('append', {
    account,
    by: 'test',
    mailbox: inbox,
    messages: Array.from({ length: count }, () => message),
  })
  assert.ok(answer.ok)
}

async function flag({ store, account, inbox }: Scene, first: number, last: number, name: string): Promise<void> {
  const uids = [[first as Uid, last as Uid]] as const
  const request = { account, by: 'test', mailbox: inbox, uids, unchangedSince: undefined }
  await store.write('changeFlags', { ...request, action: 'add', flags: flagsOf([name]) })
}

async function expunge({ store, account, inbox }: Scene, first: number, last: number): Promise<void> {
  const uids = [[first as Uid, last as Uid]] as const
  await store.write('expunge', { account, by: 'test', mailbox: inbox, uids, which: 'any' })
}

/** The mailbox as somebody sees it who has never opened it. */
async function opened({ store, account, inbox }: Scene): Promise<Snapshot> {
  const of = { ref: account, guest: undefined, keywords: new AccountKeywords() }
  return (await new MailboxReading(store, of, inbox).load()) ?? assert.fail()
}

async function keep(here: Scene, snapshot: Snapshot): Promise<boolean> {
  here.keeping = true
  const kept = await keepImprint(here.store, here.account, here.inbox, snapshot)
  here.keeping = false
  return kept
}

/** What a snapshot says, whatever pages it has. */
function said({ pages, modseq, uidNext, size }: Snapshot): unknown {
  const columns = { uids: [] as number[], flags: [] as number[], modseqs: [] as number[] }
  for (const page of pages) {
    columns.uids.push(...page.uids)
    columns.flags.push(...page.flags)
    columns.modseqs.push(...page.modseqs)
  }
  return { ...columns, modseq, uidNext, size }
}

/** The same, read message by message. */
async function saidByMessages(here: Scene): Promise<unknown> {
  const imprint = here.store.imprint.bind(here.store)
  here.store.imprint = async () => undefined
  const snapshot = await opened(here)
  here.store.imprint = imprint
  return said(snapshot)
}

test('a mailbox is opened by its imprint and by what changed since', async () => {
  await using here = await scene(20_000)
  assert.equal(await keep(here, await opened(here)), true)
  await flag(here, 8_190, 8_195, '\\Seen')
  await flag(here, 3, 3, 'new')
  await expunge(here, 100, 300)
  await add(here, 2)
  const expected = await saidByMessages(here)
  here.reads.messages = 0
  const snapshot = await opened(here)
  assert.equal(here.reads.messages, 0, 'no message was read by itself')
  assert.deepEqual(said(snapshot), expected)
})

test('an imprint and changes lead to the mailbox, whatever happens and whenever it is kept', async () => {
  const random = new Random(Number(process.env['MALLE_SEED'] ?? 5))
  await using here = await scene(40, 12)
  for (let step = 0; step < 300; step += 1) {
    const first = random.below(60 + step) + 1
    const last = first + random.below(5)
    const kind = random.below(8)
    if (kind === 0) await expunge(here, first, last)
    else if (kind === 1) await add(here, random.below(4) + 1)
    else if (kind === 2) await keep(here, await opened(here))
    else await flag(here, first, last, random.chance(0.5) ? '\\Flagged' : `k${random.below(9)}`)
    assert.deepEqual(said(await opened(here)), await saidByMessages(here), `step ${step}`)
  }
})

test('half an imprint, one of which tombstones are lost, and one that does not add up are left alone', async () => {
  await using here = await scene(17_000, 1)
  const first = await opened(here)
  await keep(here, first)
  const whole = await here.store.imprint(here.account, here.inbox, 1)
  assert.ok(whole)
  await flag(here, 1, 1, '\\Seen')
  const expected = await saidByMessages(here)
  const kept = (imprint: typeof whole): Promise<unknown> =>
    here.store.write('keepImprint', { account: here.account, by: 'test', mailbox: here.inbox, imprint })
  const isRead = async (anew: boolean, why: string): Promise<void> => {
    here.reads.messages = 0
    assert.deepEqual(said(await opened(here)), expected, why)
    assert.equal(here.reads.messages > 0, anew, why)
  }
  await isRead(false, 'whole')
  await kept({ ...whole, modseq: (first.modseq + 1) as typeof whole.modseq })
  await isRead(true, 'parts of two')
  await kept({ ...whole, uids: whole.uids.slice(1), flags: whole.flags.slice(1), modseqs: whole.modseqs.slice(1) })
  await isRead(true, 'a message is missing')
  await kept({ ...whole, uids: whole.uids.map((uid) => uid - 1) })
  await isRead(true, 'a message twice')
  await kept(whole)
  await isRead(false, 'whole again')
  for (const uid of [2, 4, 6]) await expunge(here, uid, uid)
  here.reads.messages = 0
  assert.deepEqual(said(await opened(here)), await saidByMessages(here))
  assert.ok(here.reads.messages > 17_000, 'tombstones are lost')
})

test('an imprint is made of a mailbox that took long to read, and made anew when much has changed', () => {
  assert.equal(isWorthAnImprint(1_999, 1_999), false)
  assert.equal(isWorthAnImprint(2_000, 2_000), true)
  assert.equal(isWorthAnImprint(100_000, 6_000), false)
  assert.equal(isWorthAnImprint(100_000, 6_250), true)
})

test('whoever reads a large mailbox has an imprint kept, a moment later', async () => {
  await using here = await scene(2_000)
  here.keeping = true
  const { promise, resolve } = Promise.withResolvers<void>()
  const write = here.store.write.bind(here.store)
  here.store.write = async (kind, request) => {
    const answer = await write(kind, request)
    if (kind === 'keepImprint') resolve()
    return answer
  }
  await opened(here)
  await promise
  here.reads.messages = 0
  assert.equal((await opened(here)).size, 2_000)
  assert.equal(here.reads.messages, 0)
})
