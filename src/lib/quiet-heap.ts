/**
 * Gives memory back once a thread has little to do. V8 lets the young generation of a heap grow under load, to 48 MB here,
 * nearly all of it garbage, and looks only at a collection whether it is still needed: a thread in which nothing happens
 * never comes to one. A scavenge of a heap that is quiet takes a few milliseconds; V8 shrinks the young generation at the
 * second or third, and hands it back to the system some seconds later.
 * @module
 */
import { getHeapSpaceStatistics } from 'node:v8'
import { scavenge } from './scavenge.ts'

/** How often it is looked at: V8 goes by what was allocated in the last five seconds. */
const LOOK_MS = 3_000
/** A thread that is busy for a smaller part of its time is quiet. */
const QUIET = 0.05
/** A young generation up to here is left alone. */
const SMALL_BYTES = 3_145_728

/** Shrinks this thread's heap whenever the thread has become quiet. @returns ends it. */
export function shrinkWhenQuiet(everyMs: number = LOOK_MS): () => void {
  let before = performance.eventLoopUtilization()
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    if (utilization < QUIET && youngBytes() > SMALL_BYTES) scavenge()
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.physical_space_size ?? 0
}
