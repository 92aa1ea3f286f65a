import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey } from '#mail/ids.ts'
import { uidSetSize } from '#mail/uid-set.ts'
import { flagsOf, NO_FLAGS } from './flags.ts'
import { messageOf, numbersOf, type Person, someMessages, uids, type World } from './kit.contract.ts'
import { MAX_KEYWORD_OCTETS, MAX_KEYWORDS } from './limits.ts'

/** STORE with and without UNCHANGEDSINCE, and keyword sets. */
export function flagsContract(world: () => World): void {
  async function withMessages(count: number, flags: readonly string[] = []): Promise<[Person, MailboxKey]> {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, someMessages(count, { flags }))
    return [person, key]
  }

  async function flagsIn(person: Person, mailbox: MailboxKey): Promise<(readonly string[])[]> {
    return (await person.messages(mailbox)).map((message) => message.flags)
  }

  test('changeFlags adds, removes and replaces (RFC 9051 §6.4.6)', async () => {
    const [person, inbox] = await withMessages(1, ['\\Seen', 'one'])
    await person.flag(inbox, uids(1), 'add', ['\\Flagged', 'two', 'ONE'])
    assert.deepEqual(await flagsIn(person, inbox), [['\\Flagged', '\\Seen', 'one', 'two']])
    await person.flag(inbox, uids(1), 'remove', ['\\Seen', '\\Draft', 'TWO', 'none'])
    assert.deepEqual(await flagsIn(person, inbox), [['\\Flagged', 'one']])
    await person.flag(inbox, uids(1), 'replace', ['\\Deleted', 'three'])
    assert.deepEqual(await flagsIn(person, inbox), [['\\Deleted', 'three']])
    await person.flag(inbox, uids(1), 'replace', [])
    assert.deepEqual(await flagsIn(person, inbox), [[]])
  })

  test('changeFlags answers with the messages that are different now, and their flags', async () => {
    const [person, inbox] = await withMessages(5)
    await person.flag(inbox, uids(2, 4), 'add', ['\\Seen', 'x'])
    const before = await person.messages(inbox)
    const answer = await person.flag(inbox, uids([1, 4]), 'add', ['\\Seen', 'x'])
    assert.deepEqual([...answer.changed.uids], [1, 3])
    assert.deepEqual(await person.flagNames(answer.changed.flags), [
      ['\\Seen', 'x'],
      ['\\Seen', 'x'],
    ])
    assert.deepEqual(answer.modified, [])
    assert.deepEqual(answer.gone, [])
    const after = await person.messages(inbox)
    for (const uid of [2, 4, 5]) assert.deepEqual(after[uid - 1], before[uid - 1], `UID ${uid} is as it was`)
    for (const uid of [1, 3]) {
      const modseq = after[uid - 1]?.modseq ?? 0
      assert.ok(modseq > (before[uid - 1]?.modseq ?? 0) && modseq <= answer.modseq)
    }
    assert.equal((await person.box(inbox)).highestModseq, answer.modseq)
  })

  test('changeFlags that changes nothing leaves every MODSEQ alone', async () => {
    const [person, inbox] = await withMessages(3, ['\\Seen', 'x'])
    const before = await person.picture()
    for (const [action, names] of [
      ['add', ['X', '\\Seen']],
      ['add', []],
      ['remove', ['y', '\\Draft']],
      ['replace', ['x', '\\seen']],
    ] as const) {
      const answer = await person.flag(inbox, uids([1, 3]), action, names)
      assert.equal(answer.changed.uids.length, 0)
      assert.equal(answer.modseq, await person.modseq())
    }
    assert.deepEqual(await person.picture(), before)
  })

  test('changeFlags keeps the counters of unseen and deleted exact', async () => {
    const [person, inbox] = await withMessages(6)
    await person.flag(inbox, uids([1, 4]), 'add', ['\\Seen'])
    await person.flag(inbox, uids([3, 5]), 'add', ['\\Deleted'])
    await person.flag(inbox, uids(4), 'replace', ['x'])
    const { unseen, deleted, messages } = await person.box(inbox)
    assert.deepEqual({ unseen, deleted, messages }, { unseen: 3, deleted: 2, messages: 6 })
  })

  test('changeFlags names UIDs that are gone or never were, and changes the rest', async () => {
    const [person, inbox] = await withMessages(6)
    await person.must('expunge', { mailbox: inbox, uids: uids(2, 3), which: 'any' })
    const answer = await person.flag(inbox, uids([1, 4], [6, 8]), 'add', ['\\Seen'])
    assert.deepEqual([...answer.changed.uids], [1, 4, 6])
    assert.deepEqual(numbersOf(answer.gone), [2, 3, 7, 8])
    const nothing = await person.flag(inbox, [], 'add', ['\\Flagged'])
    assert.equal(nothing.changed.uids.length, 0)
  })

  test('changeFlags of 1:* does not walk four thousand million UIDs', async () => {
    const [person, inbox] = await withMessages(3)
    const answer = await person.flag(inbox, uids([1, 4_294_967_295]), 'add', ['\\Seen'])
    assert.deepEqual([...answer.changed.uids], [1, 2, 3])
    assert.equal(uidSetSize(answer.gone), 4_294_967_292)
  })

  test('UNCHANGEDSINCE leaves messages with a higher MODSEQ alone and names them (RFC 7162 §3.1.3)', async () => {
    const [person, inbox] = await withMessages(5)
    const since = await person.modseq()
    await person.flag(inbox, uids(2, 4), 'add', ['other'])
    const answer = await person.flag(inbox, uids([1, 4], 9), 'add', ['\\Seen'], since)
    assert.deepEqual([...answer.changed.uids], [1, 3])
    assert.deepEqual(numbersOf(answer.modified), [2, 4])
    assert.deepEqual(numbersOf(answer.gone), [9])
    assert.deepEqual(await flagsIn(person, inbox), [['\\Seen'], ['other'], ['\\Seen'], ['other'], []])
  })

  test('UNCHANGEDSINCE equal to the MODSEQ of a message lets the change through; 0 never does', async () => {
    const [person, inbox] = await withMessages(1)
    const [message] = await person.messages(inbox)
    assert.ok(message)
    const zero = await person.flag(inbox, uids(1), 'add', ['\\Seen'], 0)
    assert.deepEqual(numbersOf(zero.modified), [1])
    const below = await person.flag(inbox, uids(1), 'add', ['\\Seen'], message.modseq - 1)
    assert.deepEqual(numbersOf(below.modified), [1])
    const equal = await person.flag(inbox, uids(1), 'add', ['\\Seen'], message.modseq)
    assert.deepEqual([...equal.changed.uids], [1])
  })

  test('UNCHANGEDSINCE fails also when the change would make no difference', async () => {
    const [person, inbox] = await withMessages(1)
    const since = await person.modseq()
    await person.flag(inbox, uids(1), 'add', ['\\Seen'])
    const answer = await person.flag(inbox, uids(1), 'add', ['\\Seen'], since)
    assert.deepEqual(numbersOf(answer.modified), [1])
    assert.equal(answer.changed.uids.length, 0)
  })

  test('of many who change a message at once under UNCHANGEDSINCE, one wins', async () => {
    const [person, inbox] = await withMessages(1)
    const since = await person.modseq()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => person.flag(inbox, uids(1), 'add', [`k${index}`], since)),
    )
    assert.equal(answers.filter((answer) => answer.changed.uids.length === 1).length, 1)
    assert.equal(answers.filter((answer) => answer.modified.length === 1).length, 19)
    assert.equal((await flagsIn(person, inbox))[0]?.length, 1)
  })

  test('many who add different keywords at once lose none', async () => {
    const [person, inbox] = await withMessages(1)
    await Promise.all(Array.from({ length: 30 }, (_, index) => person.flag(inbox, uids(1), 'add', [`k${index}`])))
    assert.equal((await flagsIn(person, inbox))[0]?.length, 30)
  })

  test('changeFlags refuses a mailbox that is not there', async () => {
    const [person] = await withMessages(1)
    const own = { uids: uids(1), action: 'add', flags: NO_FLAGS, unchangedSince: undefined } as const
    assert.deepEqual(await person.refused('changeFlags', { ...own, mailbox: 999_999 as MailboxKey }), {
      kind: 'no-such-mailbox',
    })
  })

  test('changeFlags refuses too many and too long keywords, for all messages or none', async () => {
    const [person, inbox] = await withMessages(2)
    const many = Array.from({ length: MAX_KEYWORDS }, (_, index) => `k${index}`)
    await person.flag(inbox, uids(2), 'add', many)
    const own = { mailbox: inbox, uids: uids([1, 2]), action: 'add', unchangedSince: undefined } as const
    for (const flags of [flagsOf(['one-more']), flagsOf(['x'.repeat(MAX_KEYWORD_OCTETS + 1)])])
      assert.equal((await person.refused('changeFlags', { ...own, flags })).kind, 'too-many-keywords')
    await person.flag(inbox, uids(2), 'add', ['K5'])
    await person.flag(inbox, uids(2), 'remove', ['k5'])
    await person.flag(inbox, uids([1, 2]), 'add', ['one-more'])
  })

  test('keywordSets() starts with the empty set, has no gaps, and sets never change', async () => {
    const [person, inbox] = await withMessages(1)
    assert.deepEqual(await person.store.keywordSets(person.ref, 0), [[]])
    const seen: (readonly string[])[] = [[]]
    for (const names of [['b'], ['a', 'b'], ['c'], ['a'], ['b', 'A']]) {
      await person.flag(inbox, uids(1), 'replace', names)
      const fresh = await person.store.keywordSets(person.ref, seen.length)
      seen.push(...fresh)
      assert.deepEqual(await person.store.keywordSets(person.ref, 0), seen)
    }
    assert.equal(seen.length, 5, 'the same set in another order and case is the same set')
    assert.deepEqual(await person.store.keywordSets(person.ref, 5), [])
    assert.deepEqual(await person.store.keywordSets(person.ref, 99), [])
  })

  test('keywords may hold what atoms may', async () => {
    const [person, inbox] = await withMessages(1)
    const names = ['$label1', "it's", 'a,b', 'a;b', 'x[y]', 'NonJunk', '+flag', 'a/b', 'a:b', 'a.b', '&AOk-', '"']
    await person.flag(inbox, uids(1), 'replace', names)
    assert.deepEqual(await flagsIn(person, inbox), [names.toSorted()])
  })

  test('changeFlags of thousands of messages is whole', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(
      key,
      Array.from({ length: 4_000 }, () => messageOf({ body: 'x' })),
    )
    const answer = await person.flag(key, uids([1, 4_000]), 'add', ['\\Seen', 'x'])
    assert.equal(answer.changed.uids.length, 4_000)
    assert.deepEqual(
      [...answer.changed.uids],
      Array.from({ length: 4_000 }, (_, index) => index + 1),
    )
    assert.equal((await person.box(key)).unseen, 0)
    assert.ok((await person.messages(key)).every(({ modseq }) => modseq <= answer.modseq))
    assert.equal(await person.modseq(), answer.modseq)
  })
}
