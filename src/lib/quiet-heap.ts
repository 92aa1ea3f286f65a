/**
 * Gives memory back once a thread has little to do. V8 lets the young generation of a heap grow under load, to 48 MB here,
 * nearly all of it garbage, and looks only at a collection whether it is still needed: a thread in which nothing happens
 * never comes to one. A scavenge of a heap that is quiet takes a few milliseconds; V8 shrinks the young generation once
 * it has seen little allocated for five seconds, and hands it back to the system at a collection eight seconds later. What
 * was given back has to grow again when work goes on, which costs more than work itself for a while: a pause is not quiet.
 * @module
 */
import { getHeapSpaceStatistics } from 'node:v8'
import { scavenge } from './scavenge.ts'

/** How often it is looked at. */
const LOOK_MS = 2_000
/** A thread that is busy for a smaller part of its time is quiet. */
const QUIET = 0.05
/** So many looks in a row: 20 seconds. */
const QUIET_LOOKS = 10
/** A young generation up to here is left alone. */
const SMALL_BYTES = 3_145_728
/** Looks at which a heap that has become small is collected once more: V8 gives back what it spared at a collection. */
const AFTERWARDS = 5

/** Shrinks this thread's heap whenever the thread has become quiet. @returns ends it. */
export function shrinkWhenQuiet(everyMs: number = LOOK_MS): () => void {
  let before = performance.eventLoopUtilization()
  let quiet = 0
  let left = 0
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    quiet = utilization < QUIET ? quiet + 1 : 0
    if (quiet < QUIET_LOOKS) return
    if (youngBytes() > SMALL_BYTES) left = AFTERWARDS
    else if (left === 0) return
    else left -= 1
    scavenge()
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.physical_space_size ?? 0
}
