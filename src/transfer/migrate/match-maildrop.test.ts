import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markOfHeader } from './header-mark.ts'
import type { DropEntry } from './maildrop.ts'
import { type Match, matchMaildrop, uidInUniqueId } from './match-maildrop.ts'

/** `1700000001` in hexadecimal. */
const VALIDITY = 1_700_000_001
const IN_HEX = '6553f101'

/** A message there: its header stands for all of it. */
interface There {
  readonly header: string
  readonly size?: number
}

interface Dropped extends There {
  readonly id: string
}

let looked = 0

async function matched(drop: readonly Dropped[], held: Readonly<Record<number, There>>): Promise<Match> {
  looked = 0
  const entries = drop.map(({ id, size = 100 }): DropEntry => ({ id, uidl: id, octets: size }))
  const mark = (header: string) => markOfHeader(Buffer.from(header))
  return matchMaildrop({
    drop: entries,
    held: Object.entries(held).map(([uid, { size = 100 }]) => ({ uid: Number(uid), size })),
    uidValidity: VALIDITY,
    dropMarks: (ids) => {
      looked += ids.length
      return Promise.resolve(
        new Map(drop.filter(({ id }) => ids.includes(id)).map((one) => [one.id, mark(one.header)])),
      )
    },
    heldMarks: (uids) => Promise.resolve(new Map(uids.map((uid) => [uid, mark(held[uid]?.header ?? '')]))),
  })
}

function byId({ uids }: Match): readonly (readonly [string, number])[] {
  return [...uids].sort(([a], [b]) => (a < b ? -1 : 1))
}

const FORMATS: readonly (readonly [string, number | undefined])[] = [
  // Dovecot's %08Xu%08Xv, %08Xv%08Xu, %v.%u, %v-%u; Courier's
  [`0000000C${IN_HEX.toUpperCase()}`, 12],
  [`${IN_HEX}0000000c`, 12],
  [`${VALIDITY}.12`, 12],
  [`${VALIDITY}-12`, 12],
  [`12-${VALIDITY}`, 12],
  [`UID12-${VALIDITY}`, 12],
  // of another mailbox, or none of these at all
  ['0000000c6553f102', undefined],
  ['1700000002.12', undefined],
  ['12', undefined],
  ['1f5d8e6a2b3c4d5e6f7a8b9c0d1e2f3a', undefined],
  ['x'.repeat(70), undefined],
]
for (const [id, uid] of FORMATS)
  test(`uidInUniqueId() finds ${uid} in ${id}`, () => assert.equal(uidInUniqueId(id, VALIDITY), uid))

test('matching by unique-ids that are made of UIDs looks at three headers alone', async () => {
  const names = Array.from({ length: 50 }, (_, n) => n + 1)
  const header = (n: number) => `Subject: ${n}\r\n\r\n`
  const held = Object.fromEntries(names.map((n) => [n, { header: header(n) }]))
  const match = await matched(
    names.toReversed().map((n) => ({ id: `${VALIDITY}.${n}`, header: header(n) })),
    held,
  )
  assert.equal(match.byName, 50)
  assert.equal(match.uids.get(`${VALIDITY}.7`), 7)
  assert.equal(looked, 3)
})

test('unique-ids that look as if they were made of UIDs, and are not, are not believed', async () => {
  const match = await matched(
    [
      { id: `${VALIDITY}.1`, header: 'Subject: b\n\n' },
      { id: `${VALIDITY}.2`, header: 'Subject: a\n\n' },
    ],
    { 1: { header: 'Subject: a\r\n\r\n' }, 2: { header: 'Subject: b\r\n\r\n' } },
  )
  assert.deepEqual([...match.uids.values()], [2, 1])
  assert.deepEqual([match.byName, match.byHeader], [0, 2])
})

test('headers are the same whatever the server noted in them, and however it counts octets', async () => {
  const match = await matched([{ id: 'x', header: 'Subject: a \r\nX-UIDL: x\r\nStatus: RO\r\n\r\n', size: 90 }], {
    4: { header: 'Subject: a\n\n', size: 97 },
  })
  assert.deepEqual([...match.uids], [['x', 4]])
})

test('of several with one header the size tells, then the order; what is left belongs to none', async () => {
  const header = 'Subject: same\r\n\r\n'
  const match = await matched(
    [
      { id: 'a', header, size: 5 },
      { id: 'b', header, size: 7 },
      { id: 'c', header, size: 9 },
      { id: 'd', header, size: 11 },
      { id: 'e', header: 'Subject: other\r\n\r\n' },
    ],
    { 1: { header, size: 7 }, 2: { header, size: 6 }, 3: { header, size: 8 } },
  )
  assert.deepEqual(byId(match), [
    ['a', 2],
    ['b', 1],
    ['c', 3],
  ])
  assert.equal(match.ambiguous, 3)
})

test('the unique-id that stands in the message counts before the order', async () => {
  const header = 'Subject: same\r\n\r\n'
  const match = await matched(
    [
      { id: 'a', header },
      { id: 'b', header },
    ],
    { 1: { header: `X-UIDL: b\r\n${header}` }, 2: { header: `X-UIDL: a\r\n${header}` } },
  )
  assert.deepEqual(byId(match), [
    ['a', 2],
    ['b', 1],
  ])
})
