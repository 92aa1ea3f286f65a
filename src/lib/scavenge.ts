import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { readonly type: 'minor' }) => void

/** Times that the collector is asked for before it is given up until the next time. */
const TRIES = 64

let collect: Collect | undefined

/** Collects the young generation of this thread's heap. It never throws: memory that stays is no reason to fail. */
export function scavenge(): void {
  collect ??= exposedGc()
  collect?.({ type: 'minor' })
}

/**
 * The runtime shows its collector only where this flag is set; it is set here alone, and taken back at once. A flag is
 * the whole process's: another thread that does the same may take it back between our two steps.
 */
function exposedGc(): Collect | undefined {
  for (let left = TRIES; left > 0; left -= 1) {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('globalThis.gc') as Collect | undefined
    setFlagsFromString('--no-expose-gc')
    if (gc !== undefined) return gc
  }
  return undefined
}
