/**
 * The way into the queue from another thread, over a MessagePort. Bodies are staged where they come in; small ones cross
 * without being copied.
 * @module
 */
import type { MessagePort } from 'node:worker_threads'
import { type Result, refused } from '#lib/result.ts'
import type { EnqueueRefusal, NewMessage, Outbox, QueueStage } from '#store/queue.ts'

interface Question {
  readonly id: number
  readonly messages: readonly NewMessage[]
}
type Answer =
  | { readonly id: number; readonly answer: Result<void, EnqueueRefusal> }
  | { readonly id: number; readonly fault: string }

interface Waiter {
  readonly resolve: (answer: Result<void, EnqueueRefusal>) => void
  readonly reject: (error: Error) => void
}

/** Memory of bodies, which goes to the other thread with them. */
export function buffersOf(messages: readonly NewMessage[]): ArrayBuffer[] {
  return [...new Set(messages.flatMap(({ body }) => (body.kind === 'bytes' ? [body.bytes.buffer] : [])))]
}

/** Serves the queue to one thread, until the port closes. */
export function serveOutbox(queue: Pick<Outbox, 'enqueue'>, port: MessagePort): void {
  port.on('message', ({ id, messages }: Question) => {
    queue.enqueue(messages).then(
      (answer) => port.postMessage({ id, answer } satisfies Answer),
      (error: unknown) => port.postMessage({ id, fault: String(error) } satisfies Answer),
    )
  })
}

/** See the module. Faults there are faults here; a queue that is gone is `unavailable`. */
export class RemoteOutbox implements Outbox {
  readonly stage: () => QueueStage
  readonly #port: MessagePort
  readonly #waiting = new Map<number, Waiter>()
  #lastId = 0
  #closed = false

  /** @param stage of the files of the queue, which this thread writes itself. */
  constructor(port: MessagePort, stage: () => QueueStage) {
    this.stage = stage
    this.#port = port
    port.on('message', (answer: Answer) => this.#onAnswer(answer))
    port.on('close', () => {
      this.#closed = true
      for (const { resolve } of this.#waiting.values()) resolve(refused({ kind: 'unavailable' }))
      this.#waiting.clear()
    })
    port.unref()
  }

  enqueue(messages: readonly NewMessage[]): Promise<Result<void, EnqueueRefusal>> {
    if (this.#closed) return Promise.resolve(refused({ kind: 'unavailable' }))
    this.#lastId += 1
    const question: Question = { id: this.#lastId, messages }
    return new Promise((resolve, reject) => {
      this.#waiting.set(question.id, { resolve, reject })
      this.#port.postMessage(question, buffersOf(messages))
    })
  }

  #onAnswer(answer: Answer): void {
    const waiter = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if ('answer' in answer) waiter?.resolve(answer.answer)
    else waiter?.reject(new Error(`The queue failed: ${answer.fault}`))
  }
}
