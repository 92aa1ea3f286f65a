/**
 * The port of the queue: mail on its way to other servers. One thread changes it (the queue thread); sessions stage bodies
 * and enqueue, from any thread. What has been enqueued is on disk: 250 may be said.
 * @module
 */
import type { Result } from '#lib/result.ts'

/** The one id of a message: in the SMTP reply, the log, the queue and its history. Letters, digits, `-` and `.`. */
export type QueueId = string

/** Notifications that a recipient's sender wants (RFC 3461 §4.1); absent: failure and delay. */
export type Notify = readonly ('NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY')[]

/**
 * All bytes of a message; every line ends in CRLF, none has a CR or LF alone.
 *
 * - `file`: on disk and synced, at a path below `queue/`;
 * - `bytes`: few, and still in memory, in a buffer of their own that goes from thread to thread with them. They come to disk
 *   with what {@link QueueStore.enqueue} is told of the message.
 */
export type StagedMessage =
  | { readonly kind: 'file'; readonly file: string; readonly size: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer>; readonly size: number }

/** Where the queue keeps the bytes of a message, in its own words. */
export interface QueuedBody {
  readonly place: string
  /** Octets. */
  readonly size: number
}

/**
 * Bytes on their way into the queue. {@link finish} or {@link abandon} ends it; what was finished and is not going to be
 * enqueued is abandoned, too. After a fault nothing is left. A full disk is a fault `StoreFull`, as at a `BodyStage`.
 */
export interface QueueStage {
  /** @returns something to wait for before the next bytes, or nothing. */
  write(chunk: Uint8Array): Promise<void> | undefined
  /** Where it is a file, it and its folder are synced. */
  finish(): Promise<StagedMessage>
  abandon(): Promise<void>
}

export interface NewRecipient {
  readonly address: string
  /** As the sender said it (ORCPT, RFC 3461 §4.2), `type;address`. */
  readonly original?: string
  /** What its sender named, an address here that leads to {@link address}: reports name it alone. */
  readonly alias?: string
  readonly notify?: Notify
}

/** A message that goes out. */
export interface NewMessage {
  readonly id: QueueId
  /** Envelope sender; empty: the null sender, about which no report is ever sent (RFC 3461 §6.1). */
  readonly sender: string
  /** Address of the account that sent it; absent: a report of ours, or forwarded mail. */
  readonly account?: string
  /** Where it came from, as it is told to people: `client.example [192.0.2.1], ESMTPSA`; absent: made here. */
  readonly receivedFrom?: string
  /** Messages that share one are of one {@link QueueStore.enqueue}: with the last of them it goes. */
  readonly body: StagedMessage
  /** Sender, recipients or header need SMTPUTF8 (RFC 6531 §3.4). */
  readonly smtpUtf8: boolean
  /** Octets over 127 in the body: 8BITMIME (RFC 6152). */
  readonly eightBit: boolean
  /** `TLS-Required: No` (RFC 8689): what the recipient's domain asks of TLS does not keep it from going out. */
  readonly tlsOptional?: boolean
  /** RET and ENVID (RFC 3461 §4.3, §4.4). */
  readonly returns?: 'FULL' | 'HDRS'
  readonly envelopeId?: string
  /** Higher goes first; 0 is usual, reports have -1. */
  readonly priority: number
  /** Milliseconds since 1970. */
  readonly at: number
  /** FUTURERELEASE (RFC 4865): not before this. */
  readonly notBefore?: number
  /** Held from the beginning, until it is released: why. */
  readonly held?: HoldReason
  /** Language of what its sender is told. */
  readonly language: 'en' | 'fr'
  readonly recipients: readonly NewRecipient[]
}

/** Why something waits for an administrator, or for its own sender. */
export type HoldReason = 'administrator' | 'outburst' | 'policy'

export type EnqueueRefusal = { readonly kind: 'full' | 'unavailable' }

/** What sessions see of the queue, from any thread. */
export interface Outbox extends Pick<QueueStore, 'enqueue'> {
  stage(): QueueStage
}

export type RecipientState = 'waiting' | 'held' | 'delivered' | 'failed' | 'dropped'

/** One try to hand a message to another server, as it is told to people. */
export interface Attempt {
  readonly at: number
  readonly recipient: string
  /** `name [address]:port`; absent where no server was reached. */
  readonly host?: string
  /** `TLSv1.3`, with `verified`, `dane` or `mta-sts` after it; absent: without TLS. */
  readonly tls?: string
  readonly outcome: 'delivered' | 'deferred' | 'failed'
  /** The remote's words, or ours where none came: `550 5.1.1 No such user`. */
  readonly reply: string
}

export interface QueuedRecipient extends NewRecipient {
  readonly state: RecipientState
  /** Why it is held. */
  readonly held?: HoldReason
  readonly attempts: number
  /** When it is tried next; only while it waits or is held. */
  readonly nextAt?: number
  readonly last?: Attempt
  /** The sender has been told that it takes longer (RFC 3461 §6.2 action "delayed"). */
  readonly delayTold: boolean
}

export interface QueuedMessage extends Omit<NewMessage, 'recipients' | 'held' | 'body'> {
  readonly body: QueuedBody
  readonly recipients: readonly QueuedRecipient[]
}

/** What is due at one destination. */
export interface DueMessage {
  /** With those of its recipients alone that are due there: of thousands elsewhere nothing is read. */
  readonly message: QueuedMessage
}

/** What became of one recipient in a try. */
export interface Outcome {
  readonly id: QueueId
  readonly recipient: string
  readonly attempt: Attempt
  /** Where it stays in the queue: when it is tried next. */
  readonly nextAt?: number
  readonly delayTold?: boolean
}

/** Which messages a verb is about; all conditions hold. */
export interface QueueFilter {
  readonly ids?: readonly QueueId[]
  readonly account?: string
  /** Domain of the recipients. */
  readonly domain?: string
  readonly held?: boolean
}

/** A hold over all mail of an account, or to a destination, present and future; a `release()` of some mail goes before it. */
export interface StandingHold {
  readonly kind: 'account' | 'domain' | 'all'
  /** Address or domain; empty with `all`. */
  readonly name: string
  readonly since: number
  readonly reason: HoldReason
}

/** Of the mail that is due for a destination, this much is counted. */
export const MOST_COUNTED = 100

/** The queue as its one writing thread has it. Every method is durable when it settles. */
export interface QueueStore extends AsyncDisposable {
  /** On disk when this settles with `ok`; the stage is then the queue's, else it has been removed. All messages or none. */
  enqueue(messages: readonly NewMessage[]): Promise<Result<void, EnqueueRefusal>>
  /**
   * Messages with recipients in one of `domains` (absent: any) that are due, by priority, then by how long they have
   * been; not those under a standing hold. Recipients of one message in several domains come as several. What is being
   * sent comes again until its outcome is recorded.
   */
  due(now: number, limit: number, domains?: readonly string[]): Promise<readonly DueMessage[]>
  /**
   * Destinations with mail that is due, those first where something has been for longest, with how much: it is counted
   * up to `most`, which is {@link MOST_COUNTED} where it is not given. A domain is in lower case, with A-labels.
   */
  destinations(
    now: number,
    limit?: number,
    most?: number,
  ): Promise<readonly { readonly domain: string; readonly messages: number }[]>
  /** When something becomes due after `now`. */
  nextDue(now: number): Promise<number | undefined>
  /**
   * Notes outcomes and enqueues the reports they lead to in the same commit: a report is neither lost nor sent twice.
   * A message none of whose recipients waits or is held leaves the queue for its history; its body is removed afterwards.
   * Rejects with `StoreFull` where the disk is full: nothing is noted then, and it is to be tried again.
   */
  record(outcomes: readonly Outcome[], reports: readonly NewMessage[]): Promise<void>
  /**
   * Oldest first; with those of their recipients that the filter is not about.
   * @param mostRecipients No further message where those before have so many together.
   */
  list(filter: QueueFilter, limit: number, mostRecipients?: number): Promise<readonly QueuedMessage[]>
  /** Recipients that wait or are held. */
  count(filter: QueueFilter): Promise<number>
  /** The attempts of a message, in the queue or gone from it less than `historyDays` ago; empty: never heard of it. */
  history(id: QueueId): Promise<{ readonly message: QueuedMessage; readonly attempts: readonly Attempt[] } | undefined>
  /** Each answers how many recipients changed. */
  hold(filter: QueueFilter, reason: HoldReason): Promise<number>
  release(filter: QueueFilter): Promise<number>
  /** Due at once, but for what is not to go before its time (FUTURERELEASE). */
  retry(filter: QueueFilter, now: number): Promise<number>
  /** For good, without a report. */
  drop(filter: QueueFilter, now: number): Promise<number>
  standingHolds(): Promise<readonly StandingHold[]>
  setStandingHold(hold: StandingHold, on: boolean): Promise<void>
  /** Recipients waiting and held, and octets of bodies. */
  size(): Promise<{
    readonly waiting: number
    readonly held: number
    readonly messages: number
    readonly bytes: number
    /** When the oldest message came. */
    readonly oldest?: number
  }>
  /** Opens the bytes of a message; rejects where they are not there whole. */
  body(message: QueuedMessage): Promise<AsyncIterable<Uint8Array>>
}
