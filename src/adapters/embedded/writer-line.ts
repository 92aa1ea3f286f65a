/** The line from one thread to one writer. @module */
import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '#lib/clock.ts'
import type { Change } from '#store/types.ts'
import { type AnyRequest, Packer, pack } from './pack.ts'
import { unpackAnswer, unpackAnswers } from './pack-answer.ts'
import type { AnswerMessage, AskMessage } from './protocol.ts'

/** A turn that has gathered this much is sent at once. */
const MOST_GATHERED = 16_777_216

/** Sends what was asked in one turn of the loop as one message, and gives answers back by their number. */
export class WriterLine {
  readonly #clock: Clock
  readonly #told: (changes: readonly Change[], closed: readonly number[]) => void
  #port: MessagePort | undefined
  readonly #packer = new Packer()
  #gathered: AskMessage[0][number][] = []
  readonly #waiting = new Map<number, (answer: unknown) => void>()
  #lastId = 0
  #idle: (() => void) | undefined

  /** @param told called with what a batch changed, after its answers were given. */
  constructor(port: MessagePort, clock: Clock, told: (changes: readonly Change[], closed: readonly number[]) => void) {
    this.#clock = clock
    this.#told = told
    this.replace(port)
  }

  /** Goes on with the port of a new writer. */
  replace(port: MessagePort): void {
    const before = this.#port
    this.#port = port
    before?.close()
    this.#lost()
    port.on('message', (message: AnswerMessage) => {
      const [answers, changes, closed] = unpackAnswers(message)
      for (const [id, answer] of answers) this.#answer(id, unpackAnswer(answer))
      if (changes.length > 0 || closed.length > 0) this.#told(changes, closed)
      this.#rest()
    })
    port.on('close', () => {
      if (this.#port !== port) return
      this.#port = undefined
      this.#lost()
    })
    port.unref()
  }

  /** The answer, `undefined` when the writer is not there or died over it. */
  ask(asked: AnyRequest): Promise<unknown> {
    if (this.#port === undefined) return Promise.resolve(undefined)
    this.#lastId += 1
    const id = this.#lastId
    // After all sockets that had something were read: their requests travel, are executed and synced together.
    if (this.#gathered.length === 0) setImmediate(() => this.#send())
    this.#gathered.push([id, this.#clock.now(), pack(asked, this.#packer)])
    if (this.#waiting.size === 0) this.#port.ref()
    const answer = new Promise<unknown>((resolve) => this.#waiting.set(id, resolve))
    if (this.#packer.size > MOST_GATHERED) this.#send()
    return answer
  }

  #send(): void {
    if (this.#gathered.length === 0) return
    const requests = this.#gathered
    this.#gathered = []
    if (this.#packer.size === 0) this.#port?.postMessage([requests] satisfies AskMessage)
    else {
      const bytes = this.#packer.take()
      this.#port?.postMessage([requests, bytes] satisfies AskMessage, [bytes.buffer])
    }
  }

  #answer(id: number, answer: unknown): void {
    const resolve = this.#waiting.get(id)
    this.#waiting.delete(id)
    resolve?.(answer)
  }

  #lost(): void {
    // What was not sent yet must not reach the next writer behind its answer.
    this.#gathered = []
    this.#packer.take()
    for (const id of Array.from(this.#waiting.keys())) this.#answer(id, undefined)
    this.#rest()
  }

  #rest(): void {
    if (this.#waiting.size > 0) return
    this.#port?.unref()
    this.#idle?.()
  }

  /** Waits for all answers, then hangs up. */
  async close(): Promise<void> {
    this.#send()
    if (this.#waiting.size > 0 && this.#port !== undefined) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    this.#port?.close()
    this.#port = undefined
  }
}
