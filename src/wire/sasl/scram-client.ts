/** SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, client's side (RFC 5802 §5, RFC 7677). @module */
import { Buffer } from 'node:buffer'
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { saslPrep } from '#lib/sasl-prep.ts'
import { hmacSha256, type ScramClientKeys, scramClientKeys, scramStoredKey } from '#lib/scram-keys.ts'
import { SCRAM_ITERATIONS_LEAST, SCRAM_ITERATIONS_MOST } from './limits.ts'
import { encodeBase64 } from './lines.ts'
import type { SaslClient, SaslReply } from './mechanism.ts'
import type { PlainMessage } from './plain.ts'
import {
  type BindingFlag,
  formatClientFirst,
  formatWithoutProof,
  parseServerFinal,
  parseServerFirst,
} from './scram-messages.ts'

export interface ScramClientOptions {
  readonly message: PlainMessage
  /** A type with its data makes it -PLUS; `y`: we could bind, the server did not offer -PLUS; `n`: we cannot. */
  readonly binding: 'n' | 'y' | { readonly type: string; readonly data: Uint8Array }
  /** Printable ASCII without comma; tests set it. */
  readonly nonce?: () => string
}

type State =
  | { readonly at: 'start' }
  | { readonly at: 'first-sent'; readonly gs2Header: string; readonly bare: string; readonly nonce: string }
  | { readonly at: 'proof-sent'; readonly serverSignature: Uint8Array }
  | { readonly at: 'end'; readonly verified: boolean }

/** One exchange; `complete` once the server has proved that it knows the password's keys. */
export class ScramClient implements SaslClient {
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS'
  readonly clientFirst = true
  readonly #options: ScramClientOptions
  #state: State = { at: 'start' }

  constructor(options: ScramClientOptions) {
    this.#options = options
    this.mechanism = typeof options.binding === 'object' ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256'
  }

  get complete(): boolean {
    return this.#state.at === 'end' && this.#state.verified
  }

  async respond(challenge: Uint8Array | undefined): Promise<SaslReply> {
    const state = this.#state
    switch (state.at) {
      case 'start':
        return this.#first()
      case 'first-sent':
        return challenge === undefined ? this.#abort('malformed') : this.#prove(state, challenge)
      case 'proof-sent':
        return challenge === undefined ? this.#abort('malformed') : this.#verify(state.serverSignature, challenge)
      case 'end':
        return this.#abort('malformed')
    }
  }

  #first(): SaslReply {
    const { message, binding, nonce: makeNonce } = this.#options
    const nonce = makeNonce?.() ?? randomBytes(18).toString('base64url')
    const flag: BindingFlag = typeof binding === 'object' ? { type: binding.type } : binding
    const login = saslPrep(message.login) ?? message.login
    const { gs2Header, bare } = formatClientFirst({ flag, authorizeAs: message.authorizeAs, login, nonce })
    this.#state = { at: 'first-sent', gs2Header, bare, nonce }
    return { kind: 'response', data: Buffer.from(gs2Header + bare, 'latin1') }
  }

  async #prove(state: State & { at: 'first-sent' }, challenge: Uint8Array): Promise<SaslReply> {
    const first = parseServerFirst(challenge)
    if (first === undefined || !first.nonce.startsWith(state.nonce) || first.nonce === state.nonce) {
      return this.#abort('malformed')
    }
    if (first.iterations < SCRAM_ITERATIONS_LEAST || first.iterations > SCRAM_ITERATIONS_MOST) {
      return this.#abort('iterations')
    }
    const { message, binding } = this.#options
    const keys = await scramClientKeys(message.password, first.salt, first.iterations)
    const header = Buffer.from(state.gs2Header, 'latin1')
    const bound = typeof binding === 'object' ? Buffer.concat([header, binding.data]) : header
    const withoutProof = formatWithoutProof(bound, first.nonce)
    const serverFirst = Buffer.from(challenge).toString('latin1')
    const { proof, serverSignature } = signatures(keys, `${state.bare},${serverFirst},${withoutProof}`)
    this.#state = { at: 'proof-sent', serverSignature }
    return { kind: 'response', data: Buffer.from(`${withoutProof},p=${encodeBase64(proof)}`, 'latin1') }
  }

  #verify(expected: Uint8Array, challenge: Uint8Array): SaslReply {
    const final = parseServerFinal(challenge)
    if (final === undefined) return this.#abort('malformed')
    if (final.kind === 'error') return this.#abort('server-error')
    const { signature } = final
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
      return this.#abort('server-proof')
    this.#state = { at: 'end', verified: true }
    return { kind: 'response', data: new Uint8Array(0) }
  }

  #abort(why: (SaslReply & { kind: 'abort' })['why']): SaslReply {
    this.#state = { at: 'end', verified: false }
    return { kind: 'abort', why }
  }
}

function signatures(keys: ScramClientKeys, text: string): { proof: Uint8Array; serverSignature: Uint8Array } {
  const authMessage = Buffer.from(text, 'latin1')
  const clientSignature = hmacSha256(scramStoredKey(keys.clientKey), authMessage)
  const proof = Uint8Array.from(keys.clientKey, (octet, index) => octet ^ (clientSignature[index] ?? 0))
  return { proof, serverSignature: hmacSha256(keys.serverKey, authMessage) }
}
