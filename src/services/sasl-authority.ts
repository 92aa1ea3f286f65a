import { type Result, refused } from '#lib/result.ts'
import type { Protocol } from '#store/directory.ts'
import type { ConnectionId, Login, LoginRefusal, Registry, ScramSecrets } from './registry.ts'

/** What the mechanisms of `wire/sasl` ask; the same form as its `SaslAuthority<Login, LoginRefusal>`. */
export interface RegistryAuthority {
  password(attempt: { login: string; authorizeAs: string; password: string }): Promise<Result<Login, LoginRefusal>>
  scramStart(attempt: { login: string; authorizeAs: string }): Promise<Result<ScramSecrets, LoginRefusal>>
  scramFinish(
    attempt: { login: string; authorizeAs: string },
    matched: number | undefined,
  ): Promise<Result<Login, LoginRefusal>>
  bearer(attempt: { login: string; authorizeAs: string; token: string }): Promise<Result<Login, LoginRefusal>>
  bearerFault(refusal: LoginRefusal): {
    readonly status: string
    readonly scope?: string
    readonly configuration?: string
  }
  external(attempt: { authorizeAs: string }): Promise<Result<Login, LoginRefusal>>
}

/** Lets the SASL mechanisms of one connection ask the registry. */
export function saslAuthority(registry: Registry, connection: ConnectionId, protocol: Protocol): RegistryAuthority {
  return {
    password: ({ login, authorizeAs, password }) =>
      registry.login({ connection, protocol, login, authorizeAs, password }),
    scramStart: ({ login, authorizeAs }) => registry.scramStart({ connection, protocol, login, authorizeAs }),
    scramFinish: ({ login, authorizeAs }, matched) =>
      registry.scramFinish({ attempt: { connection, protocol, login, authorizeAs }, matched }),
    bearer: async () => refused({ kind: 'unavailable' }),
    bearerFault: () => ({ status: 'invalid_token' }),
    external: async () => refused({ kind: 'unavailable' }),
  }
}
