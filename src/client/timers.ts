import { type Clock, systemClock } from '#lib/clock.ts'

/** Time as a port: tests set it, production reads the system's. */
export interface Timers extends Clock {
  /**
   * Calls `run` once, `ms` milliseconds from now.
   * @param stays The process stays alive for it; else it may end before.
   * @returns Takes it back.
   */
  after(ms: number, run: () => void, stays?: boolean): () => void
}

/** The machine's clock. */
export const systemTimers: Timers = {
  now: () => systemClock.now(),
  after(ms, run, stays = false) {
    const timer = setTimeout(run, Math.min(ms, 2_147_483_647))
    if (!stays) timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Waits; an abort ends the wait with the signal's reason. @param stays see {@link Timers.after} */
export async function pause(timers: Timers, ms: number, signal?: AbortSignal, stays = false): Promise<void> {
  signal?.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = timers.after(
      ms,
      () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      },
      stays,
    )
    signal?.addEventListener('abort', abort, { once: true })
  })
}
