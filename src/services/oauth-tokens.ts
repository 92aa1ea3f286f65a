/** Access tokens that are JWTs (RFC 7519, RFC 9068), checked against the keys of their issuer. @module */
import type { errors, JWTPayload, JWTVerifyOptions } from 'jose'
import type { Clock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import type { Protocol } from '#store/directory.ts'
import { configurationUri, IssuerKeys, type IssuerKeysOptions, type KeySet } from './oauth-keys.ts'

/** Whose tokens count, from `[auth.oauth]`. */
export interface OAuthIssuer {
  /** As the tokens name it (`iss`), to the letter. */
  readonly issuer: string
  /** What a token must be for (`aud`): one of these. */
  readonly audience: readonly string[]
  readonly jwksUri: string | undefined
  /** The claim with the account's address. */
  readonly claim: string
  /** The scope a protocol demands; none: any token will do. */
  readonly scopes: Readonly<Partial<Record<Protocol, string>>>
}

/** What clients are told of an issuer (RFC 7628 §3.2.2). */
export interface OAuthOffer {
  readonly scopes: OAuthIssuer['scopes']
  /** The issuer's description, where it is on HTTPS. */
  readonly configuration: string | undefined
}

export type TokenRefusal =
  /** Not a token of this issuer for us, or not any more, or not yet. */
  | { readonly kind: 'invalid' }
  | { readonly kind: 'scope' }
  /** The issuer cannot be asked for its keys. */
  | { readonly kind: 'unavailable' }

/** Says whom a token is for. */
export interface TokenVerifier {
  /** @returns The address in the token, as the issuer wrote it. */
  verify(token: string, protocol: Protocol): Promise<Result<string, TokenRefusal>>
}

/** Asymmetric ones only: whoever may check must not be able to sign. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
/** By how much the clocks of issuer and server may differ. */
const TOLERANCE_SECONDS = 30

export function oauthOffer({ issuer, scopes }: OAuthIssuer): OAuthOffer {
  return { scopes, configuration: issuer.startsWith('https:') ? configurationUri(issuer) : undefined }
}

/**
 * Checks signature, `iss`, `aud`, `exp`, `nbf`, scope and address. Nothing is remembered of a token: a check costs less
 * than a millisecond, and one that has expired opens nothing.
 */
export class JwtVerifier implements TokenVerifier {
  readonly #issuer: OAuthIssuer
  readonly #clock: Clock
  readonly #keys: IssuerKeys

  constructor(issuer: OAuthIssuer, options: Pick<IssuerKeysOptions, 'clock' | 'failed'>) {
    this.#issuer = issuer
    this.#clock = options.clock
    this.#keys = new IssuerKeys({ issuer: issuer.issuer, jwksUri: issuer.jwksUri, ...options })
  }

  async verify(token: string, protocol: Protocol): Promise<Result<string, TokenRefusal>> {
    const jose = await import('jose')
    try {
      jose.decodeProtectedHeader(token)
    } catch {
      // what is no JWT needs no keys
      return refused({ kind: 'invalid' })
    }
    const keys = await this.#keys.current()
    if (keys === undefined) return refused({ kind: 'unavailable' })
    try {
      const claims = await this.#claims(token, keys).catch(async (error: unknown) => {
        if (!(error instanceof jose.errors.JWKSNoMatchingKey)) throw error
        const renewed = await this.#keys.renewed()
        if (renewed === undefined) throw error
        return this.#claims(token, renewed)
      })
      return this.#judge(claims, protocol)
    } catch (error) {
      if (error instanceof jose.errors.JOSEError || error instanceof TypeError) return refused({ kind: 'invalid' })
      throw error
    }
  }

  async #claims(token: string, keys: KeySet): Promise<JWTPayload> {
    const { jwtVerify, errors: faults } = await import('jose')
    const options: JWTVerifyOptions = {
      issuer: this.#issuer.issuer,
      audience: [...this.#issuer.audience],
      algorithms: ALGORITHMS,
      requiredClaims: ['exp'],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: new Date(this.#clock.now()),
    }
    try {
      return (await jwtVerify(token, keys, options)).payload
    } catch (error) {
      if (!(error instanceof faults.JWKSMultipleMatchingKeys)) throw error
      return await firstThatFits(error, async (key) => (await jwtVerify(token, key, options)).payload)
    }
  }

  #judge(claims: JWTPayload, protocol: Protocol): Result<string, TokenRefusal> {
    const address = claims[this.#issuer.claim]
    if (typeof address !== 'string' || address === '') return refused({ kind: 'invalid' })
    // an address the issuer itself does not vouch for is anybody's
    const { email_verified: verified } = claims
    if (this.#issuer.claim === 'email' && (verified === false || verified === 'false')) {
      return refused({ kind: 'invalid' })
    }
    const wanted = this.#issuer.scopes[protocol]
    if (wanted !== undefined && !scopesOf(claims).includes(wanted)) return refused({ kind: 'scope' })
    return done(address)
  }
}

/** A token without `kid` may be of any key of its kind. */
async function firstThatFits<T>(
  keys: InstanceType<typeof errors.JWKSMultipleMatchingKeys>,
  attempt: (key: CryptoKey) => Promise<T>,
): Promise<T> {
  const { errors: faults } = await import('jose')
  for await (const key of keys) {
    try {
      return await attempt(key)
    } catch (error) {
      if (!(error instanceof faults.JWSSignatureVerificationFailed)) throw error
    }
  }
  throw new faults.JWSSignatureVerificationFailed()
}

/** `scope` of RFC 9068 §2.2.3, `scp` of Microsoft and Okta. */
function scopesOf({ scope, scp }: JWTPayload): readonly unknown[] {
  return [scope, scp].flatMap((one) => (typeof one === 'string' ? one.split(' ') : Array.isArray(one) ? one : []))
}
