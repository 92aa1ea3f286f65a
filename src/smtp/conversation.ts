/** What is known of one transaction, from MAIL to the end of DATA. @module */
import type { SMTPServerSession } from 'smtp-server'
import type { DeliveryOptions, LineEndPolicy } from '#services/delivery.ts'
import type { SendingTerms } from '#services/registry.ts'
import type { SessionDeps } from '#services/session-deps.ts'
import { NO_POLICY, Submission } from '#services/submission.ts'
import type { Origin } from '#services/trace-lines.ts'
import type { EnvelopeDsn } from './dsn-parameters.ts'
import { submissionRefused } from './replies.ts'
import { loginOf } from './session-facts.ts'
import type { EnvelopeRecipient } from './success-report.ts'

/** What a listener is for: mail from other servers, from our own people, or from an MTA in front of us. */
export type SmtpRole = 'mx' | 'submission' | 'lmtp'

export interface SmtpServiceOptions {
  readonly role: SmtpRole
  /** What to do with bare CR and LF on port 25; the other roles normalise (design §7). */
  readonly bareNewline: LineEndPolicy
}

export interface Conversation {
  readonly id: string
  readonly recipients: Map<string, EnvelopeRecipient>
  /** See `waysOf`. */
  ways: ReadonlySet<string | undefined>
  /** FUTURERELEASE: everybody gets the message by the queue, not before this. */
  notBefore: number | undefined
  /** Of who is logged in to send. */
  terms: SendingTerms | undefined
  /** What MAIL asked for (RFC 3461 §4.3, §4.4). */
  dsn: EnvelopeDsn
}

/** What cannot be sent today is said as early as it is known. @throws {SmtpRefusal} */
export function checkLimit({ terms, recipients }: Conversation, what: 'messages' | 'recipients'): void {
  if (terms === undefined) return
  const { messagesLeft, recipientsLeft, resumesAt } = terms
  if (what === 'messages' ? messagesLeft > 0 : recipients.size < recipientsLeft) return
  throw submissionRefused({ kind: 'too-much-sent', what, limit: terms[`${what}Limit`], resumesAt })
}

/** How the message of this transaction is taken. */
export function deliveryOptions(
  deps: SessionDeps,
  { role, bareNewline }: SmtpServiceOptions,
  { dsn, terms, recipients, notBefore }: Conversation,
  session: SMTPServerSession,
  { id, sender }: Origin,
): DeliveryOptions {
  const { limits, outbox, registry, clock, hostname, forwardedSender, submission: policy = NO_POLICY } = deps
  const login = role === 'submission' ? loginOf(session) : undefined
  const sentCopy = terms?.sentCopy === true
  const all = Array.from(recipients.values(), ({ outside = [] }) => outside.map(({ address }) => address)).flat()
  const count = { recipients: recipients.size, outside: new Set(all).size }
  const facts = login && { connection: session.id, login, sender, id, policy, sentCopy, count }
  return {
    lineEnds: role === 'mx' ? bareNewline : 'normalise',
    limitBytes: limits.messageBytes,
    oneAnswer: role !== 'lmtp',
    submission: facts && new Submission({ registry, clock, hostname }, facts),
    outgoing: outbox && {
      outbox,
      account: login?.address,
      language: terms?.language ?? policy.language,
      returns: dsn.ret,
      envelopeId: dsn.envelopeId,
      notBefore,
      utf8: session.envelope.smtpUtf8 === true,
      forwardedSender,
    },
  }
}
