import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageOf, numbersOf, someMessages, uids, type World } from './kit.contract.ts'

/** RENAME: the mailbox, its inferiors, the levels above, INBOX (RFC 9051 §6.3.6). */
export function renameContract(world: () => World): void {
  test('renameMailbox keeps key, messages, UIDs and special use', async () => {
    const person = await world().person()
    const before = await person.make('a', 'Junk')
    await person.add(before.key, someMessages(3, { flags: ['\\Seen', 'kept'] }))
    const messages = await person.messages(before.key)
    const { modseq } = await person.must('renameMailbox', { from: 'a', to: 'b' })
    const after = await person.box('b')
    assert.equal(modseq, await person.modseq())
    assert.equal(after.key, before.key)
    assert.equal(after.specialUse, 'Junk')
    assert.equal(after.uidValidity, before.uidValidity)
    assert.equal(after.uidNext, 4)
    assert.deepEqual(await person.messages(after.key), messages)
    assert.equal(await person.store.mailboxByName(person.ref, 'a'), undefined)
  })

  test('renameMailbox takes inferiors along and creates the levels above', async () => {
    const person = await world().person()
    const keys = new Map<string, number>()
    for (const name of ['foo', 'foo/bar', 'foo/bar/zap', 'foobar', 'foo-x'])
      keys.set(name, (await person.make(name)).key)
    await person.must('renameMailbox', { from: 'foo', to: 'baz/rag/zowie' })
    assert.deepEqual(await person.names(), [
      'INBOX',
      'baz',
      'baz/rag',
      'baz/rag/zowie',
      'baz/rag/zowie/bar',
      'baz/rag/zowie/bar/zap',
      'foo-x',
      'foobar',
    ])
    assert.equal((await person.box('baz/rag/zowie/bar/zap')).key, keys.get('foo/bar/zap'))
  })

  test('renameMailbox refuses names that are not there or already there', async () => {
    const person = await world().person()
    for (const name of ['a', 'b', 'c/d']) await person.make(name)
    await person.must('deleteMailbox', { mailbox: (await person.box('c')).key })
    const exists = { kind: 'mailbox-exists' }
    assert.deepEqual(await person.refused('renameMailbox', { from: 'none', to: 'x' }), { kind: 'no-such-mailbox' })
    assert.deepEqual(await person.refused('renameMailbox', { from: 'c', to: 'x' }), { kind: 'no-such-mailbox' })
    assert.deepEqual(await person.refused('renameMailbox', { from: 'a', to: 'b' }), exists)
    assert.deepEqual(await person.refused('renameMailbox', { from: 'a', to: 'a' }), exists)
    assert.deepEqual(await person.refused('renameMailbox', { from: 'a', to: 'inbox' }), exists)
    assert.deepEqual(await person.refused('renameMailbox', { from: 'INBOX', to: 'b' }), exists)
    assert.deepEqual(await person.refused('renameMailbox', { from: 'INBOX', to: 'INBOX' }), exists)
  })

  test('renameMailbox refuses when an inferior would meet a mailbox that stays', async () => {
    const person = await world().person()
    for (const name of ['a/x', 'b/x']) await person.make(name)
    await person.must('deleteMailbox', { mailbox: (await person.box('b')).key })
    assert.deepEqual(await person.refused('renameMailbox', { from: 'a', to: 'b' }), { kind: 'mailbox-exists' })
  })

  test('renameMailbox refuses when an inferior would break a limit', async () => {
    const person = await world().person()
    await person.make(Array(50).fill('a').join('/'))
    assert.deepEqual(await person.refused('renameMailbox', { from: 'a', to: 'b/c' }), {
      kind: 'bad-name',
      why: 'too-deep',
    })
    await person.make(['b', ...Array(3).fill('x'.repeat(250))].join('/'))
    assert.deepEqual(await person.refused('renameMailbox', { from: 'b', to: 'y'.repeat(255) }), {
      kind: 'bad-name',
      why: 'too-long',
    })
  })

  test('renameMailbox to below itself makes a new mailbox above', async () => {
    const person = await world().person()
    const { key } = await person.make('a')
    await person.make('a/x')
    await person.must('renameMailbox', { from: 'a', to: 'a/b' })
    assert.deepEqual(await person.names(), ['INBOX', 'a', 'a/b', 'a/b/x'])
    assert.equal((await person.box('a/b')).key, key)
    assert.notEqual((await person.box('a')).key, key)
  })

  test('renameMailbox to above itself leaves what was beside it', async () => {
    const person = await world().person()
    for (const name of ['a/b/c', 'a/x']) await person.make(name)
    await person.must('renameMailbox', { from: 'a/b', to: 'b' })
    assert.deepEqual(await person.names(), ['INBOX', 'a', 'a/x', 'b', 'b/c'])
  })

  test('name and UIDVALIDITY never come back together, and UIDVALIDITY of a name only grows (RFC 9051 §2.3.1.1)', async () => {
    const person = await world().person()
    const a = await person.make('a')
    const b = await person.make('b')
    await person.must('deleteMailbox', { mailbox: b.key })
    await person.must('renameMailbox', { from: 'a', to: 'b' })
    const renamed = await person.box('b')
    assert.equal(renamed.key, a.key)
    assert.ok(renamed.uidValidity > b.uidValidity, 'a session may have seen the other "b"')
    const again = await person.make('a')
    assert.ok(again.uidValidity > a.uidValidity)
  })

  test('renameMailbox of INBOX moves its messages, leaves it empty, and its inferiors where they are', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    await person.make('INBOX/sub')
    const flags = ['$Forwarded', '\\Seen']
    await person.add(inbox.key, someMessages(4, { flags }))
    await person.must('expunge', { mailbox: inbox.key, uids: uids(2), which: 'any' })
    const emails = (await person.emails(inbox.key)).filter((row) => !row.gone).map((row) => row.email)
    const since = await person.modseq()
    await person.must('renameMailbox', { from: 'inbox', to: 'old/mail' })

    assert.deepEqual(await person.names(), ['INBOX', 'INBOX/sub', 'old', 'old/mail'])
    const after = await person.inbox()
    assert.equal(after.key, inbox.key)
    assert.equal(after.messages, 0)
    assert.equal(after.uidNext, 5)
    assert.equal(after.uidValidity, inbox.uidValidity, 'UIDLs of what comes next must not meet those before')
    const changes = await person.store.changes(person.ref, inbox.key, since as typeof inbox.highestModseq)
    assert.deepEqual(numbersOf(changes.vanished), [1, 3, 4])

    const target = await person.box('old/mail')
    assert.deepEqual(
      (await person.messages(target.key)).map((message) => message.flags),
      [flags, flags, flags],
    )
    assert.deepEqual(
      (await person.emails(target.key)).map((row) => row.email),
      emails,
    )
    await person.add(inbox.key, [messageOf()])
    assert.deepEqual(await person.uidsIn(inbox.key), [5])
  })

  test('renameMailbox of an empty INBOX makes an empty mailbox, also below INBOX', async () => {
    const person = await world().person()
    await person.must('renameMailbox', { from: 'INBOX', to: 'Inbox/2025' })
    assert.deepEqual(await person.names(), ['INBOX', 'INBOX/2025'])
    assert.equal((await person.box('INBOX/2025')).messages, 0)
  })
}
