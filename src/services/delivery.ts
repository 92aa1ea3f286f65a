/**
 * Mail in: one message on its way to local mailboxes. Bytes are scanned as they arrive, staged in the store, and
 * acknowledged only after the commit (design §4, §7).
 * @module
 */
import type { Clock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import { ForgedResultsFilter } from '#mail/forged-results.ts'
import { BareLineEndDetector, CrlfNormaliser } from '#mail/line-ends.ts'
import { type PreparedEmail, prepareEmail } from '#mail/prepare.ts'
import { MessageScanner } from '#mail/scanner.ts'
import { NO_FLAGS } from '#store/flags.ts'
import { type BodyStage, type MailStore, StoreFull } from '#store/mail-store.ts'
import type { StagedBody } from '#store/types.ts'
import type { DeliverRefusal, Recipient } from '#store/writes.ts'
import type { CheckReply, InboundChecks, Verdict } from './inbound-checks.ts'
import { junkMailbox } from './junk-mailbox.ts'
import type { DeliveryTarget } from './registry.ts'
import { type Origin, traceLines } from './trace-lines.ts'

/** More Received lines than this mean that the message goes round in circles (RFC 5321 §6.3). */
const MOST_HOPS = 50

/** What a session may do with bare CR and LF (design §7). */
export type LineEndPolicy = 'reject' | 'normalise'

/** An address the session accepted, and where its mail goes. */
export interface AcceptedRecipient {
  /** As the client gave it. */
  readonly address: string
  readonly targets: readonly DeliveryTarget[]
}

/** Why a message is not kept for a recipient. */
export type DeliveryRefusal =
  | DeliverRefusal
  | { readonly kind: 'too-large'; readonly limit: number }
  | { readonly kind: 'bare-line-end' }
  /** Too many hops, or a Delivered-To line of ours for this recipient. */
  | { readonly kind: 'mail-loop' }
  /** The checks say no, for good or for now. */
  | { readonly kind: 'check'; readonly reply: CheckReply }

export interface DeliveryDeps {
  readonly store: MailStore
  readonly clock: Clock
  readonly hostname: string
  /** What mail from other servers goes through; absent: everything is taken. */
  readonly checks?: InboundChecks | undefined
}

/** One message between its envelope and its acknowledgement. Write the bytes, then {@link finish} or {@link abandon}. */
export class IncomingMessage {
  readonly #deps: DeliveryDeps
  readonly #origin: Origin
  readonly #recipients: readonly AcceptedRecipient[]
  readonly #limit: number
  readonly #scanner = new MessageScanner()
  readonly #normaliser: CrlfNormaliser | undefined
  readonly #detector: BareLineEndDetector | undefined
  readonly #stage: BodyStage
  readonly #forged: ForgedResultsFilter | undefined
  #size = 0
  #full = false
  #header: Uint8Array = new Uint8Array(0)
  #verdict: Verdict | undefined

  constructor(
    deps: DeliveryDeps,
    origin: Origin,
    recipients: readonly AcceptedRecipient[],
    options: { readonly lineEnds: LineEndPolicy; readonly limitBytes: number },
  ) {
    this.#deps = deps
    this.#origin = origin
    this.#recipients = recipients
    this.#limit = options.limitBytes
    this.#normaliser = options.lineEnds === 'normalise' ? new CrlfNormaliser() : undefined
    this.#detector = options.lineEnds === 'reject' ? new BareLineEndDetector() : undefined
    this.#forged = deps.checks === undefined ? undefined : new ForgedResultsFilter(deps.hostname)
    this.#stage = deps.store.stage(recipients[0]?.targets[0]?.account.shard ?? 0)
  }

  /** What the checks found, once they have been asked. */
  get verdict(): Verdict | undefined {
    return this.#verdict
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
    const lines = this.#normaliser?.push(chunk) ?? chunk
    return this.#keep(this.#forged?.push(lines) ?? lines)
  }

  /** Keeps the message for everyone it is for; the answers are in the order of the recipients, each on disk. */
  async finish(): Promise<readonly Result<void, DeliveryRefusal>[]> {
    if (this.#normaliser !== undefined) {
      const owed = this.#normaliser.end()
      await this.#keep(this.#forged?.push(owed) ?? owed)
    }
    if (this.#forged !== undefined) await this.#keep(this.#forged.end())
    this.#detector?.end()
    const refusal = this.#refusal()
    if (refusal !== undefined) return this.#refuseAll(refusal)
    const scanned = this.#scanner.end()
    this.#header = scanned.header
    const header = headerText(scanned.header)
    if (countHops(header) > MOST_HOPS) return this.#refuseAll({ kind: 'mail-loop' })
    let body: StagedBody
    try {
      body = await this.#stage.finish()
    } catch (error) {
      if (!(error instanceof StoreFull)) throw error
      return this.#refuseAll({ kind: 'unavailable', reason: 'full' })
    }
    this.#verdict = await this.#deps.checks?.check({
      ...this.#origin,
      recipients: this.#recipients.map(({ address }) => address),
      body: this.#deps.store.stagedBytes(body),
    })
    const reply = this.#verdict?.reply
    if (reply !== undefined) return this.#refuseAll({ kind: 'check', reply })
    return this.#deliver(body, prepareEmail(scanned), deliveredTo(header))
  }

  /** Forgets everything that came: the client went away, or the message is refused. */
  async abandon(): Promise<void> {
    await this.#stage.abandon()
  }

  #keep(chunk: Uint8Array): Promise<void> | undefined {
    this.#size += chunk.length
    if (chunk.length === 0 || this.#refusal() !== undefined) return undefined
    this.#scanner.push(chunk)
    try {
      const writing = this.#stage.write(chunk)
      return writing === undefined ? undefined : writing.catch((error: unknown) => this.#notWritten(error))
    } catch (error) {
      this.#notWritten(error)
      return undefined
    }
  }

  #notWritten(error: unknown): void {
    if (!(error instanceof StoreFull)) throw error
    this.#full = true
  }

  #refusal(): DeliveryRefusal | undefined {
    if (this.#size > this.#limit) return { kind: 'too-large', limit: this.#limit }
    if (this.#detector?.found === true) return { kind: 'bare-line-end' }
    if (this.#full) return { kind: 'unavailable', reason: 'full' }
    return undefined
  }

  async #refuseAll(refusal: DeliveryRefusal): Promise<readonly Result<void, DeliveryRefusal>[]> {
    await this.abandon()
    return this.#recipients.map(() => refused(refusal))
  }

  /** One request a shard; each account gets the message once, however many recipients lead to it. */
  async #deliver(
    body: StagedBody,
    email: PreparedEmail,
    alreadyDelivered: ReadonlySet<string>,
  ): Promise<readonly Result<void, DeliveryRefusal>[]> {
    const at = this.#deps.clock.now()
    const outcomes = new Map<string, Result<void, DeliveryRefusal>>()
    const byShard = new Map<number, { readonly account: string; readonly recipient: Recipient }[]>()
    for (const { address, targets } of this.#recipients) {
      for (const target of targets) {
        if (outcomes.has(target.address)) continue
        if (alreadyDelivered.has(target.address)) {
          outcomes.set(target.address, refused({ kind: 'mail-loop' }))
          continue
        }
        outcomes.set(target.address, refused({ kind: 'unavailable', reason: 'failed' }))
        const list = byShard.get(target.account.shard) ?? []
        byShard.set(target.account.shard, list)
        list.push({ account: target.address, recipient: await this.#recipient(target, address, at) })
      }
    }
    if (byShard.size === 0) await this.abandon()
    for (const [shard, list] of byShard) {
      const answers = await this.#deps.store.deliver({
        shard,
        by: this.#origin.id,
        body: await this.#deps.store.restage(body, shard),
        email,
        recipients: list.map(({ recipient }) => recipient),
      })
      for (const [index, { account }] of list.entries()) {
        const answer = answers[index]
        if (answer !== undefined) outcomes.set(account, answer.ok ? done(undefined) : answer)
      }
    }
    return this.#recipients.map(({ targets }) => worst(targets.map(({ address }) => outcomes.get(address))))
  }

  async #recipient(target: DeliveryTarget, address: string, at: number): Promise<Recipient> {
    const { store, hostname } = this.#deps
    const { headerLines, disposition, facts } = this.#verdict ?? {}
    const origin = facts?.reverseName === undefined ? this.#origin : { ...this.#origin, reverseName: facts.reverseName }
    return {
      account: target.account,
      mailbox:
        disposition === 'junk' ? await junkMailbox(store, target.account, this.#origin.id) : (target.detail ?? 'INBOX'),
      trace: traceLines(origin, address, target.address, hostname, at, headerLines),
      flags: NO_FLAGS,
      internalDate: Math.floor(at / 1000) * 1000,
      internalZone: 0,
    }
  }
}

/**
 * What a recipient with several accounts behind it is told: a refusal if any refused. The sender then tries again, and
 * the others may see the message twice; that is better than never.
 */
function worst(outcomes: readonly (Result<void, DeliveryRefusal> | undefined)[]): Result<void, DeliveryRefusal> {
  return outcomes.find((outcome) => outcome !== undefined && !outcome.ok) ?? done(undefined)
}

function countHops(header: string): number {
  return header.match(/^received:/gim)?.length ?? 0
}

function deliveredTo(header: string): ReadonlySet<string> {
  const found = header.matchAll(/^delivered-to:[ \t]*([^\r\n]*?)[ \t]*\r?$/gim)
  return new Set([...found].map(([, address]) => (address ?? '').toLowerCase()))
}

function headerText(header: Uint8Array): string {
  return Buffer.from(header.buffer, header.byteOffset, header.byteLength).toString('utf8')
}
