/**
 * SASL mechanisms (RFC 4422) as state machines without I/O. The server's side asks a {@link SaslAuthority} whether
 * credentials are right; what a login and a refusal are is the authority's own matter.
 * @module
 */
import type { Result } from '#lib/result.ts'
import type { BearerFault } from './oauth-messages.ts'

/** Strongest first: the order in which they are offered and chosen. */
export const SASL_MECHANISMS = [
  'EXTERNAL',
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-256',
  'OAUTHBEARER',
  'XOAUTH2',
  'PLAIN',
  'LOGIN',
] as const
export type SaslMechanism = (typeof SASL_MECHANISMS)[number]

/** Who somebody says they are. */
export interface SaslIdentity {
  /** The authentication identity, as the client sent it. */
  readonly login: string
  /** The authorization identity; empty for "the same". */
  readonly authorizeAs: string
}

/** Keys against which a SCRAM proof is checked (RFC 5802 §3). */
export interface ScramKeys {
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** What the server-first message says, and the keys of every password made with this salt and count. */
export interface ScramOffer {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly verifiers: readonly ScramKeys[]
}

/** Decides about credentials: `L` is what a session gets of a login, `R` why it was refused. */
export interface SaslAuthority<L, R> {
  password(attempt: SaslIdentity & { readonly password: string }): Promise<Result<L, R>>
  scramStart(attempt: SaslIdentity): Promise<Result<ScramOffer, R>>
  /** @param matched Index in the offer's `verifiers` of the one that fitted; `undefined`: the proof was wrong. */
  scramFinish(attempt: SaslIdentity, matched: number | undefined): Promise<Result<L, R>>
  /** @param attempt `login` empty: whomever the token is for. `token` empty: only {@link bearerFault} is wanted. */
  bearer(attempt: SaslIdentity & { readonly token: string }): Promise<Result<L, R>>
  /** What the client of a refused token is told. */
  bearerFault(refusal: R): BearerFault
  /** TLS has shown who it is; empty: as the certificate says. */
  external(attempt: { readonly authorizeAs: string }): Promise<Result<L, R>>
}

/**
 * Why an exchange ended without asking about credentials: bytes outside the grammar, the client's `*`, or a channel
 * binding that is wrong, unknown or was bargained away (RFC 5802 §6).
 */
export type SaslFault = 'malformed' | 'cancelled' | 'channel-binding'

/** What the session does next. */
export type SaslStep<L, R> =
  /** Send it in base64 and pass on the answer. Data that comes with success goes out this way too (RFC 4954 §4, RFC 5034 §4). */
  | { readonly kind: 'challenge'; readonly data: Uint8Array }
  | { readonly kind: 'success'; readonly login: L }
  | { readonly kind: 'refused'; readonly refusal: R }
  | { readonly kind: 'failed'; readonly why: SaslFault }

/** One exchange, server's side. Calls never overlap; after anything but a challenge it is over. */
export interface SaslServer<L, R> {
  readonly mechanism: SaslMechanism
  /** @param initial The initial response as it stands in the command (`=` is an empty one), `undefined` without. */
  begin(initial: string | undefined): Promise<SaslStep<L, R>>
  /** @param line What the client answered to a challenge, without CRLF. */
  line(line: string): Promise<SaslStep<L, R>>
}

/** One exchange, client's side. */
export interface SaslClient {
  readonly mechanism: SaslMechanism
  /** `true`: {@link respond} without a challenge gives an initial response (RFC 4422 §3). */
  readonly clientFirst: boolean
  /**
   * The answer to a challenge (decoded), or the initial response for `undefined`.
   * @returns `abort`: send `*` and give up; the server did not show what it should know.
   */
  respond(challenge: Uint8Array | undefined): Promise<SaslReply>
  /** Must be `true` when the server reports success, else it skipped its part of the proof. */
  readonly complete: boolean
}

export type SaslReply =
  | { readonly kind: 'response'; readonly data: Uint8Array }
  | { readonly kind: 'abort'; readonly why: 'malformed' | 'server-proof' | 'iterations' | 'server-error' }
