import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import { bytesOf, type Person, type World } from './kit.contract.ts'
import { MAX_METADATA_ENTRIES, MAX_METADATA_OCTETS, MAX_METADATA_OF_GUEST, MAX_METADATA_TOTAL } from './limits.ts'

const OTHER = 9_999 as AccountId

/** Annotations by name, as one person sees them. */
async function seen(
  person: Person,
  mailbox: MailboxKey | undefined,
  user = person.ref.id,
): Promise<[string, string][]> {
  const entries = await person.store.metadata(person.ref, mailbox, user)
  return entries.map(({ name, value }) => [name, Buffer.from(value).toString()])
}

async function set(
  person: Person,
  mailbox: MailboxKey | undefined,
  entries: Readonly<Record<string, string | undefined>>,
  user = person.ref.id,
): Promise<number> {
  return (await person.must('setMetadata', { mailbox, user, entries: entriesOf(entries) })).modseq
}

function entriesOf(
  entries: Readonly<Record<string, string | undefined>>,
): { name: string; value: Uint8Array | undefined }[] {
  return Object.entries(entries).map(([name, value]) => ({
    name,
    value: value === undefined ? undefined : bytesOf(value),
  }))
}

/** Annotations of mailboxes and accounts (RFC 5464). */
export function metadataContract(world: () => World): void {
  test('setMetadata sets, replaces and removes annotations of a mailbox and of the account', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    const before = await person.modseq()
    const modseq = await set(person, key, { '/shared/comment': 'one', '/private/comment': 'own', '/shared/empty': '' })
    assert.ok(modseq > before)
    assert.equal(await person.modseq(), modseq)
    await set(person, undefined, { '/private/comment': 'of the account' })
    assert.deepEqual(await seen(person, key), [
      ['/private/comment', 'own'],
      ['/shared/comment', 'one'],
      ['/shared/empty', ''],
    ])
    assert.deepEqual(await seen(person, undefined), [['/private/comment', 'of the account']])
    await set(person, key, { '/shared/comment': 'two', '/private/comment': undefined, '/shared/never': undefined })
    assert.deepEqual(await seen(person, key), [
      ['/shared/comment', 'two'],
      ['/shared/empty', ''],
    ])
  })

  test('any octets are kept in an annotation', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    const value = Uint8Array.from({ length: 256 }, (_, index) => index)
    await person.must('setMetadata', { mailbox: key, user: person.ref.id, entries: [{ name: '/shared/x', value }] })
    const [entry] = await person.store.metadata(person.ref, key, person.ref.id)
    assert.deepEqual(Uint8Array.from(entry?.value ?? []), value)
  })

  test('each person has private annotations of their own', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await set(person, key, { '/private/comment': 'mine', '/shared/comment': 'ours' })
    await set(person, key, { '/private/comment': 'theirs', '/shared/comment': 'ours too' }, OTHER)
    assert.deepEqual(await seen(person, key), [
      ['/private/comment', 'mine'],
      ['/shared/comment', 'ours too'],
    ])
    assert.deepEqual(await seen(person, key, OTHER), [
      ['/private/comment', 'theirs'],
      ['/shared/comment', 'ours too'],
    ])
  })

  test('annotations follow RENAME, go with DELETE, and stay with both when INBOX is renamed', async () => {
    const person = await world().person()
    const { key } = await person.make('a/b')
    await set(person, key, { '/shared/comment': 'b' })
    await person.must('renameMailbox', { from: 'a', to: 'c' })
    assert.deepEqual(await seen(person, (await person.box('c/b')).key), [['/shared/comment', 'b']])
    await person.must('deleteMailbox', { mailbox: key })
    assert.deepEqual(await seen(person, key), [])
    assert.deepEqual(await seen(person, (await person.make('c/b')).key), [])
    const inbox = await person.inbox()
    await set(person, inbox.key, { '/shared/comment': 'in' })
    await person.must('renameMailbox', { from: 'INBOX', to: 'old' })
    assert.deepEqual(await seen(person, inbox.key), [['/shared/comment', 'in']])
    assert.deepEqual(await seen(person, (await person.box('old')).key), [['/shared/comment', 'in']])
  })

  test('setMetadata refuses what is too large or too much, and then changes nothing', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    const refuse = (
      entries: Readonly<Record<string, string | undefined>>,
      mailbox: MailboxKey = key,
    ): Promise<unknown> => person.refused('setMetadata', { mailbox, user: person.ref.id, entries: entriesOf(entries) })
    assert.deepEqual(await refuse({ '/shared/a': 'a', '/shared/b': 'b'.repeat(MAX_METADATA_OCTETS + 1) }), {
      kind: 'metadata-too-large',
      limit: MAX_METADATA_OCTETS,
    })
    assert.deepEqual(await refuse({ '/shared/a': 'a' }, 999_999 as MailboxKey), { kind: 'no-such-mailbox' })
    const full = Object.fromEntries(
      Array.from({ length: MAX_METADATA_ENTRIES }, (_, index) => [`/shared/n${index}`, 'x']),
    )
    await set(person, key, full)
    assert.deepEqual(await refuse({ '/shared/more': 'x' }), { kind: 'too-much-metadata' })
    await set(person, key, { '/shared/n0': undefined, '/shared/more': 'x' })
    await set(person, key, { '/private/more': 'those of one person count apart' })
    assert.equal((await seen(person, key)).length, MAX_METADATA_ENTRIES + 1)
  })

  test('all annotations of an account have a limit together', async () => {
    const person = await world().person()
    const large = 'x'.repeat(MAX_METADATA_OCTETS)
    const entries = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`/shared/${index}`, large]))
    const each = 64 * MAX_METADATA_OCTETS
    for (let index = 0; (index + 2) * each <= MAX_METADATA_TOTAL; index += 1)
      await set(person, (await person.make(`m${index}`)).key, entries)
    const { key } = await person.inbox()
    await set(person, key, Object.fromEntries(Object.entries(entries).slice(0, 60)))
    assert.deepEqual(
      await person.refused('setMetadata', { mailbox: key, user: person.ref.id, entries: entriesOf(entries) }),
      { kind: 'too-much-metadata' },
    )
    await set(person, key, { '/shared/0': undefined })
    // what others keep there for themselves counts apart
    const theirs = Math.floor(MAX_METADATA_OF_GUEST / MAX_METADATA_OCTETS) - 1
    const own = Object.fromEntries(Array.from({ length: theirs }, (_, index) => [`/private/${index}`, large]))
    await set(person, key, own, OTHER)
    const more = entriesOf({ '/private/more': large, '/private/most': large })
    assert.deepEqual(await person.refused('setMetadata', { mailbox: key, user: OTHER, entries: more }), {
      kind: 'too-much-metadata',
    })
    await set(person, key, { '/private/more': large })
  })

  test('annotations of others do not use up what the owner has', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    const large = 'x'.repeat(MAX_METADATA_OCTETS)
    const each = Object.fromEntries(Array.from({ length: 14 }, (_, index) => [`/private/${index}`, large]))
    const guests = Math.ceil(MAX_METADATA_TOTAL / (14 * MAX_METADATA_OCTETS))
    for (let guest = 0; guest < guests; guest += 1) await set(person, key, each, (OTHER + guest) as AccountId)
    await set(person, key, { '/shared/comment': large, '/private/comment': large })
  })
}
