/** From what another server said to what the queue keeps, and what the sender is told. @module */
import type { Attempt, Outcome, QueuedMessage } from '#store/queue.ts'
import type { HandedOver } from './handing-over.ts'
import { sinceOf, type Told, wants } from './reports.ts'
import { nextTry, type Patience } from './schedule.ts'

export interface Settled {
  readonly outcome: Outcome
  readonly told: Told | undefined
}

/** @param random at least 0, less than 1. */
export function settle(
  message: QueuedMessage,
  { recipient, result, host, tls, reports }: HandedOver,
  now: number,
  patience: Patience,
  random: number,
): Settled {
  const { address, attempts, delayTold } = recipient
  const said = (outcome: Attempt['outcome'], reply: string): Attempt => ({
    at: now,
    recipient: address,
    ...(host === undefined ? {} : { host }),
    ...(tls === undefined ? {} : { tls }),
    outcome,
    reply,
  })
  const known = { id: message.id, recipient: address }
  if (result.outcome === 'delivered') {
    const attempt = said('delivered', result.words)
    // RFC 3461 §5.2.2: the last server that can tell that it went on
    const told =
      reports || !wants(recipient, 'relayed') ? undefined : { recipient, action: 'relayed' as const, attempt }
    return { outcome: { ...known, attempt }, told }
  }
  if (result.outcome === 'failed') {
    const attempt = said('failed', result.words)
    return { outcome: { ...known, attempt }, told: { recipient, action: 'failed', attempt } }
  }
  const since = sinceOf(message)
  const told = delayTold || !wants(recipient, 'delayed') || message.sender === ''
  const next = nextTry({ since, now, attempts: attempts + 1, told }, patience, random)
  if (next.kind === 'give-up') {
    const days = Math.round((now - since) / 86_400_000)
    const attempt = said('failed', `5.4.7 Given up after ${days} days. At last: ${result.words}`)
    return { outcome: { ...known, attempt }, told: { recipient, action: 'failed', attempt } }
  }
  const attempt = said('deferred', result.words)
  const outcome = { ...known, attempt, nextAt: next.at, ...(next.warn ? { delayTold: true } : {}) }
  return { outcome, told: next.warn ? { recipient, action: 'delayed', attempt } : undefined }
}
