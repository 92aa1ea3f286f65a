/**
 * What is asked of a message that a person here sends (RFC 6409): whose name it bears, and what its header lacks. The
 * header is changed in the stream, before anything looks at the message, so that everybody gets the same bytes.
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import { type HeaderFault, SubmittedHeader } from '#mail/submitted-header.ts'
import type { PersonLanguage } from '#store/directory.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { HoldReason } from '#store/queue.ts'
import type { AccountRef } from '#store/types.ts'
import type { Recipient } from '#store/writes.ts'
import type { ConnectionId, Login, Registry, SendingCount, SendingRefusal } from './registry.ts'
import { copyInSent } from './sent-copy.ts'

/** Addresses of one From that are looked up; those after them are nobody's. */
const MOST_SENDERS = 100

/** From `[submission]`. */
export interface SubmissionPolicy {
  /** Whose addresses a person may use, in the envelope and in From: their own, all of their domain, or any. */
  readonly checkSender: 'own' | 'domain' | 'off'
  /** Received does not tell where the client is. */
  readonly hideClient: boolean
  /** Bcc goes, and From, Date and Message-ID come where they are missing, or the header stays as it came. */
  readonly header: 'complete' | 'keep'
  /** How long a message may be made to wait (FUTURERELEASE, RFC 4865), seconds; 0: not at all. */
  readonly holdSeconds: number
  /** What people are written to in who have no language of their own. */
  readonly language: PersonLanguage
}

/** Where nothing is configured. */
export const NO_POLICY: SubmissionPolicy = {
  checkSender: 'off',
  hideClient: false,
  header: 'complete',
  holdSeconds: 0,
  language: 'en',
}

export type SubmissionRefusal =
  /** `own`: the address of who is logged in. */
  | { readonly kind: 'not-own-address'; readonly address: string; readonly own: string }
  /** The null sender is for answers of programs. */
  | { readonly kind: 'null-sender' }
  | { readonly kind: 'bad-header'; readonly why: HeaderFault }
  | SendingRefusal

/** The message may be sent. */
export interface Admission {
  readonly held: HoldReason | undefined
}

export interface SubmissionDeps {
  readonly registry: Pick<Registry, 'ownAddresses' | 'countSending' | 'uncountSending' | 'resolve'>
  readonly clock: Clock
  /** Ours. */
  readonly hostname: string
}

/** A message and who sends it. */
export interface SubmissionFacts {
  readonly connection: ConnectionId
  readonly login: Login
  /** Envelope sender. */
  readonly sender: string
  readonly id: string
  readonly policy: SubmissionPolicy
  /** The account wants a copy in Sent. */
  readonly sentCopy: boolean
  readonly count: SendingCount
}

/** The one message of one transaction. */
export class Submission {
  /** Takes the bytes first. */
  readonly header: SubmittedHeader
  readonly #deps: SubmissionDeps
  readonly #facts: SubmissionFacts
  #counted = false

  constructor(deps: SubmissionDeps, facts: SubmissionFacts) {
    this.#deps = deps
    this.#facts = facts
    const { address, displayName } = facts.login
    const domain = address.slice(address.lastIndexOf('@') + 1)
    this.header = new SubmittedHeader({
      address,
      name: displayName,
      messageId: `<${facts.id}.${randomBytes(6).toString('hex')}@${domain}>`,
      at: deps.clock.now(),
      hostname: deps.hostname,
      keep: facts.policy.header === 'keep',
    })
  }

  /** Who has the copy in Sent. */
  get keepsCopy(): AccountRef | undefined {
    return this.#facts.sentCopy ? this.#facts.login.account : undefined
  }

  /** Once the header is whole. @returns where the copy goes; `undefined`: nowhere. */
  async copy(store: MailStore): Promise<Recipient | undefined> {
    const account = this.keepsCopy
    if (account === undefined) return undefined
    const { messageId, bcc } = this.header
    return copyInSent(store, { account, messageId, bcc, by: this.#facts.id, at: this.#deps.clock.now() })
  }

  /** Asked when the message is whole, before anything of it is kept. */
  async admit(): Promise<Result<Admission, SubmissionRefusal>> {
    const { sender, policy } = this.#facts
    if (policy.checkSender !== 'off') {
      if (sender === '' && !this.header.automatic) return refused({ kind: 'null-sender' })
      const refusal = await this.#foreignAuthor()
      if (refusal !== undefined) return refused(refusal)
    }
    const counted = await this.#deps.registry.countSending(this.#facts.connection, this.#facts.count)
    this.#counted = counted.ok
    return counted.ok ? done({ held: counted.value }) : counted
  }

  /** Nothing was kept of the message: its try does not count. */
  async withdraw(): Promise<void> {
    if (!this.#counted) return
    this.#counted = false
    await this.#deps.registry.uncountSending(this.#facts.connection, this.#facts.count)
  }

  /**
   * Who passes a message on leaves its author in From (RFC 5322 §3.6.6): he is somebody elsewhere, or of the person's own
   * addresses. Others of ours are nobody's to write by, in this way neither.
   */
  async #foreignAuthor(): Promise<SubmissionRefusal | undefined> {
    const { from, sender, resentFrom } = this.header
    if (resentFrom === undefined) return foreignSender(this.#deps, this.#facts, [...from, ...sender])
    const foreign = await foreignSender(this.#deps, this.#facts, resentFrom)
    if (foreign !== undefined) return foreign
    const { registry } = this.#deps
    const ours: string[] = []
    for (const [index, address] of from.entries()) {
      const resolved = index < MOST_SENDERS ? await registry.resolve(address) : undefined
      if (resolved?.ok !== false || resolved.error.kind !== 'not-local') ours.push(address)
    }
    return foreignSender(this.#deps, this.#facts, ours)
  }
}

/** The first of these addresses that the person may not use; `undefined`: all may be used. */
export async function foreignSender(
  { registry }: { readonly registry: Pick<Registry, 'ownAddresses'> },
  { connection, login, policy }: Pick<SubmissionFacts, 'connection' | 'login' | 'policy'>,
  addresses: readonly string[],
): Promise<SubmissionRefusal | undefined> {
  if (policy.checkSender === 'off') return undefined
  const asked = addresses.slice(0, MOST_SENDERS)
  const own = await registry.ownAddresses(connection, asked, policy.checkSender)
  const foreign = addresses.find((_, index) => own[index] !== true)
  return foreign === undefined ? undefined : { kind: 'not-own-address', address: foreign, own: login.address }
}
