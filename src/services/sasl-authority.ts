import type { Result } from '#lib/result.ts'
import type { Protocol } from '#store/directory.ts'
import type { OAuthOffer } from './oauth-tokens.ts'
import type { ConnectionId, Login, LoginRefusal, Registry, ScramSecrets } from './registry.ts'

/** What the mechanisms of `wire/sasl` ask; the same form as its `SaslAuthority<Login, LoginRefusal>`. */
export interface RegistryAuthority {
  password(attempt: { login: string; authorizeAs: string; password: string }): Promise<Result<Login, LoginRefusal>>
  scramStart(attempt: { login: string; authorizeAs: string }): Promise<Result<ScramSecrets, LoginRefusal>>
  scramFinish(
    attempt: { login: string; authorizeAs: string },
    matched: number | undefined,
  ): Promise<Result<Login, LoginRefusal>>
  bearer(attempt: { login: string; token: string }): Promise<Result<Login, LoginRefusal>>
  bearerFault(refusal: LoginRefusal): {
    readonly status: string
    readonly scope?: string
    readonly configuration?: string
  }
  external(attempt: { authorizeAs: string }): Promise<Result<Login, LoginRefusal>>
}

/** What there is besides passwords. */
export interface OtherProofs {
  /** The issuer of tokens, as its clients know it. */
  readonly oauth?: OAuthOffer | undefined
  /** Addresses in the client certificate that TLS has verified on this connection, as it is when asked. */
  readonly certificate?: () => readonly string[]
}

/** Lets the SASL mechanisms of one connection ask the registry. */
export function saslAuthority(
  registry: Registry,
  connection: ConnectionId,
  protocol: Protocol,
  { oauth, certificate }: OtherProofs = {},
): RegistryAuthority {
  const scope = oauth?.scopes[protocol]
  const where = {
    ...(scope === undefined ? {} : { scope }),
    ...(oauth?.configuration === undefined ? {} : { configuration: oauth.configuration }),
  }
  return {
    password: ({ login, authorizeAs, password }) =>
      registry.login({ connection, protocol, login, authorizeAs, password }),
    scramStart: ({ login, authorizeAs }) => registry.scramStart({ connection, protocol, login, authorizeAs }),
    scramFinish: ({ login, authorizeAs }, matched) =>
      registry.scramFinish({ attempt: { connection, protocol, login, authorizeAs }, matched }),
    bearer: ({ login, token }) => registry.loginByToken({ connection, protocol, login, token }),
    bearerFault: (refusal) => ({ status: bearerStatus(refusal), ...where }),
    external: ({ authorizeAs }) =>
      registry.loginByCertificate({
        connection,
        protocol,
        login: authorizeAs,
        addresses: certificate?.() ?? [],
      }),
  }
}

/** Words of the OAuth error registry (RFC 6749 §5.2, RFC 6750 §3.1). */
function bearerStatus(refusal: LoginRefusal): string {
  switch (refusal.kind) {
    case 'wrong-credentials':
      return 'invalid_token'
    case 'not-allowed':
      return refusal.why === 'protocol' ? 'insufficient_scope' : 'invalid_token'
    case 'throttled':
    case 'too-many-sessions':
    case 'unavailable':
      return 'temporarily_unavailable'
  }
}
