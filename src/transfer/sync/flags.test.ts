import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { mergeFlags } from './flags.ts'
import type { FlagsChange } from './side.ts'

const all = { left: () => true, right: () => true }
const some = fc.subarray(['\\Seen', '\\Flagged', 'Work', '$Junk'])
const lower = (flags: readonly string[]): string[] => flags.map((flag) => flag.toLowerCase()).sort()
const done = (flags: readonly string[], { add, remove }: FlagsChange): string[] =>
  lower([...flags.filter((flag) => !remove.includes(flag)), ...add])

test('mergeFlags() both ways leaves both alike: what either changed since the last run, and nothing else', () => {
  fc.assert(
    fc.property(some, some, some, (base, left, right) => {
      const merged = mergeFlags(lower(base), left, right, true, all)
      const wanted = ['\\Seen', '\\Flagged', 'Work', '$Junk'].filter((flag) => {
        const [before, onLeft, onRight] = [base, left, right].map((flags) => flags.includes(flag))
        return onLeft === onRight ? onLeft : !before
      })
      assert.deepEqual(done(left, merged.left), lower(wanted))
      assert.deepEqual(done(right, merged.right), lower(wanted))
      assert.deepEqual(merged.base, lower(wanted))
    }),
  )
})

test('mergeFlags() one way never changes the left, and lets the right keep what it changed itself', () => {
  fc.assert(
    fc.property(some, some, some, (base, left, right) => {
      const merged = mergeFlags(lower(base), left, right, false, all)
      assert.deepEqual(merged.left, { add: [], remove: [] })
      for (const flag of merged.right.add) assert.ok(left.includes(flag) && !base.includes(flag))
      for (const flag of merged.right.remove) assert.ok(!left.includes(flag) && base.includes(flag))
    }),
  )
})

test('mergeFlags() knows no case, and leaves what a side cannot keep', () => {
  const keeps = { left: () => true, right: (flag: string) => flag !== 'Work' }
  const merged = mergeFlags(['\\seen'], ['\\SEEN', 'Work', '\\Recent'], ['\\Seen'], true, keeps)
  assert.deepEqual(merged, { left: { add: [], remove: [] }, right: { add: [], remove: [] }, base: ['\\seen'] })
})
