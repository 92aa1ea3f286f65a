import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Result } from '#lib/result.ts'
import { flagsOf } from './flags.ts'
import { bytesOf, messageOf, type Person, patternOf, preparedOf, stage, UNLIMITED, type World } from './kit.contract.ts'
import type { BodyPlace, StagedBody } from './types.ts'
import type { Delivered, DeliverRefusal, Recipient } from './writes.ts'

/** Delivery to several recipients of one shard. */
export function deliveryContract(world: () => World): void {
  function deliver(
    recipients: readonly Recipient[],
    body: StagedBody = { kind: 'bytes', bytes: bytesOf('Subject: d\r\n\r\ndelivered') },
  ): Promise<readonly Result<Delivered, DeliverRefusal>[]> {
    const shard = recipients[0]?.account.shard ?? 0
    const size = body.kind === 'big' ? body.size : body.bytes.length
    return world().store.deliver({ shard, by: 'contract', body, email: preparedOf(size), recipients })
  }

  async function three(): Promise<[Person, Person, Person]> {
    const ann = await world().person()
    return [ann, await world().person(UNLIMITED, ann.ref.shard), await world().person(UNLIMITED, ann.ref.shard)]
  }

  test('deliver puts the message into the mailbox named, or INBOX where that is missing', async () => {
    const [ann, bob] = await three()
    const lists = await ann.make('Lists/x')
    const answers = await deliver([ann.recipient('Lists/x'), bob.recipient('Lists/x'), ann.recipient('inbox')])
    assert.deepEqual(
      answers.map((answer) => answer.ok && answer.value.mailbox),
      [lists.key, (await bob.inbox()).key, (await ann.inbox()).key],
    )
    const [first] = answers
    assert.ok(first?.ok)
    assert.equal(first.value.uid, 1)
    assert.equal(first.value.uidValidity, lists.uidValidity)
    assert.ok(first.value.modseq <= (await ann.modseq()))
    const second = answers[1]
    assert.ok(second?.ok)
    assert.equal(second.value.modseq, await bob.modseq())
    assert.equal((await bob.inbox()).highestModseq, second.value.modseq)
    assert.equal((await ann.inbox()).messages, 1)
  })

  test('deliver gives each recipient lines and flags of their own before a body that they share', async () => {
    const [ann, bob] = await three()
    const date = 1_111_111_111_000
    await deliver([
      ann.recipient('INBOX', { flags: flagsOf(['\\Flagged', 'Rule']) }),
      bob.recipient('INBOX', { trace: bytesOf('X: 1\r\n'), internalDate: date, internalZone: 120 }),
    ])
    const places: BodyPlace[] = []
    for (const [person, trace, flags] of [
      [ann, `Delivered-To: ${ann.ref.id}@example.org\r\n`, ['Rule', '\\Flagged']],
      [bob, 'X: 1\r\n', []],
    ] as const) {
      const inbox = await person.inbox()
      const row = await person.email(inbox.key, 1)
      assert.equal(Buffer.from(row.trace).toString(), trace)
      assert.equal(row.size, trace.length + 'Subject: d\r\n\r\ndelivered'.length)
      assert.equal(Buffer.from(await person.body(row)).toString(), 'Subject: d\r\n\r\ndelivered')
      assert.deepEqual((await person.messages(inbox.key))[0]?.flags, flags)
      places.push(row.place)
    }
    assert.deepEqual(places[0], places[1], 'the body is stored once')
    const row = await bob.email((await bob.inbox()).key, 1)
    assert.equal(row.internalDate, date)
    assert.equal(row.internalZone, 120)
  })

  test('deliver decides for each recipient alone: nobody, over quota, and the next one gets it', async () => {
    const [ann, bob, cyd] = await three()
    const nobody = world().stranger(ann.ref.shard)
    await bob.must('setLimits', { limits: { storageBytes: 10, messages: undefined } })
    const before = await bob.picture()
    const answers = await deliver([nobody.recipient(), bob.recipient(), cyd.recipient(), ann.recipient()])
    assert.deepEqual(answers[0], { ok: false, error: { kind: 'no-such-account' } })
    assert.deepEqual(answers[1], { ok: false, error: { kind: 'over-quota', resource: 'storage', limit: 10 } })
    assert.ok(answers[2]?.ok)
    assert.ok(answers[3]?.ok)
    assert.deepEqual(await bob.picture(), before)
    assert.equal(await nobody.store.state(nobody.ref), undefined)
    assert.equal((await cyd.inbox()).messages, 1)
  })

  test('deliver counts the quota again for every recipient of one request', async () => {
    const [ann] = await three()
    await ann.must('setLimits', { limits: { storageBytes: undefined, messages: 2 } })
    const answers = await deliver([ann.recipient(), ann.recipient(), ann.recipient()])
    assert.deepEqual(
      answers.map((answer) => answer.ok),
      [true, true, false],
    )
  })

  test('of many deliveries at once, exactly as many arrive as the quota takes', async () => {
    const [ann] = await three()
    await ann.must('setLimits', { limits: { storageBytes: undefined, messages: 7 } })
    const answers = (await Promise.all(Array.from({ length: 20 }, () => deliver([ann.recipient()])))).flat()
    assert.equal(answers.filter((answer) => answer.ok).length, 7)
    assert.equal((await ann.inbox()).messages, 7)
  })

  test('deliver of a large body to several is one body', async () => {
    const [ann, bob] = await three()
    const bytes = patternOf(3_000_000)
    const body = await stage(world().store, ann.ref.shard, bytes)
    const answers = await deliver([ann.recipient(), bob.recipient()], body)
    assert.ok(answers.every((answer) => answer.ok))
    for (const person of [ann, bob]) {
      const row = await person.email((await person.inbox()).key, 1)
      assert.ok(Buffer.from(await person.body(row)).equals(bytes))
    }
  })

  test('deliver to one does not tell of another: expunged here, it stays there', async () => {
    const [ann, bob] = await three()
    await deliver([ann.recipient(), bob.recipient()])
    await ann.must('expunge', { mailbox: (await ann.inbox()).key, uids: undefined, which: 'any' })
    await ann.must('removeAccount', {})
    const row = await bob.email((await bob.inbox()).key, 1)
    assert.equal(Buffer.from(await bob.body(row)).toString(), 'Subject: d\r\n\r\ndelivered')
  })

  test('deliver to nobody answers nothing', async () => {
    assert.deepEqual(await deliver([]), [])
  })

  test('deliver joins the thread that an appended message began', async () => {
    const [ann] = await three()
    const sent = await ann.make('Sent')
    await ann.add(sent.key, [messageOf({ email: { messageId: '<q@x>' } })])
    const email = preparedOf(1, { messageId: '<a@x>', references: ['<q@x>'] })
    const body = { kind: 'bytes', bytes: bytesOf('x') } as const
    await world().store.deliver({ shard: ann.ref.shard, by: 'x', body, email, recipients: [ann.recipient()] })
    const question = await ann.email(sent.key, 1)
    const answer = await ann.email((await ann.inbox()).key, 1)
    assert.equal(answer.thread, question.thread)
  })
}
