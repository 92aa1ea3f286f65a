import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import type { MailboxInfo } from '#store/types.ts'
import type { MailboxNode } from '../mailbox-tree.ts'
import { affectedNames } from './tree-changes.ts'

const ANN = { id: 1 as AccountId, shard: 0 }

/** Names by key, before and after, and what is affected: a name, or a name with the one it had. */
const CASES: readonly {
  readonly what: string
  readonly before: Readonly<Record<number, string>>
  readonly after: Readonly<Record<number, string>>
  readonly affected: readonly (readonly [string, string?])[]
}[] = [
  { what: 'nothing', before: { 1: 'a' }, after: { 1: 'a' }, affected: [] },
  { what: 'a new name', before: {}, after: { 1: 'a' }, affected: [['a']] },
  { what: 'a new name below another', before: { 1: 'a' }, after: { 1: 'a', 2: 'a/b' }, affected: [['a'], ['a/b']] },
  { what: 'a name that went', before: { 1: 'a/b/c' }, after: {}, affected: [['a/b'], ['a/b/c']] },
  { what: 'a rename', before: { 1: 'a' }, after: { 1: 'b' }, affected: [['b', 'a']] },
  {
    what: 'a rename with what is below',
    before: { 1: 'a', 2: 'a/x', 3: 'a/x/y/z' },
    after: { 1: 'b/c', 2: 'b/c/x', 3: 'b/c/x/y/z' },
    affected: [['b/c', 'a']],
  },
  {
    what: 'renames on their own below a rename',
    before: { 1: 'a', 2: 'a/x' },
    after: { 1: 'b', 2: 'b/w' },
    affected: [
      ['b', 'a'],
      ['b/w', 'a/x'],
    ],
  },
  {
    what: 'a name that another took over',
    before: { 1: 'a', 2: 'b' },
    after: { 2: 'a' },
    affected: [['a', 'b']],
  },
  { what: 'another mailbox of the same name', before: { 1: 'a' }, after: { 2: 'a' }, affected: [['a']] },
]

for (const { what, before, after, affected } of CASES)
  test(`affectedNames() finds ${what}`, () => {
    const known = new Map(Object.entries(before).map(([key, name]) => [Number(key) as MailboxKey, { name }]))
    const nodes = Object.entries(after).map(([key, name]): MailboxNode => {
      const info: Pick<MailboxInfo, 'key' | 'name'> = { key: Number(key) as MailboxKey, name }
      const box = { name, account: ANN, owner: '', info: info as MailboxInfo, rights: '', user: undefined }
      return { name, box, subscribed: false, hasChildren: false }
    })
    assert.deepEqual(
      [...affectedNames(known, nodes)].sort(([a], [b]) => (a < b ? -1 : 1)),
      affected.map(([name, old]) => [name, old]),
    )
  })
