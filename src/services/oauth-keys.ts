/** The keys an issuer of tokens signs with, as it publishes them (RFC 7517 §5, OpenID Connect Discovery §4). @module */
import type { createLocalJWKSet } from 'jose'
import type { Clock } from '#lib/clock.ts'

/** Gives the key of a token; what jose takes. */
export type KeySet = ReturnType<typeof createLocalJWKSet>

export interface IssuerKeysOptions {
  readonly issuer: string
  /** `undefined`: asked of the issuer's own description. */
  readonly jwksUri: string | undefined
  readonly clock: Clock
  /** Told why the keys could not be had. */
  readonly failed?: (error: unknown) => void
}

/** Keys older than this are fetched again, behind the back of whoever needs them. */
const FRESH_MS = 10 * 60_000
/** While the issuer cannot be reached, its keys count so long. */
const STALE_MS = 24 * 3_600_000
/** A token with a key we do not know makes us ask again, no oftener than this; anybody can send such. */
const COOLDOWN_MS = 30_000
/** After a failure without any keys, nobody waits for the next try more often than this. */
const RETRY_MS = 5_000
const FETCH_TIMEOUT_MS = 5_000
const MOST_BYTES = 256 * 1024

/** Keeps the keys, so that an issuer that is slow or gone for a while stops nobody. */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions
  #keys: { readonly set: KeySet; readonly fetchedAt: number } | undefined
  #triedAt = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined

  constructor(options: IssuerKeysOptions) {
    this.#options = options
  }

  /** The keys there are; `undefined`: none, the issuer cannot be asked. */
  async current(): Promise<KeySet | undefined> {
    const age = this.#age()
    if (age > FRESH_MS && this.#sinceTry() >= RETRY_MS) {
      const fetching = this.#fetch()
      if (age > STALE_MS) await fetching
    } else if (age > STALE_MS) await this.#fetching
    return this.#age() > STALE_MS ? undefined : this.#keys?.set
  }

  /** The keys after one was missing: the issuer may have a new one. `undefined`: we asked a moment ago. */
  async renewed(): Promise<KeySet | undefined> {
    if (this.#fetching === undefined && this.#sinceTry() < COOLDOWN_MS) return undefined
    const before = this.#keys
    await this.#fetch()
    return this.#keys === before ? undefined : this.#keys?.set
  }

  #age(): number {
    return this.#keys === undefined ? Number.POSITIVE_INFINITY : this.#options.clock.now() - this.#keys.fetchedAt
  }

  #sinceTry(): number {
    return this.#options.clock.now() - this.#triedAt
  }

  /** One at a time; a failure leaves what was there. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchKeys()
      .catch((error: unknown) => this.#options.failed?.(error))
      .finally(() => {
        this.#triedAt = this.#options.clock.now()
        this.#fetching = undefined
      })
    return this.#fetching
  }

  async #fetchKeys(): Promise<void> {
    const { createLocalJWKSet } = await import('jose')
    const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS)
    const uri = this.#options.jwksUri ?? (await this.#discover(signal))
    const found = await this.#json(uri, signal)
    const keys = Array.isArray(found['keys']) ? found['keys'].filter(isTable) : []
    if (keys.length === 0) throw new Error(`There are no keys at ${uri}`)
    this.#keys = { set: createLocalJWKSet({ keys }), fetchedAt: this.#options.clock.now() }
  }

  async #discover(signal: AbortSignal): Promise<string> {
    const { issuer } = this.#options
    const found = await this.#json(configurationUri(issuer), signal)
    const uri = found['jwks_uri']
    if (found['issuer'] !== issuer || typeof uri !== 'string') throw new Error(`${issuer} describes another issuer`)
    return uri
  }

  async #json(uri: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    // a redirect would let the answer come from anywhere
    const answer = await fetch(uri, { signal, redirect: 'error' })
    if (!answer.ok || answer.body === null) throw new Error(`${uri} answers ${answer.status}`)
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of answer.body) {
      size += chunk.length
      if (size > MOST_BYTES) throw new Error(`${uri} answers more than ${MOST_BYTES} bytes`)
      chunks.push(chunk)
    }
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString())
    if (!isTable(value)) throw new Error(`${uri} answers no object`)
    return value
  }
}

/** Where an issuer describes itself (OpenID Connect Discovery §4). */
export function configurationUri(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
