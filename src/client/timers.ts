import { type Clock, systemClock } from '#lib/clock.ts'

/** Time as a port: tests set it, production reads the system's. */
export interface Timers extends Clock {
  /**
   * Calls `run` once, `ms` milliseconds from now; the process does not stay alive for it.
   * @returns Takes it back.
   */
  after(ms: number, run: () => void): () => void
}

/** The machine's clock. */
export const systemTimers: Timers = {
  now: () => systemClock.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, 2_147_483_647))
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Waits; an abort ends the wait with the signal's reason. */
export async function pause(timers: Timers, ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = timers.after(ms, () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
}
