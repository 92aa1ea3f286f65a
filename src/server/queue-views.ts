/** The queue as verbs answer about it: what JSON can carry, times in ISO 8601. @module */
import type {
  Attempt,
  HoldReason,
  QueuedMessage,
  QueuedRecipient,
  QueueFilter,
  RecipientState,
  StandingHold,
} from '#store/queue.ts'
import type { QueueStatus } from './queue-desk.ts'
import type { OutcomeCounts } from './queue-protocol.ts'

/** Recipients that are listed for each message that may be, taken together: a list is answered while mail waits to be taken. */
export const RECIPIENTS_LISTED = 10

export interface QueueStatusView {
  /** Recipients. */
  readonly waiting: number
  readonly held: number
  readonly messages: number
  readonly bytes: number
  /** When the oldest message came; `null`: there is none. */
  readonly oldest: string | null
  /** What is held as a whole, also what comes; `all`: the queue is paused. */
  readonly holds: readonly StandingHoldView[]
  /** Nothing is taken or sent for now, and nobody knows what waits. */
  readonly failing: boolean
  /** Tries, by what came of them, since the server runs. */
  readonly outcomes: OutcomeCounts
}

export interface StandingHoldView {
  readonly kind: StandingHold['kind']
  /** Address or domain; empty with `all`. */
  readonly name: string
  readonly since: string
  readonly reason: HoldReason
}

/** Which mail a verb is about; all that is not `null` holds. */
export interface QueueFilterArgs {
  readonly ids: readonly string[] | null
  readonly account: string | null
  readonly domain: string | null
  /** `true`: only what is held. */
  readonly held: boolean | null
}

export interface QueueAttemptView {
  readonly at: string
  readonly recipient: string
  readonly host: string | null
  readonly tls: string | null
  readonly outcome: Attempt['outcome']
  readonly reply: string
}

export interface QueueRecipientView {
  readonly address: string
  readonly state: RecipientState
  readonly heldBecause: HoldReason | null
  /** Only while it waits or is held. */
  readonly nextTry: string | null
  readonly attempts: number
  readonly last: QueueAttemptView | null
}

export interface QueueMessageView {
  readonly id: string
  /** Of the envelope; empty: the null sender. */
  readonly sender: string
  readonly account: string | null
  readonly receivedFrom: string | null
  readonly received: string
  readonly size: number
  readonly priority: number
  readonly notBefore: string | null
  readonly recipients: readonly QueueRecipientView[]
}

/** A message, in the queue or gone from it, with each try. */
export interface QueueHistoryView extends QueueMessageView {
  readonly tries: readonly QueueAttemptView[]
}

export function queueStatusView(status: QueueStatus): QueueStatusView {
  const { waiting, held, messages, bytes, oldest, holds, failing, outcomes } = status
  return {
    waiting,
    held,
    messages,
    bytes,
    oldest: oldest === undefined ? null : isoTime(oldest),
    holds: holds.map(standingHoldView),
    failing,
    outcomes,
  }
}

export function queueMessageView(message: QueuedMessage): QueueMessageView {
  return {
    id: message.id,
    sender: message.sender,
    account: message.account ?? null,
    receivedFrom: message.receivedFrom ?? null,
    received: isoTime(message.at),
    size: message.body.size,
    priority: message.priority,
    notBefore: message.notBefore === undefined ? null : isoTime(message.notBefore),
    recipients: message.recipients.map(recipientView),
  }
}

export function queueHistoryView({
  message,
  attempts,
}: {
  readonly message: QueuedMessage
  readonly attempts: readonly Attempt[]
}): QueueHistoryView {
  return { ...queueMessageView(message), tries: attempts.map(queueAttemptView) }
}

function queueAttemptView({ at, recipient, host, tls, outcome, reply }: Attempt): QueueAttemptView {
  return { at: isoTime(at), recipient, host: host ?? null, tls: tls ?? null, outcome, reply }
}

export function filterOf({ ids, account, domain, held }: QueueFilterArgs): QueueFilter {
  return {
    ...(ids === null ? {} : { ids }),
    ...(account === null ? {} : { account }),
    ...(domain === null ? {} : { domain }),
    ...(held === null ? {} : { held }),
  }
}

function recipientView({ address, state, held, nextAt, attempts, last }: QueuedRecipient): QueueRecipientView {
  return {
    address,
    state,
    heldBecause: held ?? null,
    nextTry: nextAt === undefined ? null : isoTime(nextAt),
    attempts,
    last: last === undefined ? null : queueAttemptView(last),
  }
}

function standingHoldView({ kind, name, since, reason }: StandingHold): StandingHoldView {
  return { kind, name, since: isoTime(since), reason }
}

function isoTime(at: number): string {
  return new Date(at).toISOString()
}
