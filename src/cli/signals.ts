/** Signals that ask a command to end. @module */

/** Signals that come within this time are one and the same: launcher, npm and process group may each deliver it. */
const SAME_SIGNAL_MS = 1_000

/** Signals of the process, taken from the beginning so that none finds the server half started. */
export class Signals {
  /** Resolves at SIGTERM or SIGINT; a later one ends the process at once. */
  readonly stop: Promise<void>
  #hangup: () => void = () => undefined

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.stop = promise
    let asked: number | undefined
    const stop = () => {
      const now = performance.now()
      if (asked === undefined) {
        asked = now
        resolve()
      } else if (now - asked > SAME_SIGNAL_MS) process.kill(process.pid, 'SIGKILL')
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    process.on('SIGHUP', () => this.#hangup())
  }

  onHangup(action: () => void): void {
    this.#hangup = action
  }
}
