import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flagsOf } from './flags.ts'
import { messageOf, numbersOf, patternOf, someMessages, stage, UNLIMITED, uids, type World } from './kit.contract.ts'
import { ENVELOPE, HEADER, NARROW, PREVIEW, STRUCTURE } from './types.ts'

const FIELDS = ENVELOPE | STRUCTURE | HEADER | PREVIEW | NARROW

/** Closing; each test has a store of its own. */
export function closingContract(open: () => Promise<World>): void {
  test('a store that is closed refuses writes and finishes those that were asked for', async () => {
    const world = await open()
    try {
      const person = await world.person()
      const mailbox = (await person.inbox()).key
      const asked = Array.from({ length: 10 }, () => person.write('append', { mailbox, messages: [messageOf()] }))
      await world.store[Symbol.asyncDispose]()
      for (const answer of await Promise.all(asked)) if (!answer.ok) assert.equal(answer.error.kind, 'unavailable')
      const late = await person.write('append', { mailbox, messages: [messageOf()] })
      assert.deepEqual(late, { ok: false, error: { kind: 'unavailable', reason: 'closing' } })
      const recipients = [person.recipient(), person.recipient()]
      const { body, email } = messageOf()
      const answers = await world.store.deliver({ shard: person.ref.shard, by: 'x', body, email, recipients })
      assert.deepEqual(answers, [late, late])
    } finally {
      await world.close()
    }
  })
}

/** Only for stores that keep what they are given. */
export function keepingContract(open: () => Promise<World>): void {
  test('all that was answered is there when the store is opened again', async () => {
    const world = await open()
    try {
      const people = []
      const pictures = []
      for (let shard = 0; shard < world.shards; shard += 1) {
        const person = await world.person({ storageBytes: 50_000_000, messages: undefined }, shard)
        const inbox = (await person.inbox()).key
        const kept = await person.make('Kept/été', 'Archive')
        await person.must('subscribe', { name: 'elsewhere', subscribed: true })
        await person.add(inbox, someMessages(20, { flags: ['\\Seen', 'Work'], trace: 'T: 1\r\n' }))
        await person.add(inbox, [
          messageOf({ staged: await stage(person.store, shard, patternOf(3_000_000)), uidl: 'u' }),
          messageOf({ staged: await stage(person.store, shard, patternOf(700_000)) }),
        ])
        await person.flag(inbox, uids([3, 9]), 'replace', ['\\Deleted', 'other'])
        await person.must('copy', { mailbox: inbox, uids: uids([19, 22]), target: kept.key })
        await person.must('move', { mailbox: inbox, uids: uids(1), target: kept.key })
        await person.must('expunge', { mailbox: inbox, uids: uids([4, 6]), which: 'deleted' })
        await person.must('deleteMailbox', { mailbox: (await person.make('gone')).key })
        const modseq = (await person.state()).modseq
        const columns = { uids: Uint32Array.of(1), flags: Uint32Array.of(2), modseqs: Float64Array.of(3) }
        await person.must('keepImprint', { mailbox: inbox, imprint: { modseq, part: 0, parts: 1, ...columns } })
        people.push(person)
        pictures.push([
          await person.picture(),
          await person.store.keywordSets(person.ref, 0),
          await person.emails(inbox, undefined, FIELDS),
          await person.store.changes(person.ref, inbox, 0),
          await person.store.imprint(person.ref, inbox, 0),
        ])
      }
      await world.reopen()
      for (const [index, person] of people.entries()) {
        const inbox = (await person.inbox()).key
        const rows = await person.emails(inbox, undefined, FIELDS)
        const picture = [
          await person.picture(),
          await person.store.keywordSets(person.ref, 0),
          rows,
          await person.store.changes(person.ref, inbox, 0),
          await person.store.imprint(person.ref, inbox, 0),
        ]
        assert.deepEqual(picture, pictures[index])
        const large = rows.find((row) => row.uid === 21) ?? assert.fail()
        assert.ok(Buffer.from(await person.body(large)).equals(patternOf(3_000_000)))
        const { uids: fresh, modseq } = await person.add(inbox, [messageOf()])
        assert.deepEqual(fresh, [23])
        assert.ok(modseq > 0)
        const before = (await person.store.mailboxes(person.ref)).map((mailbox) => mailbox.uidValidity)
        assert.ok((await person.make('gone')).uidValidity > Math.max(...before))
      }
      await world.check()
    } finally {
      await world.close()
    }
  })

  test('what was removed stays removed when the store is opened again', async () => {
    const world = await open()
    try {
      const person = await world.person()
      const inbox = (await person.inbox()).key
      await person.add(inbox, someMessages(5))
      const since = (await person.state()).modseq
      await person.must('expunge', { mailbox: inbox, uids: uids([2, 3]), which: 'any' })
      const other = await world.person()
      await other.must('removeAccount', {})
      await world.reopen()
      const changes = await person.store.changes(person.ref, inbox, since)
      assert.deepEqual(numbersOf(changes.vanished), [2, 3])
      assert.equal(changes.complete, true)
      assert.equal((await person.email(inbox, 2)).gone, true)
      assert.equal(await other.store.state(other.ref), undefined)
      await other.must('openAccount', { mailboxes: [], limits: UNLIMITED })
      const own = {
        mailbox: inbox,
        uids: uids([1, 5]),
        action: 'add',
        flags: flagsOf(['x']),
        unchangedSince: since,
      } as const
      const { changed, gone } = await person.must('changeFlags', own)
      assert.deepEqual([...changed.uids], [1, 4, 5])
      assert.deepEqual(numbersOf(gone), [2, 3])
    } finally {
      await world.close()
    }
  })
}
