/** Which threads go first where cores are few. @module */
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism, getPriority, setPriority } from 'node:os'

const LOWEST = 19
const THREADS = '/proc/self/task'
/** As the runtime calls each of them. */
const HELPER = 'node-V8Worker'

/** Whether a thread has a priority of its own here. */
export const THREADS_HAVE_PRIORITIES: boolean = process.platform === 'linux'

/** Whether all threads of this process share one core. */
export const HAS_ONE_CORE: boolean = availableParallelism() === 1

/** Puts the thread that calls this so many steps below those who speak with clients, where that can be done. */
export function giveWay(steps: number): void {
  if (THREADS_HAVE_PRIORITIES) setPriority(0, Math.min(LOWEST, getPriority(0) + steps))
}

/** The same with the threads on which V8 compiles and collects for all others. */
export function helpersGiveWay(steps: number): void {
  for (const thread of helperThreads()) setPriority(thread, Math.min(LOWEST, getPriority(thread) + steps))
}

/** The system's numbers of V8's threads; none where it does not tell. */
export function helperThreads(): readonly number[] {
  if (!THREADS_HAVE_PRIORITIES) return []
  return readdirSync(THREADS)
    .filter((thread) => nameOf(thread) === HELPER)
    .map(Number)
}

function nameOf(thread: string): string | undefined {
  try {
    return readFileSync(`${THREADS}/${thread}/comm`, 'utf8').trim()
  } catch (error) {
    // it has ended
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
