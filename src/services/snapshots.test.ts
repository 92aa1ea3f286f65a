import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey } from '#mail/ids.ts'
import { flagsOf } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import { plainMail } from '#testing/messages.ts'
import { addMessage, openTestStore } from '#testing/store.ts'
import { MailboxSnapshots } from './snapshots.ts'

interface Scene extends AsyncDisposable {
  readonly store: MailStore
  readonly account: AccountRef
  readonly inbox: MailboxKey
  readonly reads: Record<'changes' | 'messages', number>
}

async function scene(options: Parameters<typeof openTestStore>[0] = {}, messages = 3): Promise<Scene> {
  const opened = await openTestStore(options)
  const { store, account } = opened
  for (let n = 0; n < messages; n += 1) await addMessage(store, account, 'INBOX', plainMail())
  const reads = { changes: 0, messages: 0 }
  const original = { changes: store.changes.bind(store), messages: store.messages.bind(store) }
  store.changes = (...asked) => {
    reads.changes += 1
    return original.changes(...asked)
  }
  store.messages = (...asked) => {
    reads.messages += 1
    return original.messages(...asked)
  }
  const inbox = (await store.mailboxByName(account, 'INBOX'))?.key
  assert.ok(inbox)
  return { store, account, inbox, reads, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
}

function flag({ store, account, inbox }: Scene, first: number, names: readonly string[]): Promise<unknown> {
  const request = { account, by: 'test', mailbox: inbox, uids: [[first, first]] as never, unchangedSince: undefined }
  return store.write('changeFlags', { ...request, action: 'add', flags: flagsOf(names) })
}

test('a hundred holders read once, when they come and when something changes', async () => {
  await using here = await scene()
  const snapshots = new MailboxSnapshots(here.store)
  const handles = Array.from({ length: 100 }, () => snapshots.open(here.account, here.inbox))
  const first = await Promise.all(handles.map((handle) => handle.refresh(0)))
  assert.equal(new Set(first).size, 1)
  assert.equal(first[0]?.size, 3)
  assert.deepEqual(here.reads, { changes: 1, messages: 1 })
  await Promise.all(handles.map((handle) => handle.refresh(0)))
  assert.deepEqual(here.reads, { changes: 1, messages: 1 }, 'nothing is read when nothing happened')
  await flag(here, 2, ['\\Seen', 'new'])
  const second = await Promise.all(handles.map((handle) => handle.refresh(0)))
  assert.equal(new Set(second).size, 1)
  assert.notEqual(second[0], first[0])
  assert.deepEqual(here.reads, { changes: 2, messages: 1 })
  const flags = second[0]?.flagsAt(2)
  assert.ok(flags !== undefined)
  assert.equal(handles[0]?.keywords.text(flags), '\\Seen new')
})

test('refresh() waits for the MODSEQ it is asked for, also when no announcement came', async () => {
  await using here = await scene()
  here.store.watch = () => () => undefined
  const handle = new MailboxSnapshots(here.store).open(here.account, here.inbox)
  const before = await handle.refresh(0)
  await flag(here, 1, ['\\Flagged'])
  const state = await here.store.state(here.account)
  assert.ok(state !== undefined && before !== undefined)
  assert.equal(handle.ready(0), before, 'nothing is known of the change')
  assert.equal(handle.ready(state.modseq), undefined)
  const after = await handle.refresh(state.modseq)
  assert.equal(after?.flagsAt(1), 4)
})

test('what a store does not remember any more is read anew', async () => {
  await using here = await scene({ maxTombstones: 1 }, 6)
  const snapshots = new MailboxSnapshots(here.store)
  const handle = snapshots.open(here.account, here.inbox)
  assert.equal((await handle.refresh(0))?.size, 6)
  for (const uid of [2, 4, 5]) {
    const uids = [[uid, uid]] as never
    await here.store.write('expunge', { account: here.account, by: 'test', mailbox: here.inbox, uids, which: 'any' })
  }
  const after = await handle.refresh(0)
  assert.deepEqual(after?.pages.flatMap(({ uids }) => [...uids]), [1, 3, 6]) // biome-ignore format: one line
})

test('a mailbox that is deleted, or whose account goes, is gone', async () => {
  await using here = await scene()
  const { store, account } = here
  await store.write('createMailbox', { account, by: 'test', name: 'Other', specialUse: undefined })
  const other = (await store.mailboxByName(account, 'Other'))?.key
  assert.ok(other)
  const snapshots = new MailboxSnapshots(store)
  const handles = [snapshots.open(account, other), snapshots.open(account, here.inbox)] as const
  let heard = 0
  handles[0].listen(() => {
    heard += 1
  })
  assert.equal((await handles[0].refresh(0))?.size, 0)
  assert.equal((await handles[1].refresh(0))?.size, 3)
  await store.write('deleteMailbox', { account, by: 'test', mailbox: other })
  assert.ok(heard > 0)
  assert.equal(await handles[0].refresh(0), undefined)
  assert.equal((await handles[1].refresh(0))?.size, 3)
  await store.write('removeAccount', { account, by: 'test' })
  assert.equal(await handles[1].refresh(0), undefined)
  for (const handle of handles) handle.close()
  assert.deepEqual(snapshots.size, { mailboxes: 0, messages: 0 })
})

test('a mailbox that was left is kept for who comes back, and brought up to date then', async () => {
  await using here = await scene()
  const snapshots = new MailboxSnapshots(here.store)
  const first = snapshots.open(here.account, here.inbox)
  await first.refresh(0)
  first.close()
  first.close()
  assert.deepEqual(snapshots.size, { mailboxes: 1, messages: 3 })
  await addMessage(here.store, here.account, 'INBOX', plainMail())
  const second = snapshots.open(here.account, here.inbox)
  assert.equal((await second.refresh(0))?.size, 4)
  assert.equal(here.reads.messages, 1, 'only the change was read')
})

test('a read that fails is tried again by the next who asks', async () => {
  await using here = await scene()
  const handle = new MailboxSnapshots(here.store).open(here.account, here.inbox)
  const state = here.store.state.bind(here.store)
  here.store.state = () => Promise.reject(new Error('broken'))
  await assert.rejects(handle.refresh(0), /broken/)
  here.store.state = state
  assert.equal((await handle.refresh(0))?.size, 3)
})

test('what a session has changed itself is not read again, unless something else happened meanwhile', async () => {
  await using here = await scene()
  const { store, account, inbox } = here
  const handle = new MailboxSnapshots(store).open(account, inbox)
  await handle.refresh(0)
  const { changes } = here.reads
  const flagged = async (uid: number) => {
    const request = { account, by: 'test', mailbox: inbox, uids: [[uid, uid]] as never, unchangedSince: undefined }
    const answer = await store.write('changeFlags', { ...request, action: 'add', flags: flagsOf(['\\Flagged']) })
    assert.ok(answer.ok)
    return answer.value
  }
  const first = await flagged(2)
  handle.took(first.changed)
  const snapshot = await handle.refresh(first.modseq)
  assert.equal(snapshot?.flagsAt(2), 4)
  assert.equal(snapshot?.modseq, first.modseq)
  assert.equal(here.reads.changes, changes, 'nothing was read')
  const elsewhere = await flagged(1)
  const second = await flagged(3)
  handle.took(second.changed)
  const whole = await handle.refresh(second.modseq)
  assert.deepEqual([whole?.flagsAt(1), whole?.flagsAt(3)], [4, 4])
  assert.equal(here.reads.changes, changes + 1, 'what another session did was read')
  // One that is told twice, and one that is older, change nothing.
  handle.took(second.changed)
  handle.took(elsewhere.changed)
  assert.equal(await handle.refresh(0), whole)
})

test('where commits are counted, a question reads only after one', async () => {
  await using here = await scene()
  let commits = 7
  here.store.commits = () => commits
  here.store.watch = () => () => undefined
  const handle = new MailboxSnapshots(here.store).open(here.account, here.inbox)
  const before = await handle.refresh(0, performance.now())
  assert.equal(handle.ready(0, performance.now()), before)
  assert.equal(here.reads.changes, 1)

  await flag(here, 1, ['\\Flagged'])
  commits += 1
  assert.equal(handle.ready(0, performance.now()), undefined)
  const after = await handle.refresh(0, performance.now())
  assert.equal(after?.flagsAt(1), 4)
  assert.equal(here.reads.changes, 2)

  // What a write has told goes along with its commit, and with no other.
  const { modseq } = after
  commits += 1
  const own = { uids: Uint32Array.of(2), flags: Uint32Array.of(4), modseqs: Float64Array.of(modseq + 1) }
  handle.took(own)
  assert.equal(handle.ready(0, performance.now())?.flagsAt(2), 4)
  commits += 1
  assert.equal(handle.ready(0, performance.now()), undefined)
})

test('a mailbox that never rests is shown as it was after the question', async () => {
  await using here = await scene()
  let commits = 0
  here.store.commits = () => commits++
  const handle = new MailboxSnapshots(here.store).open(here.account, here.inbox)
  assert.equal((await handle.refresh(0, performance.now()))?.size, 3)
  assert.equal(here.reads.changes, 1)
})
