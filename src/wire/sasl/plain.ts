/** PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login-00), both ends. @module */
import { Buffer } from 'node:buffer'
import { LOGIN_OCTETS } from './limits.ts'
import type { SaslAuthority, SaslClient, SaslIdentity, SaslReply, SaslStep } from './mechanism.ts'
import { decodeText, isLogin, isPassword } from './text.ts'

/** What PLAIN carries. */
export interface PlainMessage extends SaslIdentity {
  readonly password: string
}

const EMPTY = new Uint8Array(0)

// message = [authzid] UTF8NUL authcid UTF8NUL passwd
/**
 * Reads a PLAIN message; `undefined` when it is none.
 * Quirk: one NUL at the very end is dropped (clients that send C strings with their end).
 */
export function parsePlain(octets: Uint8Array): PlainMessage | undefined {
  const first = octets.indexOf(0)
  if (first === -1) return undefined
  const second = octets.indexOf(0, first + 1)
  if (second === -1) return undefined
  const authzid = octets.subarray(0, first)
  const authcid = octets.subarray(first + 1, second)
  let password = octets.subarray(second + 1)
  if (password.length > 1 && password.indexOf(0) === password.length - 1) password = password.subarray(0, -1)
  if (!isLogin(authcid) || !isPassword(password) || authzid.length > LOGIN_OCTETS) return undefined
  return { authorizeAs: decodeText(authzid), login: decodeText(authcid), password: decodeText(password) }
}

/** Writes a PLAIN message. */
export function formatPlain(message: PlainMessage): Uint8Array {
  return Buffer.from(`${message.authorizeAs}\0${message.login}\0${message.password}`, 'utf8')
}

/** A mechanism's own part of an exchange: octets in, a step out; `undefined` is "no initial response". */
export interface Exchange<L, R> {
  step(response: Uint8Array | undefined): Promise<SaslStep<L, R>>
  /** What a cancellation ends in, where that is more than a cancellation. */
  cancelled?(): SaslStep<L, R> | undefined
}

/** PLAIN, server's side. */
export class PlainExchange<L, R> implements Exchange<L, R> {
  readonly #authority: SaslAuthority<L, R>

  constructor(authority: SaslAuthority<L, R>) {
    this.#authority = authority
  }

  async step(response: Uint8Array | undefined): Promise<SaslStep<L, R>> {
    if (response === undefined) return { kind: 'challenge', data: EMPTY }
    const message = parsePlain(response)
    if (message === undefined) return { kind: 'failed', why: 'malformed' }
    const answer = await this.#authority.password(message)
    return answer.ok ? { kind: 'success', login: answer.value } : { kind: 'refused', refusal: answer.error }
  }
}

/** LOGIN, server's side. The two challenges are the ones clients compare with. */
export class LoginExchange<L, R> implements Exchange<L, R> {
  readonly #authority: SaslAuthority<L, R>
  #login: string | undefined

  constructor(authority: SaslAuthority<L, R>) {
    this.#authority = authority
  }

  async step(response: Uint8Array | undefined): Promise<SaslStep<L, R>> {
    if (response === undefined) return { kind: 'challenge', data: Buffer.from('Username:') }
    if (this.#login === undefined) {
      if (!isLogin(response)) return { kind: 'failed', why: 'malformed' }
      this.#login = decodeText(response)
      return { kind: 'challenge', data: Buffer.from('Password:') }
    }
    if (!isPassword(response)) return { kind: 'failed', why: 'malformed' }
    const attempt = { login: this.#login, authorizeAs: '', password: decodeText(response) }
    const answer = await this.#authority.password(attempt)
    return answer.ok ? { kind: 'success', login: answer.value } : { kind: 'refused', refusal: answer.error }
  }
}

/** PLAIN, client's side. */
export class PlainClient implements SaslClient {
  readonly mechanism = 'PLAIN'
  readonly clientFirst = true
  complete = false
  readonly #message: PlainMessage

  constructor(message: PlainMessage) {
    this.#message = message
  }

  async respond(): Promise<SaslReply> {
    if (this.complete) return { kind: 'abort', why: 'malformed' }
    this.complete = true
    return { kind: 'response', data: formatPlain(this.#message) }
  }
}

/** LOGIN, client's side; what the challenges say does not matter, only their order. */
export class LoginClient implements SaslClient {
  readonly mechanism = 'LOGIN'
  readonly clientFirst = false
  readonly #answers: string[]

  constructor(message: PlainMessage) {
    this.#answers = [message.login, message.password]
  }

  get complete(): boolean {
    return this.#answers.length === 0
  }

  async respond(challenge: Uint8Array | undefined): Promise<SaslReply> {
    if (challenge === undefined) return { kind: 'response', data: EMPTY }
    const answer = this.#answers.shift()
    return answer === undefined ? { kind: 'abort', why: 'malformed' } : { kind: 'response', data: Buffer.from(answer) }
  }
}
