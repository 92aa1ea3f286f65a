/**
 * The young generation of a thread. V8 prefers a size that was given to the whole process to the limit of a thread: the
 * launcher gives one (`bin/malle.cjs`), which would leave every thread with as much as the largest needs. V8 reads it once,
 * when a thread begins.
 * @module
 */
import { setFlagsFromString } from 'node:v8'
import type { Worker } from 'node:worker_threads'

const FLAG = '--max-semi-space-size'
const GIVEN = /--max[-_]semi[-_]space[-_]size[= ](\d+)/g

/** Threads that have not begun yet. */
const beginning = new Set<Worker>()

/** Starts a thread whose `maxYoungGenerationSizeMb` counts; it must not be called off before it has begun. */
export function withOwnYoungGeneration(start: () => Worker): Worker {
  const given = givenMegabytes()
  if (given === undefined) return start()
  setFlagsFromString(`${FLAG}=0`)
  const worker = start()
  beginning.add(worker)
  const begun = (): void => {
    if (beginning.delete(worker) && beginning.size === 0) setFlagsFromString(`${FLAG}=${given}`)
  }
  return worker.once('online', begun).once('exit', begun)
}

/** The last one counts. */
function givenMegabytes(): string | undefined {
  const flags = [process.env.NODE_OPTIONS ?? '', ...process.execArgv].join(' ')
  return Array.from(flags.matchAll(GIVEN), ([, megabytes]) => megabytes).at(-1)
}
