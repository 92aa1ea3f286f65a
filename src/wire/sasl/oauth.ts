/** OAUTHBEARER (RFC 7628) and XOAUTH2, both ends. @module */
import type { SaslAuthority, SaslClient, SaslMechanism, SaslReply, SaslStep } from './mechanism.ts'
import {
  type BearerMessage,
  formatBearer,
  formatBearerFault,
  formatXoauth2,
  formatXoauth2Fault,
  parseBearer,
  parseXoauth2,
} from './oauth-messages.ts'
import type { Exchange } from './plain.ts'

type BearerMechanism = Extract<SaslMechanism, 'OAUTHBEARER' | 'XOAUTH2'>

/**
 * Server's side. A refusal is explained in a challenge first (RFC 7628 §3.2.2), as a failure has no room for it; what
 * the client says to that does not matter (§3.2.3), so that XOAUTH2's empty line and a cancellation do as well.
 */
export class BearerExchange<L, R> implements Exchange<L, R> {
  readonly #mechanism: BearerMechanism
  readonly #authority: SaslAuthority<L, R>
  #refusal: { readonly kind: 'refused'; readonly refusal: R } | undefined

  constructor(mechanism: BearerMechanism, authority: SaslAuthority<L, R>) {
    this.#mechanism = mechanism
    this.#authority = authority
  }

  async step(response: Uint8Array | undefined): Promise<SaslStep<L, R>> {
    if (this.#refusal !== undefined) return this.#refusal
    // Microsoft's clients send XOAUTH2 in two lines over POP3: they wait for this
    if (response === undefined) return { kind: 'challenge', data: new Uint8Array(0) }
    const plain = this.#mechanism === 'XOAUTH2'
    const message = plain ? parseXoauth2(response) : parseBearer(response)
    if (message === undefined) return { kind: 'failed', why: 'malformed' }
    const { name, token } = message
    const answer = await this.#authority.bearer({ login: name, authorizeAs: '', token })
    if (answer.ok) return { kind: 'success', login: answer.value }
    this.#refusal = { kind: 'refused', refusal: answer.error }
    const fault = this.#authority.bearerFault(answer.error)
    return { kind: 'challenge', data: plain ? formatXoauth2Fault(fault) : formatBearerFault(fault) }
  }

  /** RFC 7628 §4.3: `*` in place of the dummy response ends in the same refusal. */
  cancelled(): SaslStep<L, R> | undefined {
    return this.#refusal
  }
}

/** Client's side. */
export class BearerClient implements SaslClient {
  readonly mechanism: BearerMechanism
  readonly clientFirst = true
  readonly #message: BearerMessage
  #state: 'start' | 'sent' | 'refused' = 'start'

  constructor(mechanism: BearerMechanism, message: BearerMessage) {
    this.mechanism = mechanism
    this.#message = message
  }

  get complete(): boolean {
    return this.#state === 'sent'
  }

  async respond(): Promise<SaslReply> {
    const plain = this.mechanism === 'XOAUTH2'
    switch (this.#state) {
      case 'start':
        this.#state = 'sent'
        return { kind: 'response', data: plain ? formatXoauth2(this.#message) : formatBearer(this.#message) }
      case 'sent':
        // a challenge now says that it failed; kvsep alone is the dummy response (RFC 7628 §3.2.3)
        this.#state = 'refused'
        return { kind: 'response', data: plain ? new Uint8Array(0) : Uint8Array.of(1) }
      case 'refused':
        return { kind: 'abort', why: 'malformed' }
    }
  }
}
