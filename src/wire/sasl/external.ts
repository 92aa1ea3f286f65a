/** EXTERNAL (RFC 4422 appendix A), both ends: TLS has shown who the client is. @module */
import { Buffer } from 'node:buffer'
import { LOGIN_OCTETS } from './limits.ts'
import type { SaslAuthority, SaslClient, SaslReply, SaslStep } from './mechanism.ts'
import type { Exchange } from './plain.ts'
import { strictUtf8 } from './text.ts'

/** Server's side. */
export class ExternalExchange<L, R> implements Exchange<L, R> {
  readonly #authority: SaslAuthority<L, R>

  constructor(authority: SaslAuthority<L, R>) {
    this.#authority = authority
  }

  // initial-response = *( UTF8-char-no-nul ), the authorization identity
  async step(response: Uint8Array | undefined): Promise<SaslStep<L, R>> {
    if (response === undefined) return { kind: 'challenge', data: new Uint8Array(0) }
    const authorizeAs = response.length > LOGIN_OCTETS ? undefined : strictUtf8(response)
    if (authorizeAs === undefined || authorizeAs.includes('\0')) return { kind: 'failed', why: 'malformed' }
    const answer = await this.#authority.external({ authorizeAs })
    return answer.ok ? { kind: 'success', login: answer.value } : { kind: 'refused', refusal: answer.error }
  }
}

/** Client's side. */
export class ExternalClient implements SaslClient {
  readonly mechanism = 'EXTERNAL'
  readonly clientFirst = true
  complete = false
  readonly #authorizeAs: string

  constructor(authorizeAs: string) {
    this.#authorizeAs = authorizeAs
  }

  async respond(): Promise<SaslReply> {
    if (this.complete) return { kind: 'abort', why: 'malformed' }
    this.complete = true
    return { kind: 'response', data: Buffer.from(this.#authorizeAs) }
  }
}
