import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey, Modseq } from '#mail/ids.ts'
import { type Person, someMessages, type World } from './kit.contract.ts'
import type { ImprintPart } from './types.ts'

function partOf(modseq: number, part: number, parts: number, uids: readonly number[]): ImprintPart {
  return {
    modseq: modseq as Modseq,
    part,
    parts,
    uids: Uint32Array.from(uids),
    flags: Uint32Array.from(uids, (uid) => uid % 7),
    // beyond 32 bits, too
    modseqs: Float64Array.from(uids, (uid) => uid * 2 ** 20 + 1),
  }
}

/** Imprints: what the store keeps of a mailbox for who opens it next. */
export function imprintContract(world: () => World): void {
  async function withInbox(): Promise<[Person, MailboxKey, number]> {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, someMessages(3))
    return [person, key, await person.modseq()]
  }

  test('keepImprint keeps parts as they are, and changes nothing that is told', async () => {
    const [person, mailbox, modseq] = await withInbox()
    const before = await person.picture()
    let heard = 0
    const stop = person.store.watch(person.ref.id, () => {
      heard += 1
    })
    const parts = [partOf(modseq, 0, 2, [1, 2, 4_000_000_000]), partOf(modseq, 1, 2, [4_294_967_295])]
    for (const imprint of parts) assert.equal((await person.must('keepImprint', { mailbox, imprint })).modseq, modseq)
    stop()
    assert.equal(heard, 0)
    assert.deepEqual(await person.picture(), before)
    for (const part of parts) assert.deepEqual(await person.store.imprint(person.ref, mailbox, part.part), part)
    assert.equal(await person.store.imprint(person.ref, mailbox, 2), undefined)
  })

  test('keepImprint of one with fewer parts drops those behind', async () => {
    const [person, mailbox, modseq] = await withInbox()
    for (const part of [0, 1, 2])
      await person.must('keepImprint', { mailbox, imprint: partOf(modseq, part, 3, [part + 1]) })
    const shorter = partOf(modseq, 0, 2, [7])
    await person.must('keepImprint', { mailbox, imprint: shorter })
    assert.deepEqual(await person.store.imprint(person.ref, mailbox, 0), shorter)
    assert.equal((await person.store.imprint(person.ref, mailbox, 1))?.parts, 3)
    assert.equal(await person.store.imprint(person.ref, mailbox, 2), undefined)
  })

  test('keepImprint keeps none that is ahead of the account, and none of a mailbox that is not there', async () => {
    const [person, mailbox, modseq] = await withInbox()
    await person.must('keepImprint', { mailbox, imprint: partOf(modseq + 1, 0, 1, [1]) })
    assert.equal(await person.store.imprint(person.ref, mailbox, 0), undefined)
    const imprint = partOf(modseq, 0, 1, [1])
    const refusal = await person.refused('keepImprint', { mailbox: 9_999 as MailboxKey, imprint })
    assert.deepEqual(refusal, { kind: 'no-such-mailbox' })
    const nobody = await world().stranger().write('keepImprint', { mailbox, imprint })
    assert.deepEqual(nobody, { ok: false, error: { kind: 'no-such-account' } })
  })

  test('an imprint goes with its mailbox', async () => {
    const [person, , modseq] = await withInbox()
    const { key } = await person.make('other')
    await person.must('keepImprint', { mailbox: key, imprint: partOf(modseq, 0, 1, [1]) })
    await person.must('deleteMailbox', { mailbox: key })
    assert.equal(await person.store.imprint(person.ref, key, 0), undefined)
  })
}
