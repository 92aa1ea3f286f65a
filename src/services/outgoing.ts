/**
 * Mail out: one message on its way into the queue, for those of its recipients who are on other servers. Each way it goes
 * has bytes of its own, because the lines before them say by which alias it went, which others are not to know.
 * @module
 */
import { done, type Result } from '#lib/result.ts'
import { isTlsOptional } from '#mail/tls-required.ts'
import type {
  EnqueueRefusal,
  HoldReason,
  NewMessage,
  NewRecipient,
  Notify,
  Outbox,
  QueueStage,
  StagedMessage,
} from '#store/queue.ts'
import { parseOutsideAddress } from './addresses.ts'
import type { OutsideTarget } from './registry.ts'
import { type Origin, relayLines } from './trace-lines.ts'

/** Ways of one message: each writes all its bytes. */
export const MOST_WAYS = 10

/** A recipient with addresses on other servers behind it. */
export interface OutsideRecipient {
  /** As the client gave it. */
  readonly address: string
  readonly outside?: readonly OutsideTarget[]
  /** NOTIFY and ORCPT (`type;address`) of RFC 3461; absent: the client did not say. */
  readonly notify?: Notify | undefined
  readonly originalRecipient?: string | undefined
  /** What the sender named, where that was an alias before this one. */
  readonly alias?: string | undefined
}

/** What is said of a message beside its bytes. */
export interface OutgoingTerms {
  readonly outbox: Outbox
  /** Address of the account that sends it; absent: it is forwarded for others. */
  readonly account: string | undefined
  readonly language: 'en' | 'fr'
  /** RET and ENVID (RFC 3461). */
  readonly returns?: 'FULL' | 'HDRS' | undefined
  readonly envelopeId?: string | undefined
  /** FUTURERELEASE (RFC 4865), ms since 1970. */
  readonly notBefore?: number | undefined
  /** The client said SMTPUTF8. */
  readonly utf8: boolean
  /** The envelope sender of what an alias forwards for others (SRS); absent: it stays. */
  readonly forwardedSender?: ((sender: string, alias: string) => string) | undefined
}

/** What is known when the message is at its end. */
export interface OutgoingFacts {
  readonly header: Uint8Array
  readonly eightBit: boolean
  readonly held: HoldReason | undefined
  /** Recipients that it goes to, by their index. */
  readonly accepted: (recipient: number) => boolean
}

/** For the lines that go before the message. */
export interface OutgoingLines {
  /** Ours. */
  readonly hostname: string
  readonly at: number
  /** What the checks found (RFC 8601), above all others. */
  readonly above?: string | undefined
}

interface Way {
  readonly through: string | undefined
  readonly recipients: { readonly index: number; readonly recipient: NewRecipient }[]
}

/** The ways that a message goes for a recipient: those of its aliases, and the direct one. */
export function waysOf({ outside = [] }: OutsideRecipient): ReadonlySet<string | undefined> {
  return new Set(outside.map(({ through }) => through))
}

/** Write the bytes, {@link finish} them, then {@link enqueue} or {@link abandon}. */
export class OutgoingMessage {
  readonly #origin: Origin
  readonly #terms: OutgoingTerms
  readonly #at: number
  readonly #ways: readonly (Way & { readonly stage: QueueStage })[]
  readonly #ended = new Set<QueueStage>()
  readonly #bodies = new Map<QueueStage, StagedMessage>()

  constructor(
    origin: Origin,
    recipients: readonly OutsideRecipient[],
    terms: OutgoingTerms,
    { hostname, at, above = '' }: OutgoingLines,
  ) {
    this.#origin = origin
    this.#terms = terms
    this.#at = at
    this.#ways = wayList(recipients).map((way) => ({ ...way, stage: terms.outbox.stage() }))
    for (const { through, recipients: those, stage } of this.#ways) {
      // one alone is told by name; of several, nobody is told of the others (RFC 5321 §7.2)
      const named = new Set(those.map(({ index }) => recipients[index]?.address))
      const [only] = named.size === 1 ? named : []
      void stage.write(relayLines(origin, { only, through, above }, hostname, at))
    }
  }

  /** @returns something to wait for before the next bytes, or nothing. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    const waits = this.#ways.flatMap(({ stage }) => stage.write(chunk) ?? [])
    return waits.length < 2 ? waits[0] : Promise.all(waits).then(() => undefined)
  }

  /** The bytes are on disk. @throws {StoreFull} */
  async finish(): Promise<void> {
    for (const { stage } of this.#ways) this.#bodies.set(stage, await stage.finish())
  }

  /**
   * On disk when this settles with `ok`. Each address gets the message once, by the first recipient that leads to it;
   * bytes that nobody is left for go.
   */
  async enqueue(facts: OutgoingFacts): Promise<Result<void, EnqueueRefusal>> {
    const messages: NewMessage[] = []
    const seen = new Set<string>()
    for (const { through, recipients, stage } of this.#ways) {
      const those = recipients.filter(({ index, recipient: { address } }) => {
        if (seen.has(address) || !facts.accepted(index)) return false
        seen.add(address)
        return true
      })
      if (those.length === 0) await this.#drop(stage)
      else messages.push(this.#message(messages.length, through, those, stage, facts))
    }
    return messages.length === 0 ? done(undefined) : this.#terms.outbox.enqueue(messages)
  }

  /** Safe at any time. */
  async abandon(): Promise<void> {
    for (const { stage } of this.#ways) await this.#drop(stage)
  }

  async #drop(stage: QueueStage): Promise<void> {
    if (this.#ended.has(stage)) return
    this.#ended.add(stage)
    await stage.abandon()
  }

  #message(
    before: number,
    through: string | undefined,
    recipients: Way['recipients'],
    stage: QueueStage,
    { header, eightBit, held }: OutgoingFacts,
  ): NewMessage {
    const body = this.#bodies.get(stage)
    if (body === undefined) throw new Error(`The bytes of the message ${this.#origin.id} are not on disk`)
    const { account, language, returns, envelopeId, notBefore, utf8, forwardedSender } = this.#terms
    const { id, helo, remoteAddress, protocol } = this.#origin
    // with A-labels, so that nothing needs SMTPUTF8 for its domain alone
    const from = parseOutsideAddress(this.#origin.sender) ?? this.#origin.sender
    const forwarded = account === undefined && through !== undefined && from !== ''
    const sender = forwarded ? (forwardedSender?.(from, through) ?? from) : from
    this.#ended.add(stage)
    const addresses = [sender, ...recipients.map(({ recipient }) => recipient.address)]
    return {
      // the first is the one that the reply names
      id: before === 0 ? id : `${id}.f${before}`,
      sender,
      ...(account === undefined ? {} : { account }),
      receivedFrom: `${helo} [${remoteAddress}], ${protocol}`,
      body,
      smtpUtf8: addresses.some(isUnicode) || (utf8 && isUnicode(header)),
      eightBit,
      ...(isTlsOptional(header) ? { tlsOptional: true } : {}),
      ...(returns === undefined ? {} : { returns }),
      ...(envelopeId === undefined ? {} : { envelopeId }),
      priority: 0,
      at: this.#at,
      ...(notBefore === undefined ? {} : { notBefore }),
      ...(held === undefined ? {} : { held }),
      language,
      recipients: recipients.map(({ recipient }) => recipient),
    }
  }
}

function wayList(recipients: readonly OutsideRecipient[]): readonly Way[] {
  const ways = new Map<string | undefined, Way>()
  for (const [index, { address: named, outside = [], notify, originalRecipient, alias }] of recipients.entries()) {
    for (const { address, through } of outside) {
      const way = ways.get(through) ?? { through, recipients: [] }
      ways.set(through, way)
      // what an alias leads to is the business of whoever has it (RFC 3461 §5.2.7.4): reports name the alias
      const by = alias ?? (through === undefined ? undefined : named)
      way.recipients.push({
        index,
        recipient: {
          address,
          ...(originalRecipient === undefined ? {} : { original: originalRecipient }),
          ...(by === undefined ? {} : { alias: by }),
          ...(notify === undefined ? {} : { notify }),
        },
      })
    }
  }
  return Array.from(ways.values())
}

function isUnicode(text: string | Uint8Array): boolean {
  return typeof text === 'string' ? /[^\u0000-\u007f]/.test(text) : text.some((byte) => byte > 127)
}
