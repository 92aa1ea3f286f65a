import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Modseq } from '#mail/ids.ts'
import type { Criterion } from './search-criterion.ts'
import { textsDeciding } from './text-search.ts'

const subject: Criterion = { kind: 'column', column: 'subject', text: 'a' }
const cc: Criterion = { kind: 'column', column: 'cc', text: 'b' }
const seen: Criterion = { kind: 'flags', mask: 1, value: 1 }

test('subjects, addresses and what the snapshot has are decided by columns, each of which is read once', () => {
  assert.deepEqual(textsDeciding(subject), ['subject'])
  assert.deepEqual(textsDeciding({ kind: 'and', all: [subject, seen, { kind: 'not', inner: cc }, subject] }), [
    'subject',
    'cc',
  ])
  assert.deepEqual(textsDeciding({ kind: 'or', all: [{ kind: 'modseq', atLeast: 1 as Modseq }, cc] }), ['cc'])
})

test('what a row, the header or the body decides is not decided by columns', () => {
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
    for (const kind of ['and', 'or'] as const)
      assert.equal(textsDeciding({ kind, all: [subject, { kind: 'not', inner: other }] }), undefined, other.kind)
})
