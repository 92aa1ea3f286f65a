/** Who may send at once: destinations that do not answer keep a place for minutes, and must not keep all. @module */
import type { Lane } from './lanes.ts'

/** Of all places. */
const SHARE = 4

/**
 * The places of one moment. A quarter is the most for destinations that did not answer last time, and a quarter is left to
 * those that have answered, whoever else waits: nobody knows yet how long a new one keeps us.
 */
export class Places {
  readonly #most: number
  readonly #mostSilent: number
  readonly #mostUnproven: number
  #taken = 0
  #silent = 0
  #unproven = 0

  constructor(lanes: Iterable<Lane>, most: number) {
    const share = Math.floor(most / SHARE)
    this.#most = most
    this.#mostSilent = Math.max(1, share)
    this.#mostUnproven = most - share
    for (const lane of lanes) this.#add(lane, lane.active)
  }

  /** `full`: nobody gets one; `share`: those like it have what they may. */
  take(lane: Lane): 'taken' | 'full' | 'share' {
    if (this.#taken >= this.#most) return 'full'
    this.#add(lane, 1)
    if (this.holds(lane)) return 'taken'
    this.#add(lane, -1)
    return 'share'
  }

  /** Whether those like it have no more than they may. */
  holds(lane: Lane): boolean {
    if (isSilent(lane) && this.#silent > this.#mostSilent) return false
    return !isUnproven(lane) || this.#unproven <= this.#mostUnproven
  }

  #add(lane: Lane, places: number): void {
    this.#taken += places
    if (isSilent(lane)) this.#silent += places
    if (isUnproven(lane)) this.#unproven += places
  }
}

function isSilent({ local, failures }: Lane): boolean {
  return !local && failures > 0
}

function isUnproven({ local, proven, failures }: Lane): boolean {
  return !local && (!proven || failures > 0)
}
