/** One order of a certificate: the main thread's side of the thread that speaks with the authority. @module */
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Challenge, Challenges, ChallengeType } from './challenges.ts'

/** What the thread needs; cloneable. */
export interface OrderRequest {
  readonly directory: string
  /** Authority of the directory's own certificate, PEM. */
  readonly ca: string | undefined
  readonly email: string | undefined
  /** PEM, as `key`. */
  readonly accountKey: string
  /** External account binding. */
  readonly account: { readonly kid: string; readonly hmacKey: string } | undefined
  readonly names: readonly string[]
  /** Private key of the certificate. */
  readonly key: string
  /** Ways to show that a name is ours, the preferred one first. */
  readonly challenges: readonly ChallengeType[]
}

/** What the thread says. */
export type FromOrder =
  | { readonly kind: 'show'; readonly challenge: Challenge }
  | { readonly kind: 'done'; readonly chain: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly names: readonly string[] }

/** What it is told: what it asked to show is shown. */
export type ToOrder = 'shown'

/** What came of an order. */
export type OrderOutcome =
  | { readonly ok: true; readonly chain: string }
  | {
      readonly ok: false
      /** The authority's words. */
      readonly reason: string
      /** Names that it failed for; may be none. */
      readonly failed: readonly string[]
    }

/** Places an order. Never throws. */
export type PlaceOrder = (request: OrderRequest, signal: AbortSignal) => Promise<OrderOutcome>

/** Of all of it; authorities take seconds. */
const ORDER_MS = 10 * 60_000

/** Orders in a thread; what is to be shown goes into `challenges` until the end. */
export function orderInThread(challenges: Challenges): PlaceOrder {
  return async (request, signal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ORDER_MS)])
    const shown: Challenge[] = []
    const entry = `./order-thread${path.extname(import.meta.filename)}`
    const worker = new Worker(new URL(entry, import.meta.url), { workerData: request, name: 'acme' })
    const { promise, resolve } = Promise.withResolvers<OrderOutcome>()
    const fail = (reason: string, failed: readonly string[] = []): void => resolve({ ok: false, reason, failed })
    const abort = (): void => fail(signal.aborted ? 'The server is stopping' : 'The authority took too long')
    limit.addEventListener('abort', abort)
    worker.on('message', (message: FromOrder) => {
      if (message.kind === 'done') resolve({ ok: true, chain: message.chain })
      else if (message.kind === 'failed') fail(message.reason, message.names)
      else {
        challenges.add(message.challenge)
        shown.push(message.challenge)
        worker.postMessage('shown' satisfies ToOrder)
      }
    })
    worker.on('error', (error) => fail(String(error)))
    worker.on('exit', () => fail('The order ended without an answer'))
    try {
      return await promise
    } finally {
      limit.removeEventListener('abort', abort)
      for (const challenge of shown) challenges.remove(challenge)
      await worker.terminate()
    }
  }
}
