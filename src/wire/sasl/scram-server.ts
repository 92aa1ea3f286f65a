/** SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, server's side (RFC 5802 §5, RFC 7677). @module */
import { Buffer } from 'node:buffer'
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { hmacSha256, SCRAM_KEY_OCTETS } from '#lib/scram-keys.ts'
import type { ChannelBindings } from './channel-binding.ts'
import { encodeBase64 } from './lines.ts'
import type { SaslAuthority, SaslFault, SaslIdentity, SaslStep, ScramKeys, ScramOffer } from './mechanism.ts'
import type { Exchange } from './plain.ts'
import { formatServerFirst, type ParsedClientFirst, parseClientFinal, parseClientFirst } from './scram-messages.ts'

export interface ScramServerOptions<L, R> {
  readonly plus: boolean
  readonly authority: SaslAuthority<L, R>
  /** `undefined`: this connection has no channel to bind to, and -PLUS was not offered. */
  readonly bindings: ChannelBindings | undefined
  /** Printable ASCII without comma; tests set it. */
  readonly nonce?: () => string
}

interface Started {
  readonly identity: SaslIdentity
  readonly offer: ScramOffer
  readonly serverFirst: string
  readonly clientFirst: ParsedClientFirst
  readonly nonce: string
  readonly bindingData: Uint8Array
}

/** One exchange. The proof is checked against every verifier offered; the first that fits signs the answer. */
export class ScramExchange<L, R> implements Exchange<L, R> {
  readonly #options: ScramServerOptions<L, R>
  #started: Started | undefined
  #matched: number | undefined

  constructor(options: ScramServerOptions<L, R>) {
    this.#options = options
  }

  async step(response: Uint8Array | undefined): Promise<SaslStep<L, R>> {
    if (this.#matched !== undefined) return this.#finish(response)
    if (this.#started !== undefined) return this.#check(this.#started, response)
    if (response === undefined) return { kind: 'challenge', data: new Uint8Array(0) }
    return this.#start(response)
  }

  async #start(response: Uint8Array): Promise<SaslStep<L, R>> {
    const message = parseClientFirst(response)
    if (message === undefined) return fault('malformed')
    const bindingData = this.#bindingData(message)
    if (bindingData === undefined) return fault('channel-binding')
    const identity = { login: message.login, authorizeAs: message.authorizeAs }
    const answer = await this.#options.authority.scramStart(identity)
    if (!answer.ok) return { kind: 'refused', refusal: answer.error }
    const offer = answer.value
    const nonce = message.nonce + (this.#options.nonce?.() ?? randomBytes(18).toString('base64url'))
    const serverFirst = formatServerFirst({ nonce, salt: offer.salt, iterations: offer.iterations })
    this.#started = { identity, offer, serverFirst, clientFirst: message, nonce, bindingData }
    return { kind: 'challenge', data: Buffer.from(serverFirst, 'latin1') }
  }

  /** RFC 5802 §6: `y` where we do bind is a downgrade; -PLUS needs a type we have, and only -PLUS may have one. */
  #bindingData({ flag }: ParsedClientFirst): Uint8Array | undefined {
    const { plus, bindings } = this.#options
    if (typeof flag === 'object') return plus ? bindings?.(flag.type) : undefined
    if (plus || (flag === 'y' && bindings !== undefined)) return undefined
    return new Uint8Array(0)
  }

  async #check(started: Started, response: Uint8Array | undefined): Promise<SaslStep<L, R>> {
    const message = response === undefined ? undefined : parseClientFinal(response)
    if (message === undefined || message.nonce !== started.nonce || message.proof.length !== SCRAM_KEY_OCTETS) {
      return fault('malformed')
    }
    const binding = Buffer.concat([Buffer.from(started.clientFirst.gs2Header, 'latin1'), started.bindingData])
    if (!equal(binding, message.binding)) return fault('channel-binding')
    const authMessage = Buffer.from(
      `${started.clientFirst.bare},${started.serverFirst},${message.withoutProof}`,
      'latin1',
    )
    const { verifiers } = started.offer
    // all are tried, so that the time does not tell which password it was
    let matched: number | undefined
    for (const [index, keys] of verifiers.entries()) {
      if (proofFits(keys, authMessage, message.proof)) matched ??= index
    }
    const keys = matched === undefined ? undefined : verifiers[matched]
    if (keys === undefined) return this.#finish(new Uint8Array(0))
    this.#matched = matched
    const signature = hmacSha256(keys.serverKey, authMessage)
    return { kind: 'challenge', data: Buffer.from(`v=${encodeBase64(signature)}`) }
  }

  async #finish(response: Uint8Array | undefined): Promise<SaslStep<L, R>> {
    if (this.#started === undefined || response === undefined || response.length > 0) return fault('malformed')
    const answer = await this.#options.authority.scramFinish(this.#started.identity, this.#matched)
    return answer.ok ? { kind: 'success', login: answer.value } : { kind: 'refused', refusal: answer.error }
  }
}

function fault(why: SaslFault): { readonly kind: 'failed'; readonly why: SaslFault } {
  return { kind: 'failed', why }
}

/** H(proof XOR HMAC(StoredKey, AuthMessage)) must be StoredKey (RFC 5802 §3). */
function proofFits(keys: ScramKeys, authMessage: Uint8Array, proof: Uint8Array): boolean {
  const clientKey = hmacSha256(keys.storedKey, authMessage).map((octet, index) => octet ^ (proof[index] ?? 0))
  return equal(createHash('sha256').update(clientKey).digest(), keys.storedKey)
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}
