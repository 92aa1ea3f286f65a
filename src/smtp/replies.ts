/** Replies with enhanced status codes (RFC 5321 §4.2, RFC 3463, RFC 2034); each text begins with its code. @module */
import type { HeaderFault } from '#mail/submitted-header.ts'
import type { DeliveryRefusal } from '#services/delivery.ts'
import type { ConnectionRefusal, LoginRefusal, RecipientRefusal } from '#services/registry.ts'
import type { SubmissionRefusal } from '#services/submission.ts'

/** A reply that refuses: `code` is the three-digit one. */
export class SmtpRefusal extends Error {
  readonly responseCode: number

  constructor(code: number, enhancedAndText: string) {
    super(enhancedAndText)
    this.responseCode = code
  }
}

export function connectionRefused(refusal: ConnectionRefusal): SmtpRefusal {
  switch (refusal.kind) {
    case 'too-many-connections':
      return new SmtpRefusal(421, '4.3.2 Too many connections, try again later')
    case 'too-many-from-address':
      return new SmtpRefusal(421, '4.7.0 Too many connections from your address, try again later')
    case 'overloaded':
      return new SmtpRefusal(421, '4.3.2 Server is overloaded, try again later')
    case 'closing':
      return new SmtpRefusal(421, '4.3.2 Server is stopping, try again later')
  }
}

export function recipientRefused(refusal: RecipientRefusal, role: 'mx' | 'submission' | 'lmtp'): SmtpRefusal {
  switch (refusal.kind) {
    case 'not-local':
      return role === 'submission'
        ? new SmtpRefusal(550, '5.7.1 This server does not send mail to that address')
        : new SmtpRefusal(550, '5.7.1 This server does not relay mail for that domain')
    case 'unknown':
      return new SmtpRefusal(550, '5.1.1 No such user here')
    case 'bad-address':
      return new SmtpRefusal(501, '5.1.3 That address cannot be read')
    case 'alias-loop':
      return new SmtpRefusal(550, '5.4.6 That alias leads back to itself or to too many people')
  }
}

/** Each alias that leads to other servers is a message of its own there. */
export const TOO_MANY_WAYS = '4.5.3 Too many forwarding recipients in one message, send it to the others separately'

export function deliveryRefused(refusal: DeliveryRefusal): SmtpRefusal {
  switch (refusal.kind) {
    case 'over-quota':
      return new SmtpRefusal(452, '4.2.2 The mailbox is full, try again later')
    case 'too-large':
      return new SmtpRefusal(552, `5.3.4 The message is larger than ${refusal.limit} octets`)
    case 'bare-line-end':
      return new SmtpRefusal(550, '5.5.2 The message has a CR or LF that is not part of CRLF (RFC 5321 section 2.3.8)')
    case 'mail-loop':
      return new SmtpRefusal(554, '5.4.6 The message goes round in circles')
    case 'check':
      return new SmtpRefusal(refusal.reply.code, refusal.reply.text)
    case 'no-such-account':
      return new SmtpRefusal(451, '4.3.0 The mailbox is not ready, try again later')
    case 'uids-exhausted':
      return new SmtpRefusal(452, '4.2.2 The mailbox can take no more messages')
    case 'unavailable':
      return new SmtpRefusal(451, '4.3.1 The message cannot be stored now, try again later')
    case 'no-queue':
      return new SmtpRefusal(451, '4.3.1 The message cannot be put into the queue now, try again later')
    default:
      return submissionRefused(refusal)
  }
}

export function submissionRefused(refusal: SubmissionRefusal): SmtpRefusal {
  switch (refusal.kind) {
    case 'not-own-address': {
      const { address, own } = refusal
      const yours = `${printable(own)}, what has + and more before its @, and aliases that lead to it`
      return new SmtpRefusal(550, `5.7.1 ${printable(address)} is not an address of yours: send as ${yours}`)
    }
    case 'null-sender':
      return new SmtpRefusal(550, '5.7.1 The null sender is for disposition notifications and automatic replies')
    case 'too-much-sent': {
      const { what, limit, resumesAt } = refusal
      const text = `${what} a day are the limit of this account, go on after ${utc(resumesAt)}`
      return what === 'messages'
        ? new SmtpRefusal(450, `4.7.1 ${limit} ${text}`)
        : new SmtpRefusal(452, `4.5.3 ${limit} ${text}`)
    }
    case 'no-sender':
      return new SmtpRefusal(421, '4.3.2 The account is not there any more')
    case 'bad-header':
      return badHeader(refusal.why)
  }
}

function badHeader(why: HeaderFault): SmtpRefusal {
  switch (why) {
    case 'too-long':
      return new SmtpRefusal(552, '5.3.4 The header is too long')
    case 'several-from':
      return new SmtpRefusal(550, '5.6.0 The message has several From fields')
    case 'folded-name':
      return new SmtpRefusal(550, '5.6.0 The message has a field whose colon is on another line than its name')
  }
}

/** `2026-11-29 14:00 UTC`, rounded up to the minute. */
function utc(ms: number): string {
  return `${new Date(Math.ceil(ms / 60_000) * 60_000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** What a client said may go back only like this. */
function printable(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, '?').slice(0, 200)
}

export function loginRefused(refusal: LoginRefusal): SmtpRefusal {
  switch (refusal.kind) {
    case 'wrong-credentials':
      return new SmtpRefusal(535, '5.7.8 Authentication credentials invalid')
    case 'not-allowed':
      return new SmtpRefusal(535, '5.7.8 This login may not be used here')
    case 'throttled':
      return new SmtpRefusal(454, '4.7.0 Too many failed attempts, try again later')
    case 'too-many-sessions':
      return new SmtpRefusal(454, `4.7.0 More than ${refusal.limit} sessions of this account`)
    case 'unavailable':
      return new SmtpRefusal(454, '4.7.0 Authentication is not possible now, try again later')
  }
}
