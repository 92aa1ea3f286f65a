/**
 * Mail in: one message on its way to local mailboxes, and into the queue for those of its recipients who are on other
 * servers. Bytes are scanned as they arrive, staged, and acknowledged only after the commit (design §4, §7).
 *
 * Mailboxes come first, the queue second, each in one commit, with everything staged before. A crash between the two leaves
 * the client without an answer, so that it sends the message again: who has it already does not get it twice
 * (`kept-before.ts`), nobody elsewhere has it yet, and nobody misses it.
 * @module
 */
import { type Result, refused } from '#lib/result.ts'
import { ForgedResultsFilter } from '#mail/forged-results.ts'
import { BareLineEndDetector, CrlfNormaliser } from '#mail/line-ends.ts'
import { prepareEmail } from '#mail/prepare.ts'
import { MessageScanner } from '#mail/scanner.ts'
import { type BodyStage, StoreFull } from '#store/mail-store.ts'
import type { HoldReason } from '#store/queue.ts'
import type { StagedBody, StagedBytes } from '#store/types.ts'
import type { CheckReply, InboundChecks, Verdict } from './inbound-checks.ts'
import {
  type AcceptedRecipient,
  deliverLocally,
  type LocalDelivery,
  type LocalDeps,
  type LocalRefusal,
  queuedRecipient,
} from './local-delivery.ts'
import { countHops, deliveredTo, MOST_HOPS } from './mail-loops.ts'
import { OutgoingMessage, type OutgoingTerms } from './outgoing.ts'
import { readStaged } from './staged-bytes.ts'
import type { Submission, SubmissionRefusal } from './submission.ts'
import type { Origin } from './trace-lines.ts'

export type { AcceptedRecipient } from './local-delivery.ts'

/** What a session may do with bare CR and LF (design §7). */
export type LineEndPolicy = 'reject' | 'normalise'

/** Why a message is not kept for a recipient. */
export type DeliveryRefusal =
  /** `mail-loop`: too many hops, or a Delivered-To line of ours for this recipient. */
  | LocalRefusal
  | { readonly kind: 'too-large'; readonly limit: number }
  | { readonly kind: 'bare-line-end' }
  /** The checks say no, for good or for now. */
  | { readonly kind: 'check'; readonly reply: CheckReply }
  /** The queue takes nothing now. */
  | { readonly kind: 'no-queue'; readonly reason: 'full' | 'unavailable' }
  | SubmissionRefusal

export interface DeliveryDeps extends LocalDeps {
  /** What mail from other servers goes through; absent: everything is taken. */
  readonly checks?: InboundChecks | undefined
}

export interface DeliveryOptions {
  readonly lineEnds: LineEndPolicy
  readonly limitBytes: number
  /** One answer for all recipients (SMTP): where it is a refusal, nothing goes into the queue. */
  readonly oneAnswer?: boolean
  /** For recipients with addresses outside. */
  readonly outgoing?: OutgoingTerms | undefined
  /** The message is of a person here. */
  readonly submission?: Submission | undefined
  /** That it is here is written down elsewhere afterwards: where that fails, it comes again. */
  readonly notedLater?: boolean
}

const NOT_FORWARDED: CheckReply = {
  code: 550,
  text: '5.7.1 A recipient is on another server, and what looks like junk is not forwarded',
}

/** One message between its envelope and its acknowledgement. Write the bytes, then {@link finish} or {@link abandon}. */
export class IncomingMessage {
  readonly #deps: DeliveryDeps
  #recipients: readonly AcceptedRecipient[]
  readonly #options: DeliveryOptions
  readonly #scanner = new MessageScanner()
  readonly #normaliser: CrlfNormaliser | undefined
  readonly #detector: BareLineEndDetector | undefined
  readonly #forged: ForgedResultsFilter | undefined
  /** None where nobody here gets the message, and nobody looks at it. */
  readonly #stage: BodyStage | undefined
  #outgoing: OutgoingMessage | undefined
  #origin: Origin
  #size = 0
  #full = false
  #header: Uint8Array = new Uint8Array(0)
  #verdict: Verdict | undefined
  #copy: LocalDelivery['copy']
  #keptBefore = 0

  constructor(deps: DeliveryDeps, origin: Origin, recipients: readonly AcceptedRecipient[], options: DeliveryOptions) {
    this.#deps = deps
    this.#origin = origin
    this.#recipients = recipients
    this.#options = options
    this.#normaliser = options.lineEnds === 'normalise' ? new CrlfNormaliser() : undefined
    this.#detector = options.lineEnds === 'reject' ? new BareLineEndDetector() : undefined
    this.#forged = deps.checks === undefined ? undefined : new ForgedResultsFilter(deps.hostname)
    const [first] = recipients.flatMap(({ targets }) => targets.slice(0, 1))
    const keeper = first?.account ?? options.submission?.keepsCopy
    const looked = keeper !== undefined || deps.checks !== undefined
    this.#stage = looked ? deps.store.stage(keeper?.shard ?? 0) : undefined
    // What the checks find stands before the message: where there are any, it goes out when they have been asked.
    if (deps.checks === undefined) this.#outgoing = this.#wayOut()
  }

  /** Where it goes: known for good once {@link finish} has settled. */
  get recipients(): readonly AcceptedRecipient[] {
    return this.#recipients
  }

  /** What the checks found, once they have been asked. */
  get verdict(): Verdict | undefined {
    return this.#verdict
  }

  /** What became of the copy in Sent; `undefined`: there was none to be made. */
  get copy(): LocalDelivery['copy'] {
    return this.#copy
  }

  /** Accounts that have it from an earlier try. */
  get keptBefore(): number {
    return this.#keptBefore
  }

  /** Octets taken so far, after normalisation. */
  get size(): number {
    return this.#size
  }

  /** The header block, once {@link finish} has seen the end of a message that is not refused. */
  get header(): Uint8Array {
    return this.#header
  }

  /**
   * Takes the next bytes. Once the message is refused anyway, they are counted and dropped.
   * @returns something to wait for before the next ones, or nothing.
   */
  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#detector?.push(chunk)
    return this.#edit(this.#normaliser?.push(chunk) ?? chunk)
  }

  /** Keeps the message for everyone it is for; the answers are in the order of the recipients, each on disk. */
  async finish(): Promise<readonly Result<void, DeliveryRefusal>[]> {
    try {
      const outcomes = await this.#finish()
      if (!this.#keptAny(outcomes)) await this.#options.submission?.withdraw()
      return outcomes
    } catch (error) {
      await this.#outgoing?.abandon()
      throw error
    }
  }

  /** A mailbox here or the queue has it, whatever the client is told. */
  #keptAny(outcomes: readonly Result<void, DeliveryRefusal>[]): boolean {
    if (outcomes.every(({ ok }) => ok)) return true
    return outcomes.some(({ ok }, index) => ok && (this.#recipients[index]?.targets.length ?? 0) > 0)
  }

  async #finish(): Promise<readonly Result<void, DeliveryRefusal>[]> {
    const { submission } = this.#options
    if (this.#normaliser !== undefined) await this.#edit(this.#normaliser.end())
    if (this.#forged !== undefined) await this.#keep(this.#forged.end())
    if (submission !== undefined) await this.#keep(submission.header.end())
    this.#detector?.end()
    const refusal = this.#refusal()
    if (refusal !== undefined) return this.#refuseAll(refusal)
    const scanned = this.#scanner.end()
    this.#header = scanned.header
    const header = headerText(scanned.header)
    if (countHops(header) > MOST_HOPS) return this.#refuseAll({ kind: 'mail-loop' })
    const admitted = await submission?.admit()
    if (admitted?.ok === false) return this.#refuseAll(admitted.error)
    let body: StagedBody | undefined
    let reply: CheckReply | undefined
    const held = admitted?.value.held
    try {
      body = await this.#stage?.finish()
      if (body !== undefined && held !== undefined) await this.#holdBack(body)
      if (body !== undefined) await this.#look(body)
      reply = this.#verdict?.reply ?? this.#notForwarded()
      if (reply === undefined) await this.#outgoing?.finish()
    } catch (error) {
      if (!(error instanceof StoreFull)) throw error
      return this.#refuseAll({ kind: 'unavailable', reason: 'full' })
    }
    if (reply !== undefined) return this.#refuseAll({ kind: 'check', reply })
    const local = {
      origin: this.#origin,
      recipients: this.#recipients,
      email: body && prepareEmail(scanned),
      already: deliveredTo(header),
      verdict: this.#verdict,
      copy: await submission?.copy(this.#deps.store),
      moreToDo: this.#outgoing !== undefined || this.#options.notedLater === true,
    }
    const { outcomes, asked, copy, keptBefore } = await deliverLocally(this.#deps, local, body)
    this.#copy = copy
    this.#keptBefore = keptBefore
    if (!asked) await this.#stage?.abandon()
    return this.#enqueue(outcomes, scanned.has8Bit, held)
  }

  /**
   * Mail that is held is held for people here, too: they are whom a stolen password is used against first. The postmaster
   * alone has it at once, who can let it go.
   */
  async #holdBack(body: StagedBody): Promise<void> {
    const isHeld = ({ address, targets }: AcceptedRecipient): boolean =>
      targets.length > 0 && !/^postmaster(?:@|$)/i.test(address)
    if (this.#options.outgoing === undefined || !this.#recipients.some(isHeld)) return
    await this.#outgoing?.abandon()
    this.#recipients = this.#recipients.map((one) => (isHeld(one) ? queuedRecipient(one) : one))
    await this.#send(this.#deps.store.stagedBytes(body))
  }

  /** Forgets everything that came: the client went away, or the message is refused. */
  async abandon(): Promise<void> {
    await this.#stage?.abandon()
    await this.#outgoing?.abandon()
  }

  /** Asks the checks; what is for others gets what they found before it. */
  async #look(body: StagedBody): Promise<void> {
    const { checks, store } = this.#deps
    if (checks === undefined) return
    const bytes = store.stagedBytes(body)
    const recipients = this.#recipients.map(({ address }) => address)
    const verdict = await checks.check({ ...this.#origin, recipients, body: bytes })
    this.#verdict = verdict
    const { reverseName } = verdict.facts
    if (reverseName !== undefined) this.#origin = { ...this.#origin, reverseName }
    if (verdict.reply !== undefined) return
    if (verdict.disposition === 'junk') this.#recipients = this.#recipients.map((one) => ({ ...one, outside: [] }))
    await this.#send(bytes)
  }

  /** To the others, now that all is known that stands before the message. */
  async #send(bytes: StagedBytes): Promise<void> {
    this.#outgoing = this.#wayOut()
    if (this.#outgoing !== undefined) for await (const chunk of readStaged(bytes)) await this.#outgoing.write(chunk)
  }

  /**
   * Junk is not forwarded: it would be ours to the next server. Who has a mailbox here has it there; the sender hears of
   * those who have none, and nothing is lost that was answered with 250.
   */
  #notForwarded(): CheckReply | undefined {
    if (this.#verdict?.disposition !== 'junk') return undefined
    return this.#recipients.some(({ targets }) => targets.length === 0) ? NOT_FORWARDED : undefined
  }

  #wayOut(): OutgoingMessage | undefined {
    if (this.#recipients.every(({ outside = [] }) => outside.length === 0)) return undefined
    const { outgoing } = this.#options
    if (outgoing === undefined) throw new Error(`There is no way out for the message ${this.#origin.id}`)
    const { hostname, clock } = this.#deps
    const made = { hostname, at: clock.now(), above: this.#verdict?.headerLines }
    return new OutgoingMessage(this.#origin, this.#recipients, outgoing, made)
  }

  /** The second commit, for those whom the first has not refused. */
  async #enqueue(
    outcomes: readonly Result<void, DeliveryRefusal>[],
    eightBit: boolean,
    held: HoldReason | undefined,
  ): Promise<readonly Result<void, DeliveryRefusal>[]> {
    if (this.#outgoing === undefined) return outcomes
    if (this.#options.oneAnswer === true && outcomes.some(({ ok }) => !ok)) {
      await this.#outgoing.abandon()
      return outcomes
    }
    const accepted = (index: number): boolean => outcomes[index]?.ok === true
    const queued = await this.#outgoing.enqueue({ header: this.#header, eightBit, held, accepted })
    if (queued.ok) return outcomes
    const refusal = refused({ kind: 'no-queue', reason: queued.error.kind } as const)
    return outcomes.map((outcome, index) => {
      const leaves = (this.#recipients[index]?.outside ?? []).length > 0
      return leaves && outcome.ok ? refusal : outcome
    })
  }

  /** What others must not have said, and what a sender must say. */
  #edit(chunk: Uint8Array): Promise<void> | undefined {
    const lines = this.#forged?.push(chunk) ?? chunk
    return this.#keep(this.#options.submission?.header.push(lines) ?? lines)
  }

  #keep(chunk: Uint8Array): Promise<void> | undefined {
    this.#size += chunk.length
    if (chunk.length === 0 || this.#refusal() !== undefined) return undefined
    this.#scanner.push(chunk)
    const full = (error: unknown): void => this.#notWritten(error)
    const leaving = this.#outgoing?.write(chunk)?.catch(full)
    try {
      const staying = (this.#stage?.write(chunk) ?? undefined)?.catch(full)
      return staying === undefined || leaving === undefined ? (staying ?? leaving) : both(staying, leaving)
    } catch (error) {
      this.#notWritten(error)
      return leaving
    }
  }

  #notWritten(error: unknown): void {
    if (!(error instanceof StoreFull)) throw error
    this.#full = true
  }

  #refusal(): DeliveryRefusal | undefined {
    const { limitBytes: limit, submission } = this.#options
    if (this.#size > limit) return { kind: 'too-large', limit }
    if (submission?.header.fault !== undefined) return { kind: 'bad-header', why: submission.header.fault }
    if (this.#detector?.found === true) return { kind: 'bare-line-end' }
    if (this.#full) return { kind: 'unavailable', reason: 'full' }
    return undefined
  }

  async #refuseAll(refusal: DeliveryRefusal): Promise<readonly Result<void, DeliveryRefusal>[]> {
    await this.abandon()
    return this.#recipients.map(() => refused(refusal))
  }
}

async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  await Promise.all([one, other])
}

function headerText(header: Uint8Array): string {
  return Buffer.from(header.buffer, header.byteOffset, header.byteLength).toString('utf8')
}
