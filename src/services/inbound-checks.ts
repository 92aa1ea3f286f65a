/**
 * The port of the checks that mail from other servers goes through on port 25 before it is kept. Everything in it is
 * cloneable data, so that sessions of any thread ask over a MessagePort. A check answers within its time: what cannot be
 * told by then is a reason to ask the client to come again, never to wait on.
 * @module
 */
import type { MethodResult } from '#mail/authentication-results.ts'
import type { StagedBytes } from '#store/types.ts'

/** Who hands a message over. */
export interface Sending {
  readonly remoteAddress: string
  /** What the client called itself. */
  readonly helo: string
  /** Envelope sender, empty for the null sender. */
  readonly sender: string
}

/** A recipient that a client names. */
export interface RecipientQuestion extends Sending {
  readonly recipient: string
}

/** A message that has come to its end. */
export interface MessageQuestion extends Sending {
  /** The id of the message in the reply and the log. */
  readonly id: string
  readonly recipients: readonly string[]
  readonly body: StagedBytes
}

/** What becomes of a message. */
export type Disposition = 'accept' | 'junk' | 'reject' | 'defer'

/** A reply that refuses, for good (5xx) or for now (4xx); the text begins with its enhanced code (RFC 3463). */
export interface CheckReply {
  readonly code: number
  readonly text: string
}

/** What was found, for the log. */
export interface CheckFacts {
  /** `dkim` has one a signature. */
  readonly results: readonly MethodResult[]
  /** Name of the client's address that leads back to it (FCrDNS). */
  readonly reverseName?: string
  /** Why it is not simply accepted, or accepted all the same. */
  readonly reason?: string
}

export interface Verdict {
  readonly disposition: Disposition
  /** With `reject` and `defer`. */
  readonly reply?: CheckReply
  /** Fields that go before the message's own trace lines, CRLF each: Authentication-Results (RFC 8601). */
  readonly headerLines: string
  readonly facts: CheckFacts
}

export interface InboundChecks {
  /** Whether mail from there is looked at; nothing else is asked otherwise. */
  concerns(remoteAddress: string): boolean
  /** {@link recipient} may say something other than `undefined`. */
  readonly asksAtRecipient: boolean
  /** At RCPT: `undefined` lets the client go on. Never rejects. */
  recipient(question: RecipientQuestion): Promise<CheckReply | undefined>
  /** At the end of DATA. Never rejects: a check that is not possible is a `defer`. */
  check(question: MessageQuestion): Promise<Verdict>
}

/** Where nothing can be told now: the client comes again. */
export const NOT_NOW: Verdict = {
  disposition: 'defer',
  reply: { code: 451, text: '4.7.0 The message cannot be checked now, try again later' },
  headerLines: '',
  facts: { results: [], reason: 'checks-unavailable' },
}

/** A verdict as the log tells it: `spf=pass dkim=none dmarc=fail`. */
export function checksLogged({ disposition, facts }: Verdict): object {
  const { results, reverseName, reason } = facts
  const checks = results.map(({ method, result }) => `${method}=${result}`).join(' ')
  return { disposition, checks, reverseName, reason }
}

/** Results as people are told them, with what they were found about. */
export function resultsSaid(results: readonly MethodResult[]): string {
  return results
    .map(({ method, result, comment, properties }) => {
      const about = properties['header.d'] ?? (comment === undefined ? undefined : `(${comment})`)
      return about === undefined ? `${method}=${result}` : `${method}=${result} ${about}`
    })
    .join(', ')
}
