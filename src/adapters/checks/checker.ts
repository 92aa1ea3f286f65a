/** Everything that is checked of mail from other servers, as the checks thread does it. @module */
import type { Clock } from '#lib/clock.ts'
import { formatAuthenticationResults, type MethodResult } from '#mail/authentication-results.ts'
import type { DomainReports } from '#services/domain-reports.ts'
import {
  type CheckReply,
  type Disposition,
  type MessageQuestion,
  NOT_NOW,
  type RecipientQuestion,
  type Verdict,
} from '#services/inbound-checks.ts'
import type { Resolver } from '#services/resolver.ts'
import { type Authentication, authenticate } from './authentication.ts'
import { deadlineResolver } from './deadline-resolver.ts'
import { listedBy } from './dnsbl.ts'
import type { Greylist } from './greylist.ts'
import { type OpenMessage, openMessage } from './header.ts'
import { MAX_REPORT_BYTES } from './limits.ts'
import { LineTooLong, withoutLongLines } from './line-guard.ts'
import { type AuthenticationPolicy, type Decision, decide } from './policy.ts'
import { reportsIn } from './read-reports.ts'
import { reverseName } from './reverse-name.ts'
import { askRspamd } from './rspamd.ts'
import { SilentLists } from './silent-lists.ts'

export interface CheckerOptions extends AuthenticationPolicy {
  /** Our name, also in Authentication-Results. */
  readonly hostname: string
  /** For one message. */
  readonly timeoutMs: number
  readonly dnsbl: readonly string[]
  /** Where rspamd listens; `undefined`: it is not asked. */
  readonly rspamd: string | undefined
  /** Local parts of recipients, lower case, whose mail may be reports. */
  readonly reportsTo: readonly string[]
}

export interface CheckerParts {
  readonly resolver: Resolver
  readonly greylist: Greylist | undefined
  /** Where reports about our domains are kept. */
  readonly reports: () => DomainReports
  readonly clock: Clock
  /** From 0 up to 1. */
  readonly random: () => number
  /** A sentence for the log. */
  readonly warn: (message: string) => void
  /** Lists that are left out now as they do not answer, whenever that changes, and a sentence for the log. */
  readonly silentLists: (lists: readonly string[], message: string) => void
}

/** Whoever writes to these is heard, wherever from (RFC 5321 §4.5.1, RFC 2142). */
const ALWAYS_HEARD = /^(?:postmaster|abuse)(?:@|$)/i

const LINE_TOO_LONG: Verdict = {
  disposition: 'reject',
  reply: { code: 550, text: '5.6.0 A line of the message is too long' },
  headerLines: '',
  facts: { results: [], reason: 'line too long' },
}

const TOO_LONG: Verdict = {
  disposition: 'reject',
  reply: { code: 550, text: '5.6.0 The header of the message is too long' },
  headerLines: '',
  facts: { results: [], reason: 'header too long' },
}

export class Checker {
  readonly #options: CheckerOptions
  readonly #parts: CheckerParts
  readonly #silentLists: SilentLists

  constructor(options: CheckerOptions, parts: CheckerParts) {
    this.#options = options
    this.#parts = parts
    this.#silentLists = new SilentLists(parts.clock, parts.silentLists)
  }

  /** Lists first, then greylisting: who is listed is not to come again. */
  async recipient({ remoteAddress, sender, recipient }: RecipientQuestion): Promise<CheckReply | undefined> {
    const { dnsbl, timeoutMs } = this.#options
    if (ALWAYS_HEARD.test(recipient)) return undefined
    if (dnsbl.length > 0) {
      using resolver = deadlineResolver(this.#parts.resolver, timeoutMs)
      const listing = await listedBy(remoteAddress, dnsbl, resolver, this.#silentLists)
      if (listing !== undefined) {
        const text = listing.text === '' ? '' : `: ${listing.text}`
        return { code: 550, text: `5.7.1 ${remoteAddress} is listed by ${listing.list}${text}` }
      }
    }
    if (this.#isNew(remoteAddress, sender, recipient))
      return { code: 451, text: '4.7.1 Not known yet here, try again in a few minutes' }
    return undefined
  }

  /** A list that cannot be read or written keeps nobody out. */
  #isNew(remoteAddress: string, sender: string, recipient: string): boolean {
    try {
      return this.#parts.greylist?.holds(remoteAddress, sender, recipient) === true
    } catch (error) {
      this.#parts.warn(`Greylisting fails, mail goes on without it: ${String(error)}`)
      return false
    }
  }

  /** Never rejects. */
  async check(question: MessageQuestion): Promise<Verdict> {
    try {
      return await this.#check(question)
    } catch (error) {
      if (error instanceof LineTooLong) return LINE_TOO_LONG
      this.#parts.warn(
        `Message ${question.id} could not be checked: ${error instanceof Error ? error.stack : String(error)}`,
      )
      return NOT_NOW
    }
  }

  async #check(question: MessageQuestion): Promise<Verdict> {
    const { hostname, rspamd, timeoutMs } = this.#options
    const message = await openMessage(question.body)
    if (message === undefined) return TOO_LONG
    using resolver = deadlineResolver(this.#parts.resolver, timeoutMs)
    const [found, reverse, opinion] = await Promise.all([
      authenticate(withoutLongLines(message.verifiable()), question, resolver, hostname),
      reverseName(question.remoteAddress, resolver),
      rspamd === undefined ? undefined : askRspamd(rspamd, message, question, AbortSignal.timeout(timeoutMs)),
    ])
    if (rspamd !== undefined && opinion === undefined)
      this.#parts.warn(`rspamd at ${rspamd} does not answer: message ${question.id} goes on without it`)
    const own = decide(found, this.#options, this.#parts.random())
    const decision = opinion === undefined ? own : stricter(own, opinion.decision)
    const results = [...withReason(found, own), reverse.result, ...(opinion === undefined ? [] : [opinion.result])]
    const { disposition, reply, reason } = decision
    if (disposition === 'accept' && authenticated(found)) await this.#keepReports(question, message)
    return {
      disposition,
      ...(reply !== undefined && { reply }),
      headerLines: formatAuthenticationResults({ by: hostname, results }),
      facts: {
        results,
        ...(reverse.name !== undefined && { reverseName: reverse.name }),
        ...(reason !== undefined && { reason }),
      },
    }
  }

  /** The message is kept whatever comes of this. */
  async #keepReports({ id, recipients }: MessageQuestion, message: OpenMessage): Promise<void> {
    const { reports, clock, warn } = this.#parts
    const wanted = recipients.some((one) => this.#options.reportsTo.includes(localPart(one)))
    if (!wanted || message.size > MAX_REPORT_BYTES) return
    try {
      const chunks: Uint8Array[] = []
      for await (const chunk of message.octets()) chunks.push(chunk)
      const found = reportsIn(Buffer.concat(chunks))
      if (found.length > 0) reports().add(found, clock.now())
    } catch (error) {
      warn(`Reports in message ${id} could not be kept: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }
}

function localPart(address: string): string {
  return address.slice(0, address.lastIndexOf('@')).replace(/\+.*$/, '').toLowerCase()
}

/** Who sent it is sure enough to believe what it reports (RFC 7489 §7.2). */
function authenticated({ dmarc, spf, dkim }: Authentication): boolean {
  if (dmarc.kind !== 'none') return dmarc.kind === 'pass'
  return spf.result === 'pass' || dkim.some(({ result }) => result === 'pass')
}

/** What was made of it stands beside `dmarc=`. */
function withReason({ results }: Authentication, { disposition, reason }: Decision): readonly MethodResult[] {
  if (reason === undefined) return results
  const comment = disposition === 'accept' ? `accepted: ${reason}` : `${disposition}: ${reason}`
  return results.map((result) => (result.method === 'dmarc' ? { ...result, comment } : result))
}

const STRICTNESS: readonly Disposition[] = ['accept', 'junk', 'defer', 'reject']

function stricter(one: Decision, other: Decision): Decision {
  return STRICTNESS.indexOf(other.disposition) > STRICTNESS.indexOf(one.disposition) ? other : one
}
