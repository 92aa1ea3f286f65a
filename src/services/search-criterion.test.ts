import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Modseq } from '#mail/ids.ts'
import { type Criterion, needsOf } from './search-criterion.ts'

const subject: Criterion = { kind: 'column', column: 'subject', text: 'a' }
const cc: Criterion = { kind: 'column', column: 'cc', text: 'b' }
const seen: Criterion = { kind: 'flags', mask: 1, value: 1 }

test('of subjects, addresses and what the snapshot has, columns are needed, each once', () => {
  const columns = (criterion: Criterion): readonly string[] => {
    const { message, textColumns, sentDay, bodyTexts } = needsOf(criterion)
    assert.deepEqual([message, sentDay, bodyTexts.size], [false, false, 0])
    return [...textColumns]
  }
  assert.deepEqual(columns(subject), ['subject'])
  assert.deepEqual(columns({ kind: 'and', all: [subject, seen, { kind: 'not', inner: cc }, subject] }), [
    'subject',
    'cc',
  ])
  assert.deepEqual(columns({ kind: 'or', all: [{ kind: 'modseq', atLeast: 1 as Modseq }, cc] }), ['cc'])
})

test('of what a row, the header or the body decides, the message is needed', () => {
  const others: readonly Criterion[] = [
    { kind: 'larger', octets: 1 },
    { kind: 'day', of: 'sent', from: 1, before: 2 },
    { kind: 'time', from: 1, to: 2 },
    { kind: 'email', key: undefined },
    { kind: 'thread', key: undefined },
    { kind: 'header', field: 'x', text: '' },
    { kind: 'body', text: 'a' },
    { kind: 'text', text: 'a' },
  ]
  for (const other of others)
    for (const kind of ['and', 'or'] as const) {
      const { message, sentDay, bodyTexts } = needsOf({ kind, all: [subject, { kind: 'not', inner: other }] })
      assert.equal(message, true, other.kind)
      assert.equal(sentDay, other.kind === 'day', other.kind)
      assert.deepEqual([...bodyTexts], other.kind === 'body' || other.kind === 'text' ? ['a'] : [], other.kind)
    }
})
