import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey } from '#mail/ids.ts'
import { messageOf, type World } from './kit.contract.ts'
import { MAX_MAILBOXES } from './limits.ts'

const BAD_NAMES = [
  ['', 'empty-level'],
  ['/a', 'empty-level'],
  ['a/', 'empty-level'],
  ['a//b', 'empty-level'],
  ['a\u0007b', 'bad-character'],
  ['a\0', 'bad-character'],
  ['e\u0301', 'bad-character'],
  ['x'.repeat(256), 'too-long'],
  ['é'.repeat(128), 'too-long'],
  ['y/'.repeat(500).slice(0, -1) + 'yy', 'too-long'],
  [Array(51).fill('d').join('/'), 'too-deep'],
] as const

/** The tree of mailboxes: created, deleted, subscribed, listed. */
export function mailboxesContract(world: () => World): void {
  test('createMailbox answers what readers see from then on', async () => {
    const person = await world().person()
    const before = await person.modseq()
    const { mailbox, modseq } = await person.must('createMailbox', { name: 'Kept', specialUse: undefined })
    assert.ok(modseq > before)
    assert.equal(await person.modseq(), modseq)
    assert.deepEqual(await person.box('Kept'), mailbox)
    assert.deepEqual(await person.box(mailbox.key), mailbox)
    assert.deepEqual((await person.store.mailboxes(person.ref))[1], mailbox)
    assert.equal(mailbox.name, 'Kept')
    assert.equal(mailbox.messages, 0)
    assert.equal(mailbox.uidNext, 1)
    assert.equal((await person.state()).usage.mailboxes, 2)
  })

  test('createMailbox creates the levels above (RFC 9051 §6.3.4)', async () => {
    const person = await world().person()
    await person.make('a/b/c', 'Archive')
    assert.deepEqual(await person.names(), ['INBOX', 'a', 'a/b', 'a/b/c'])
    assert.equal((await person.box('a')).specialUse, undefined)
    await person.make('a/b/d')
    assert.deepEqual(await person.names(), ['INBOX', 'a', 'a/b', 'a/b/c', 'a/b/d'])
  })

  test('mailboxes() puts INBOX first, then names in order', async () => {
    const person = await world().person()
    for (const name of ['zebra', 'Apple', 'apple', 'INBOX/sub', 'Émile', 'apple-2', 'apple/x', '日本'])
      await person.make(name)
    assert.deepEqual(await person.names(), [
      'INBOX',
      'Apple',
      'INBOX/sub',
      'apple',
      'apple-2',
      'apple/x',
      'zebra',
      'Émile',
      '日本',
    ])
  })

  test('createMailbox refuses a name that is there', async () => {
    const person = await world().person()
    await person.make('a/b')
    for (const name of ['a', 'a/b', 'INBOX', 'inbox', 'iNbOx'])
      assert.deepEqual(await person.refused('createMailbox', { name, specialUse: undefined }), {
        kind: 'mailbox-exists',
      })
  })

  test('INBOX has one name in any case, its inferiors one parent; other names keep their case', async () => {
    const person = await world().person()
    await person.make('inbox/sub')
    await person.make('Inboxes')
    await person.make('kept/inbox')
    assert.deepEqual(await person.names(), ['INBOX', 'INBOX/sub', 'Inboxes', 'kept', 'kept/inbox'])
    assert.equal((await person.box('InBoX')).name, 'INBOX')
    assert.equal((await person.box('iNBOX/sub')).name, 'INBOX/sub')
    assert.equal(await person.store.mailboxByName(person.ref, 'inboxes'), undefined)
  })

  for (const [name, why] of BAD_NAMES)
    test(`createMailbox, renameMailbox and subscribe refuse ${JSON.stringify(name.slice(0, 20))}: ${why}`, async () => {
      const person = await world().person()
      await person.make('fine')
      const refusal = { kind: 'bad-name', why }
      assert.deepEqual(await person.refused('createMailbox', { name, specialUse: undefined }), refusal)
      assert.deepEqual(await person.refused('renameMailbox', { from: 'fine', to: name }), refusal)
      assert.deepEqual(await person.refused('renameMailbox', { from: 'INBOX', to: name }), refusal)
      assert.deepEqual(await person.refused('subscribe', { name, subscribed: true }), refusal)
    })

  test('names may be as long and deep as the limits say, and hold anything else', async () => {
    const person = await world().person()
    const names = [
      'x'.repeat(255),
      'é'.repeat(127),
      Array(50).fill('d').join('/'),
      `${Array(4).fill('w'.repeat(249)).join('/')}w`,
      'a b"c\\d*e%f&g(h){i}~\u{1f4e7}',
      "'; DROP TABLE mailbox; --",
      '.',
      '#news',
      ' ',
    ]
    assert.equal(names[3]?.length, 1_000)
    for (const name of names) {
      await person.make(name)
      assert.equal((await person.box(name)).name, name)
    }
  })

  test('a special use has one mailbox at a time (RFC 6154)', async () => {
    const person = await world().person()
    const sent = await person.make('Sent', 'Sent')
    assert.equal(sent.specialUse, 'Sent')
    assert.deepEqual(await person.refused('createMailbox', { name: 'Gesendet', specialUse: 'Sent' }), {
      kind: 'special-use-taken',
      by: 'Sent',
    })
    await person.must('renameMailbox', { from: 'Sent', to: 'Envoyés' })
    assert.equal((await person.box('Envoyés')).specialUse, 'Sent')
    await person.must('deleteMailbox', { mailbox: sent.key })
    assert.equal((await person.make('Gesendet', 'Sent')).specialUse, 'Sent')
  })

  test('of many who create the same name at once, one succeeds', async () => {
    const person = await world().person()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => person.write('createMailbox', { name: 'race/x', specialUse: undefined })),
    )
    assert.equal(answers.filter((answer) => answer.ok).length, 1)
    assert.deepEqual(await person.names(), ['INBOX', 'race', 'race/x'])
  })

  test('deleteMailbox takes the mailbox and its messages, and leaves inferiors and subscriptions', async () => {
    const person = await world().person()
    const { key } = await person.make('a')
    await person.make('a/b')
    await person.must('subscribe', { name: 'a', subscribed: true })
    await person.add(key, [messageOf(), messageOf()])
    const before = await person.modseq()
    const { modseq } = await person.must('deleteMailbox', { mailbox: key })
    assert.ok(modseq > before)
    assert.deepEqual(await person.names(), ['INBOX', 'a/b'])
    assert.deepEqual(await person.store.subscriptions(person.ref), ['a'])
    assert.equal(await person.store.mailbox(person.ref, key), undefined)
    assert.equal(await person.store.mailboxByName(person.ref, 'a'), undefined)
    assert.deepEqual((await person.state()).usage, { storageBytes: 0, messages: 0, mailboxes: 2 })
    assert.equal((await person.store.messages(person.ref, key, 0)).uids.length, 0)
    assert.equal((await person.store.changes(person.ref, key, 0)).uidNext, undefined)
  })

  test('deleteMailbox refuses INBOX and what is not there', async () => {
    const person = await world().person()
    const { key } = await person.make('a')
    await person.must('deleteMailbox', { mailbox: key })
    assert.deepEqual(await person.refused('deleteMailbox', { mailbox: (await person.inbox()).key }), {
      kind: 'is-inbox',
    })
    assert.deepEqual(await person.refused('deleteMailbox', { mailbox: key }), { kind: 'no-such-mailbox' })
    assert.deepEqual(await person.refused('deleteMailbox', { mailbox: 999_999 as MailboxKey }), {
      kind: 'no-such-mailbox',
    })
  })

  test('a session that still shows a deleted mailbox can read its messages', async () => {
    const person = await world().person()
    const { key } = await person.make('a')
    await person.add(key, [messageOf({ body: 'still here' })])
    await person.must('deleteMailbox', { mailbox: key })
    const row = await person.email(key, 1)
    assert.equal(row.gone, true)
    assert.equal(Buffer.from(await person.body(row)).toString(), 'still here')
  })

  test('a mailbox made again under the name of a deleted one has another key and a larger UIDVALIDITY', async () => {
    const person = await world().person()
    const first = await person.make('a')
    await person.must('deleteMailbox', { mailbox: first.key })
    const second = await person.make('a')
    assert.notEqual(second.key, first.key)
    assert.ok(second.uidValidity > first.uidValidity)
    assert.deepEqual(await person.uidsIn(second.key), [])
  })

  test('no two mailboxes of an account share a UIDVALIDITY', async () => {
    const person = await world().person()
    for (let index = 0; index < 20; index += 1) await person.make(`m${index}`)
    const all = (await person.store.mailboxes(person.ref)).map((mailbox) => mailbox.uidValidity)
    assert.equal(new Set(all).size, all.length)
  })

  test('subscribe takes names that do not exist, and survives all that happens to mailboxes (RFC 9051 §6.3.7)', async () => {
    const person = await world().person()
    for (const name of ['b/none', 'a', 'inbox']) await person.must('subscribe', { name, subscribed: true })
    assert.deepEqual(await person.store.subscriptions(person.ref), ['INBOX', 'a', 'b/none'])
    await person.make('a')
    await person.must('renameMailbox', { from: 'a', to: 'c' })
    assert.deepEqual(await person.store.subscriptions(person.ref), ['INBOX', 'a', 'b/none'])
    await person.must('subscribe', { name: 'a', subscribed: false })
    await person.must('subscribe', { name: 'never', subscribed: false })
    assert.deepEqual(await person.store.subscriptions(person.ref), ['INBOX', 'b/none'])
  })

  test('subscribe raises MODSEQ when it changes something, and only then', async () => {
    const person = await world().person()
    const before = await person.modseq()
    const first = await person.must('subscribe', { name: 'a', subscribed: true })
    assert.ok(first.modseq > before)
    await person.must('subscribe', { name: 'a', subscribed: true })
    assert.equal(await person.modseq(), first.modseq)
  })

  test(`an account has at most ${MAX_MAILBOXES} mailboxes, levels above included`, async () => {
    const person = await world().person()
    const deep = (index: number): string => `${index}/${Array(49).fill('d').join('/')}`
    const chains = Math.floor((MAX_MAILBOXES - 1) / 50)
    const chainsMade = Array.from({ length: chains }, (_, index) =>
      person.must('createMailbox', { name: deep(index), specialUse: undefined }),
    )
    await Promise.all(chainsMade)
    const left = MAX_MAILBOXES - 1 - chains * 50
    const refusal = { kind: 'too-many-mailboxes', limit: MAX_MAILBOXES }
    const whole = (await person.store.mailboxes(person.ref)).length
    assert.equal(whole, MAX_MAILBOXES - left)
    const tooDeep = Array(left + 1)
      .fill('e')
      .join('/')
    assert.deepEqual(await person.write('createMailbox', { name: tooDeep, specialUse: undefined }), {
      ok: false,
      error: refusal,
    })
    await person.make(tooDeep.slice(2))
    assert.equal((await person.state()).usage.mailboxes, MAX_MAILBOXES)
    assert.deepEqual(await person.write('createMailbox', { name: 'one-more', specialUse: undefined }), {
      ok: false,
      error: refusal,
    })
    assert.deepEqual(await person.write('renameMailbox', { from: 'INBOX', to: 'one-more' }), {
      ok: false,
      error: refusal,
    })
    assert.deepEqual(await person.write('renameMailbox', { from: 'e', to: 'new/e' }), { ok: false, error: refusal })
    await person.must('renameMailbox', { from: '0', to: 'one-more' })
    // Looking through all of it once more after the test would take longer than the test.
    await person.must('removeAccount', {})
  })
}
