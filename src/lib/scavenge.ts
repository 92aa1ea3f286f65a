import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { readonly type: 'minor' }) => void

let collect: Collect | undefined

/** Collects the young generation of this thread's heap. */
export function scavenge(): void {
  collect ??= exposedGc()
  collect({ type: 'minor' })
}

/** The runtime shows its collector only where this flag is set; it is set here alone, and taken back at once. */
function exposedGc(): Collect {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as Collect
  setFlagsFromString('--no-expose-gc')
  return gc
}
