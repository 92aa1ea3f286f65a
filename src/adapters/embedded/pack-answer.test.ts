import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountId, MailboxKey, Modseq } from '#mail/ids.ts'
import type { Change } from '#store/types.ts'
import { packAnswer, packAnswers, unpackAnswer, unpackAnswers } from './pack-answer.ts'

function stored(count: number): unknown {
  const uids = Uint32Array.from({ length: count }, (_, index) => index + 1)
  const modseqs = Float64Array.from(uids, (uid) => uid + 2 ** 40)
  const changed = { uids, flags: uids.map(() => 4_294_967_295), modseqs }
  return { ok: true, value: { modseq: 2 ** 40, changed, modified: [[7, 9]], gone: [] } }
}

const CHANGE: Change = {
  account: 1 as AccountId,
  mailbox: 2 as MailboxKey,
  modseq: 3 as Modseq,
  kind: 'messages',
  by: 'i',
}

/** There and back. */
function travelled(answers: readonly ReturnType<typeof packAnswer>[], changes: readonly Change[]) {
  const values = answers.map(({ value }, id) => [id, value] as const)
  const plain = answers.every((each) => each.plain)
  const message = structuredClone(packAnswers([values, changes, [5]], plain))
  const [back, ...others] = unpackAnswers(message)
  return { text: typeof message === 'string', back: back.map(([, value]) => unpackAnswer(value)), others }
}

test('small answers travel as text, large ones with their arrays, and both come back the same', () => {
  for (const [count, text] of [
    [0, true],
    [1, true],
    [64, true],
    [65, false],
  ] as const) {
    const answer = stored(count)
    const delivered = [{ ok: true, value: { modseq: 1, mailbox: 1, uidValidity: 1, uid: 1 } }]
    const answers = [packAnswer('changeFlags', answer), packAnswer('deliver', delivered)]
    assert.deepEqual(travelled(answers, [CHANGE]), { text, back: [answer, delivered], others: [[CHANGE], [5]] })
  }
})

test('what JSON would lose does not travel as text', () => {
  const tree: Change = { ...CHANGE, mailbox: undefined, kind: 'mailboxes' }
  assert.deepEqual(travelled([], [tree]), { text: false, back: [], others: [[tree], [5]] })
  const created = { ok: true, value: { modseq: 1, mailbox: { specialUse: undefined } } }
  assert.deepEqual(travelled([packAnswer('createMailbox', created)], []), {
    text: false,
    back: [created],
    others: [[], [5]],
  })
})
