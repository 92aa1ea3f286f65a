/** Which threads go first where cores are few. @module */
import { availableParallelism, getPriority, setPriority } from 'node:os'

const LOWEST = 19

/** Whether a thread has a priority of its own here. */
export const THREADS_HAVE_PRIORITIES: boolean = process.platform === 'linux'

/** Whether all threads of this process share one core. */
export const HAS_ONE_CORE: boolean = availableParallelism() === 1

/** Puts the thread that calls this so many steps below those who speak with clients, where that can be done. */
export function giveWay(steps: number): void {
  if (THREADS_HAVE_PRIORITIES) setPriority(0, Math.min(LOWEST, getPriority(0) + steps))
}
