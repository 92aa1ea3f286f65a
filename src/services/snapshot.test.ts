import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Modseq, Uid } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import type { MessagePage } from '#store/types.ts'
import { cut, PAGE_MESSAGES, Snapshot } from './snapshot.ts'
import { difference } from './snapshot-difference.ts'
import { numbersWithin, uidsWithin } from './snapshot-sets.ts'
import { SnapshotWalk } from './snapshot-walk.ts'

interface Row {
  uid: number
  flags: number
  modseq: number
}

function pageOf(rows: readonly Row[]): MessagePage {
  return {
    uids: Uint32Array.from(rows, (row) => row.uid),
    flags: Uint32Array.from(rows, (row) => row.flags),
    modseqs: Float64Array.from(rows, (row) => row.modseq),
  }
}

function snapshotOf(rows: readonly Row[], modseq = 1): Snapshot {
  return Snapshot.of(cut(pageOf(rows)), modseq as Modseq, ((rows.at(-1)?.uid ?? 0) + 1) as Uid)
}

function rowsOf(snapshot: Snapshot): Row[] {
  return snapshot.pages.flatMap(({ uids, flags, modseqs }) =>
    [...uids].map((uid, at) => ({ uid, flags: flags[at] ?? -1, modseq: modseqs[at] ?? -1 })),
  )
}

function many(count: number): Row[] {
  return Array.from({ length: count }, (_, at) => ({ uid: at + 1, flags: 0, modseq: 1 }))
}

function apply(snapshot: Snapshot, changed: readonly Row[], vanished: Iterable<number> = []): Snapshot {
  return snapshot.apply(pageOf(changed), uidSetOf(vanished), (snapshot.modseq + 1) as Modseq, snapshot.uidNext)
}

test('a change of flags makes one new page, which shares the UIDs', () => {
  const before = snapshotOf(many(5_000))
  const after = apply(before, [{ uid: 2_000, flags: 1, modseq: 2 }])
  const fresh = after.pages.filter((page, at) => page !== before.pages[at])
  assert.equal(fresh.length, 1)
  assert.equal(fresh[0]?.uids, before.pages[3]?.uids)
  assert.equal(after.flagsAt(2_000), 1)
  assert.equal(before.flagsAt(2_000), 0)
})

test('firstUnseen() passes over pages that were read', () => {
  const read = snapshotOf(many(5_000).map((row) => ({ ...row, flags: 9 })))
  assert.equal(read.firstUnseen(), undefined)
  const more = apply(read, [{ uid: 5_001, flags: 8, modseq: 2 }])
  assert.equal(more.firstUnseen(), 5_001)
  assert.equal(apply(more, [{ uid: 600, flags: 4, modseq: 3 }], [1, 2]).firstUnseen(), 598)
  assert.equal(Snapshot.empty(1 as Modseq, 1 as Uid).firstUnseen(), undefined)
})

test('a snapshot to which nothing happened is the same one', () => {
  const snapshot = snapshotOf(many(10))
  assert.equal(snapshot.apply(pageOf([]), [], snapshot.modseq, snapshot.uidNext), snapshot)
  assert.equal(apply(snapshot, []).pages, snapshot.pages)
})

test('difference() refuses a message that came below others', () => {
  const rows = many(3)
  assert.throws(() => difference(snapshotOf(rows.slice(1)), snapshotOf(rows)), /came below/)
})

test('uidAt() and numberOf() know the edges', () => {
  const snapshot = snapshotOf(many(1_000).filter(({ uid }) => uid % 3 === 0))
  assert.equal(snapshot.uidAt(0), undefined)
  assert.equal(snapshot.uidAt(1), 3)
  assert.equal(snapshot.uidAt(333), 999)
  assert.equal(snapshot.uidAt(334), undefined)
  assert.equal(snapshot.numberOf(999), 333)
  assert.equal(snapshot.numberOf(998), undefined)
  assert.equal(snapshot.numberOf(0), undefined)
  assert.equal(snapshot.countUpTo(2), 0)
  assert.equal(snapshot.countUpTo(4_294_967_295), 333)
  assert.equal(Snapshot.empty(1 as Modseq, 1 as Uid).numberOf(1), undefined)
  assert.equal(Snapshot.empty(1 as Modseq, 1 as Uid).uidAt(1), undefined)
})

type Step =
  | { readonly kind: 'append'; readonly count: number }
  | { readonly kind: 'flags' | 'expunge'; readonly picks: readonly number[]; readonly flags: number }

const picks = fc.array(fc.nat(2_000), { maxLength: 60 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 700 }) }),
  fc.record({ kind: fc.constantFrom('flags' as const, 'expunge' as const), picks, flags: fc.nat(31) }),
  fc.record({
    kind: fc.constant('expunge' as const),
    picks: fc
      .tuple(fc.nat(1_000), fc.nat(900))
      .map(([from, count]) => Array.from({ length: count }, (_, n) => from + n)),
    flags: fc.constant(0),
  }),
)

test('snapshots walk beside a plain array: rows, numbers, differences', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.nat(2_000), (steps, probe) => {
      let rows = many(600)
      let uidNext = 601
      let snapshot = snapshotOf(rows)
      const past: { readonly rows: readonly Row[]; readonly snapshot: Snapshot }[] = []
      for (const [n, each] of steps.entries()) {
        past.push({ rows, snapshot })
        const modseq = n + 2
        let changed: Row[] = []
        let vanished: number[] = []
        if (each.kind === 'append') {
          changed = Array.from({ length: each.count }, () => ({ uid: uidNext++, flags: 0, modseq }))
        } else {
          const chosen = new Set(each.picks.map((pick) => rows[pick % Math.max(1, rows.length)]?.uid ?? 0))
          if (each.kind === 'expunge') vanished = [...chosen].sort((a, b) => a - b)
          else
            changed = rows.filter(({ uid }) => chosen.has(uid)).map(({ uid }) => ({ uid, flags: each.flags, modseq }))
        }
        const byUid = new Map([...rows, ...changed].map((row) => [row.uid, row]))
        for (const uid of vanished) byUid.delete(uid)
        rows = [...byUid.values()].sort((a, b) => a.uid - b.uid)
        snapshot = apply(snapshot, changed, vanished)

        assert.deepEqual(rowsOf(snapshot), rows)
        assert.equal(snapshot.size, rows.length)
        assert.ok(snapshot.pages.every(({ uids }) => uids.length > 0 && uids.length <= PAGE_MESSAGES))
        assert.ok(snapshot.pages.length <= 2 + (2 * snapshot.size) / PAGE_MESSAGES, 'pages do not crumble')
        assert.equal(snapshot.highest, Math.max(0, ...rows.map((row) => row.modseq)))
        assert.equal(snapshot.firstUnseen() ?? 0, rows.findIndex(({ flags }) => (flags & 1) === 0) + 1)
        const number = (probe % (rows.length + 1)) + 1
        assert.equal(snapshot.uidAt(number), rows[number - 1]?.uid)
        const index = rows.findIndex(({ uid }) => uid === probe)
        assert.equal(snapshot.numberOf(probe), index < 0 ? undefined : index + 1)
        assert.equal(snapshot.countUpTo(probe), rows.filter(({ uid }) => uid <= probe).length)
      }
      for (const before of past) {
        const { gone, changed, added } = difference(before.snapshot, snapshot)
        const now = new Map(rows.map((row) => [row.uid, row]))
        const went = before.rows.filter(({ uid }) => !now.has(uid))
        assert.deepEqual([...gone.uids], went.map(({ uid }) => uid)) // biome-ignore format: one line
        assert.deepEqual([...gone.numbers], went.map((row) => before.rows.indexOf(row) + 1)) // biome-ignore format: one line
        const other = before.rows.filter(({ uid, modseq }) => (now.get(uid)?.modseq ?? modseq) !== modseq)
        assert.deepEqual([...changed.uids], other.map(({ uid }) => uid)) // biome-ignore format: one line
        assert.deepEqual([...changed.flagsBefore], other.map(({ flags }) => flags)) // biome-ignore format: one line
        assert.equal(added, rows.length - (before.rows.length - went.length))
        // What is held back goes back to where it was.
        const held = snapshot.apply(gone, [], snapshot.modseq, snapshot.uidNext)
        assert.deepEqual(rowsOf(held).map(({ uid }) => uid), [...new Set([...before.rows, ...rows].map(({ uid }) => uid))].sort((a, b) => a - b)) // biome-ignore format: one line
      }
    }),
    { numRuns: 60 },
  )
})

test('SnapshotWalk finds the messages of any set, ascending', () => {
  const range = fc.tuple(fc.nat(3_000), fc.nat(400))
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), fc.integer({ min: 1, max: 7 }), (ranges, every) => {
      const rows = many(2_500).filter(({ uid }) => uid % every === 0)
      const wanted = new Set(ranges.flatMap(([from, count]) => Array.from({ length: count }, (_, n) => from + n + 1)))
      const set = uidSetOf([...wanted].sort((a, b) => a - b))
      const found: [number, number][] = []
      for (const walk = new SnapshotWalk(snapshotOf(rows), set); walk.next(); ) found.push([walk.number, walk.uid])
      assert.deepEqual(
        found,
        rows.flatMap(({ uid }, at) => (wanted.has(uid) ? [[at + 1, uid]] : [])),
      )
      // Those that changed alone.
      const above = rows.map((row) => ({ ...row, modseq: row.uid % 700 < 40 ? row.uid : 1 }))
      const changed: [number, number][] = []
      for (const walk = new SnapshotWalk(snapshotOf(above), set, 900 as Modseq); walk.next(); )
        changed.push([walk.number, walk.uid])
      assert.deepEqual(
        changed,
        found.filter(([number]) => (above[number - 1]?.modseq ?? 0) > 900),
      )
      // The same as sets.
      const snapshot = snapshotOf(rows)
      assert.deepEqual(uidsWithin(snapshot, set), uidSetOf(found.map(([, uid]) => uid)))
      assert.deepEqual(numbersWithin(snapshot, set), uidSetOf(found.map(([number]) => number)))
    }),
    { numRuns: 100 },
  )
})
