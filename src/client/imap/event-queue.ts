import type { MailboxEvent } from './events.ts'
import { EVENTS_AHEAD } from './limits.ts'

/** Events for one reader, bounded: who reads too slowly is told to look again. */
export class EventQueue implements AsyncIterableIterator<MailboxEvent> {
  #events: MailboxEvent[] = []
  #over = false
  #error: unknown
  #waiting: ((result: IteratorResult<MailboxEvent, undefined>) => void) | undefined
  #refuse: ((error: unknown) => void) | undefined
  readonly #onEnd: (queue: EventQueue) => void

  /** @param onEnd Called once, when nobody reads any more or nothing more comes. */
  constructor(onEnd: (queue: EventQueue) => void) {
    this.#onEnd = onEnd
  }

  push(event: MailboxEvent): void {
    if (this.#over) return
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#waiting = undefined
      this.#refuse = undefined
      waiting({ done: false, value: event })
    } else if (this.#events.length < EVENTS_AHEAD) this.#events.push(event)
    else this.#events = [{ kind: 'overflow' }]
  }

  /** Nothing more comes; with an error the reader gets it after what is there. */
  end(error?: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#error = error
    this.#onEnd(this)
    const [waiting, refuse] = [this.#waiting, this.#refuse]
    this.#waiting = undefined
    this.#refuse = undefined
    if (error === undefined) waiting?.({ done: true, value: undefined })
    else {
      this.#error = undefined
      if (refuse === undefined) this.#error = error
      else refuse(error)
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<MailboxEvent, undefined>> {
    const event = this.#events.shift()
    if (event !== undefined) return Promise.resolve({ done: false, value: event })
    if (this.#error !== undefined) {
      const error = this.#error
      this.#error = undefined
      return Promise.reject(error)
    }
    if (this.#over) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => {
      this.#waiting = resolve
      this.#refuse = reject
    })
  }

  return(): Promise<IteratorResult<MailboxEvent, undefined>> {
    this.#events = []
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }
}
