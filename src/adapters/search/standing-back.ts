/** When the thread that makes indexes works: while the others have little to do, and in the end in any case. @module */
import { availableParallelism } from 'node:os'

/** For so long the others must have had little to do. */
const CALM_MS = 1_000
/** How often it looks whether they have. */
const LOOK_MS = 250
/** Of each core that there is, the others take at most this part when they have little to do. */
const CALM_SHARE = 0.1
/** V8's collectors and compilers count as others: of what this thread takes, at most this part is taken for theirs. */
const HELPERS_SHARE = 0.25
/** What has waited for so long is done beside their work, in small pieces. */
const MOST_MS = 60_000
/** After a small piece it rests so many times as long. */
const RESTS = 4

/** What it goes by, in milliseconds. */
export interface Load {
  /** Time from anywhere. */
  now(): number
  /** Processor time that the thread has taken, and that the other threads of its process have. */
  taken(): { readonly own: number; readonly others: number }
  readonly cores: number
}

const processLoad: Load = {
  now: () => performance.now(),
  taken() {
    const all = process.cpuUsage()
    const thread = process.threadCpuUsage()
    const own = (thread.user + thread.system) / 1_000
    return { own, others: (all.user + all.system) / 1_000 - own }
  },
  cores: availableParallelism(),
}

/** How work may go on. */
export type Pace =
  | { readonly kind: 'wait'; readonly ms: number }
  /** As much at once as is good for the work. */
  | { readonly kind: 'whole' }
  /** Little at once. */
  | { readonly kind: 'small' }

/** See the module. Not used while there is nothing to do: {@link begin} says that there is something again. */
export class StandingBack {
  readonly #load: Load
  /** When it was looked at the others, and what had been taken then. */
  #looked = 0
  #taken = { own: 0, others: 0 }
  #calmSince: number | undefined
  /** Since when the others have kept it waiting. */
  #waiting = 0
  #restedAt = 0

  constructor(load: Load = processLoad) {
    this.#load = load
    this.begin()
  }

  /** There is work, after a time without any. */
  begin(): void {
    const now = this.#load.now()
    this.#looked = now
    this.#taken = this.#load.taken()
    this.#calmSince = now
    this.#waiting = now
  }

  /** How the next piece may be done. */
  pace(): Pace {
    const now = this.#look()
    if (this.#calmSince !== undefined && now - this.#calmSince >= CALM_MS) {
      this.#waiting = now
      return { kind: 'whole' }
    }
    if (now - this.#waiting < MOST_MS) return { kind: 'wait', ms: LOOK_MS }
    return now < this.#restedAt ? { kind: 'wait', ms: Math.min(LOOK_MS, this.#restedAt - now) } : { kind: 'small' }
  }

  /** A piece has been done, in so many milliseconds. */
  did(ms: number): void {
    this.#restedAt = this.#load.now() + ms * RESTS
  }

  /** Whether the others have work; a piece that is being done better ends soon. */
  get disturbs(): boolean {
    this.#look()
    return this.#calmSince === undefined
  }

  #look(): number {
    const now = this.#load.now()
    const ms = now - this.#looked
    if (ms < LOOK_MS) return now
    const taken = this.#load.taken()
    const helpers = (taken.own - this.#taken.own) * HELPERS_SHARE
    const others = taken.others - this.#taken.others - helpers
    if (others > ms * CALM_SHARE * this.#load.cores) this.#calmSince = undefined
    else this.#calmSince ??= this.#looked
    this.#looked = now
    this.#taken = taken
    return now
  }
}
