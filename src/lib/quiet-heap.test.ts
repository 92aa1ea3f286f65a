import assert from 'node:assert/strict'
import { constants, type PerformanceNodeEntry, PerformanceObserver } from 'node:perf_hooks'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { shrinkWhenQuiet } from './quiet-heap.ts'

const LOOK_MS = 20

test('shrinkWhenQuiet() collects the garbage of a thread that has been quiet for a while, and leaves a busy one alone', {
  timeout: 20_000,
}, async () => {
  let asked = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind, flags } = (entry as PerformanceNodeEntry).detail
      if (kind === constants.NODE_PERFORMANCE_GC_MINOR && flags === constants.NODE_PERFORMANCE_GC_FLAGS_FORCED)
        asked += 1
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  let kept: number[][] = []
  for (let at = 0; at < 200_000; at += 1) kept.push([at])
  const stop = shrinkWhenQuiet(LOOK_MS)
  const end = performance.now() + 5 * LOOK_MS
  while (performance.now() < end) await new Promise((resolve) => setImmediate(resolve))
  const whenBusy = asked
  kept = []
  const quietFrom = performance.now()
  while (asked === whenBusy) await pause(LOOK_MS)
  const quietFor = performance.now() - quietFrom
  stop()
  observer.disconnect()
  assert.equal(whenBusy, 0)
  assert.ok(quietFor > 5 * LOOK_MS, `after ${quietFor} ms`)
})
