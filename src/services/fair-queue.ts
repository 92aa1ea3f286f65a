/** A bounded queue for slow work in which nobody waits for somebody else's many jobs. @module */

export interface FairQueueOptions {
  /** Jobs that run at once. */
  readonly atOnce: number
  /** Jobs that wait at most, of all keys and of one. */
  readonly waiting: number
  readonly waitingPerKey: number
}

/** How soon a job gets its turn: those of a lower rank first. */
export type Rank = 0 | 1 | 2

/** Every so many turns the last rank goes first, so that it waits long but not for ever. */
const TURNS_TO_LAST = 4

/**
 * Keys of one rank that may wait in their order. Above it the newest goes first: where more come than can be served,
 * waiting in order would make everybody late, and those who have waited longest are least likely to be there still.
 */
const CROWD = 16

/** Of one rank: jobs of one key in order, and the keys in turn. */
type Lane = Map<string, (() => void)[]>

/** Runs jobs by their rank; within one, jobs of one key in order, and the keys in turn, or the newest first in a crowd. */
export class FairQueue {
  readonly #options: FairQueueOptions
  readonly #lanes: readonly [Lane, Lane, Lane] = [new Map(), new Map(), new Map()]
  #running = 0
  #waiting = 0
  #turns = 0

  constructor(options: FairQueueOptions) {
    this.#options = options
  }

  /** The job's value, or `undefined` when the queue is full and the job was not run. */
  async run<T>(key: string, job: () => Promise<T>, rank: Rank = 0): Promise<T | undefined> {
    if (this.#running < this.#options.atOnce) this.#running += 1
    else if (!(await this.#turn(key, rank))) return undefined
    try {
      return await job()
    } finally {
      this.#passOn()
    }
  }

  #turn(key: string, rank: Rank): Promise<boolean> {
    const lane = this.#lanes[rank]
    const line = lane.get(key) ?? []
    // the last rank does not fill the queue for the others
    const most = rank === 2 ? this.#options.waiting / 2 : this.#options.waiting
    if (this.#waiting >= most || line.length >= this.#options.waitingPerKey) return Promise.resolve(false)
    lane.set(key, line)
    this.#waiting += 1
    return new Promise((resolve) => {
      line.push(() => resolve(true))
    })
  }

  /** Whoever waits takes over the place; without anybody it is free. */
  #passOn(): void {
    this.#turns += 1
    const lanes = this.#turns % TURNS_TO_LAST === 0 ? this.#lanes.toReversed() : this.#lanes
    const go = lanes
      .values()
      .map(takeNext)
      .find((next) => next !== undefined)
    if (go === undefined) this.#running -= 1
    else {
      this.#waiting -= 1
      go()
    }
  }
}

function takeNext(lane: Lane): (() => void) | undefined {
  const key = lane.size > CROWD ? Array.from(lane.keys()).at(-1) : lane.keys().next().value
  const line = key === undefined ? undefined : lane.get(key)
  if (key === undefined || line === undefined) return undefined
  const go = line.shift()
  lane.delete(key)
  // behind the others
  if (line.length > 0) lane.set(key, line)
  return go
}
