/** A bounded queue for slow work in which nobody waits for somebody else's many jobs. @module */

export interface FairQueueOptions {
  /** Jobs that run at once. */
  readonly atOnce: number
  /** Jobs that wait at most, of all keys and of one. */
  readonly waiting: number
  readonly waitingPerKey: number
}

/** Runs jobs of one key in order, and the keys in turn. */
export class FairQueue {
  readonly #options: FairQueueOptions
  /** In the order in which they get their turn. */
  readonly #lines = new Map<string, (() => void)[]>()
  #running = 0
  #waiting = 0

  constructor(options: FairQueueOptions) {
    this.#options = options
  }

  /** The job's value, or `undefined` when the queue is full and the job was not run. */
  async run<T>(key: string, job: () => Promise<T>): Promise<T | undefined> {
    if (this.#running < this.#options.atOnce) this.#running += 1
    else if (!(await this.#turn(key))) return undefined
    try {
      return await job()
    } finally {
      this.#passOn()
    }
  }

  #turn(key: string): Promise<boolean> {
    const line = this.#lines.get(key) ?? []
    if (this.#waiting >= this.#options.waiting || line.length >= this.#options.waitingPerKey)
      return Promise.resolve(false)
    this.#lines.set(key, line)
    this.#waiting += 1
    return new Promise((resolve) => {
      line.push(() => resolve(true))
    })
  }

  /** Whoever waits takes over the place; without anybody it is free. */
  #passOn(): void {
    for (const [key, line] of this.#lines) {
      const go = line.shift()
      this.#lines.delete(key)
      // behind the others
      if (line.length > 0) this.#lines.set(key, line)
      if (go === undefined) continue
      this.#waiting -= 1
      go()
      return
    }
    this.#running -= 1
  }
}
