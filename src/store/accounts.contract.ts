import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey } from '#mail/ids.ts'
import { NO_FLAGS } from './flags.ts'
import { messageOf, UNLIMITED, uids, type World } from './kit.contract.ts'

/** Accounts: made, limited, removed. */
export function accountsContract(world: () => World): void {
  test('an account that was never made has nothing to read', async () => {
    const { store, ref } = world().stranger()
    assert.equal(await store.state(ref), undefined)
    assert.deepEqual(await store.mailboxes(ref), [])
    assert.deepEqual(await store.subscriptions(ref), [])
    assert.equal(await store.mailboxByName(ref, 'INBOX'), undefined)
    assert.equal(await store.mailbox(ref, 1 as MailboxKey), undefined)
    assert.equal((await store.messages(ref, 1 as MailboxKey, 0)).uids.length, 0)
    assert.equal((await store.changes(ref, 1 as MailboxKey, 0)).uidNext, undefined)
  })

  test('every write but openAccount refuses an account that was never made', async () => {
    const nobody = world().stranger()
    const mailbox = 1 as MailboxKey
    const answers = await Promise.all([
      nobody.write('removeAccount', {}),
      nobody.write('setLimits', { limits: UNLIMITED }),
      nobody.write('append', { mailbox, messages: [messageOf()] }),
      nobody.write('changeFlags', {
        mailbox,
        uids: uids(1),
        action: 'add',
        flags: NO_FLAGS,
        unchangedSince: undefined,
      }),
      nobody.write('copy', { mailbox, uids: uids(1), target: mailbox }),
      nobody.write('move', { mailbox, uids: uids(1), target: mailbox }),
      nobody.write('expunge', { mailbox, uids: undefined, which: 'any' }),
      nobody.write('createMailbox', { name: 'a', specialUse: undefined }),
      nobody.write('deleteMailbox', { mailbox }),
      nobody.write('renameMailbox', { from: 'a', to: 'b' }),
      nobody.write('subscribe', { name: 'a', subscribed: true }),
    ])
    for (const answer of answers) assert.deepEqual(answer, { ok: false, error: { kind: 'no-such-account' } })
  })

  test('openAccount makes INBOX, the mailboxes of the plan with their superiors, and subscriptions', async () => {
    const person = world().stranger()
    const limits = { storageBytes: 5_000, messages: 7 }
    const { modseq } = await person.must('openAccount', {
      mailboxes: [
        { name: 'Drafts', specialUse: 'Drafts', subscribed: true },
        { name: 'Kept/2026', specialUse: undefined, subscribed: false },
      ],
      limits,
    })
    assert.ok(modseq >= 1)
    assert.deepEqual(await person.names(), ['INBOX', 'Drafts', 'Kept', 'Kept/2026'])
    assert.equal((await person.box('Drafts')).specialUse, 'Drafts')
    assert.equal((await person.box('Kept/2026')).specialUse, undefined)
    assert.ok((await person.store.subscriptions(person.ref)).includes('Drafts'))
    assert.ok(!(await person.store.subscriptions(person.ref)).includes('Kept/2026'))
    const { lastEmail: _, ...state } = await person.state()
    assert.deepEqual(state, { modseq, limits, usage: { storageBytes: 0, messages: 0, mailboxes: 4 } })
  })

  test('a new mailbox starts at UID 1 with a UIDVALIDITY, and both MODSEQs are known', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    assert.equal(inbox.uidNext, 1)
    assert.ok(inbox.uidValidity >= 1 && inbox.uidValidity <= 4_294_967_295)
    assert.ok(inbox.highestModseq >= 1)
    assert.ok(Math.abs(inbox.createdAt - Date.now()) < 600_000)
  })

  test('openAccount changes nothing of an account that exists', async () => {
    const person = world().stranger()
    const plan = [{ name: 'Drafts', specialUse: 'Drafts', subscribed: true }] as const
    await person.must('openAccount', { mailboxes: plan, limits: UNLIMITED })
    await person.must('deleteMailbox', { mailbox: (await person.box('Drafts')).key })
    const before = await person.picture()
    await person.must('openAccount', { mailboxes: plan, limits: { storageBytes: 1, messages: 1 } })
    assert.deepEqual(await person.picture(), before)
  })

  test('openAccount that names a bad mailbox makes no account', async () => {
    const person = world().stranger()
    const mailboxes = [
      { name: 'fine', specialUse: undefined, subscribed: true },
      { name: 'not//fine', specialUse: undefined, subscribed: true },
    ]
    const answer = await person.write('openAccount', { mailboxes, limits: UNLIMITED })
    assert.deepEqual(answer, { ok: false, error: { kind: 'bad-name', why: 'empty-level' } })
    assert.equal(await person.store.state(person.ref), undefined)
  })

  test('setLimits puts limits on and takes them off', async () => {
    const person = await world().person()
    for (const limits of [
      { storageBytes: 9, messages: undefined },
      { storageBytes: undefined, messages: 0 },
      UNLIMITED,
    ]) {
      await person.must('setLimits', { limits })
      assert.deepEqual((await person.state()).limits, limits)
    }
  })

  test('removeAccount takes everything out of sight and leaves others alone', async () => {
    const person = await world().person()
    const other = await world().person(UNLIMITED, person.ref.shard)
    await person.add((await person.inbox()).key, [messageOf()])
    await other.add((await other.inbox()).key, [messageOf()])
    const before = await other.picture()
    const inbox = await person.inbox()
    await person.must('removeAccount', {})
    assert.equal(await person.store.state(person.ref), undefined)
    assert.deepEqual(await person.store.mailboxes(person.ref), [])
    assert.deepEqual(await person.emails(inbox.key), [])
    assert.deepEqual(await person.write('removeAccount', {}), { ok: false, error: { kind: 'no-such-account' } })
    assert.deepEqual(await other.picture(), before)
  })

  test('an account that is made again after its removal is empty', async () => {
    const person = await world().person()
    const { key } = await person.make('Old')
    await person.add(key, [messageOf({ flags: ['old'] })])
    await person.must('subscribe', { name: 'Old', subscribed: true })
    await person.must('removeAccount', {})
    await person.must('openAccount', { mailboxes: [], limits: UNLIMITED })
    assert.deepEqual(await person.names(), ['INBOX'])
    assert.deepEqual(await person.store.subscriptions(person.ref), [])
    assert.deepEqual(await person.store.keywordSets(person.ref, 0), [[]])
    assert.equal((await person.state()).usage.messages, 0)
  })

  test('each account has a MODSEQ of its own', async () => {
    const [ann, bob] = [await world().person(), await world().person()]
    const before = await bob.modseq()
    const inbox = await ann.inbox()
    const first = await ann.add(inbox.key, [messageOf()])
    const second = await ann.add(inbox.key, [messageOf()])
    assert.ok(second.modseq > first.modseq)
    assert.equal(await ann.modseq(), second.modseq)
    assert.equal(await bob.modseq(), before)
  })
}
