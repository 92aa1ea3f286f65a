import type { Result } from '#lib/result.ts'
import type { Protocol } from '#store/directory.ts'
import type { ConnectionId, Login, LoginRefusal, Registry, ScramSecrets } from './registry.ts'

/** Who somebody says they are: `login` authenticates, `authorizeAs` is whom they want to be, empty for the same. */
interface Identity {
  readonly login: string
  readonly authorizeAs: string
}

/** Decides about the credentials of one connection; fits `SaslAuthority` of `wire/sasl`. */
export interface LoginAuthority {
  password(attempt: Identity & { readonly password: string }): Promise<Result<Login, LoginRefusal>>
  scramStart(attempt: Identity): Promise<Result<ScramSecrets, LoginRefusal>>
  scramFinish(attempt: Identity, matched: number | undefined): Promise<Result<Login, LoginRefusal>>
}

/** The registry, asked in the name of one connection. */
export function loginAuthority(registry: Registry, connection: ConnectionId, protocol: Protocol): LoginAuthority {
  return {
    password: (attempt) => registry.login({ ...attempt, connection, protocol }),
    scramStart: (attempt) => registry.scramStart({ ...attempt, connection, protocol }),
    scramFinish: (attempt, matched) => registry.scramFinish({ attempt: { ...attempt, connection, protocol }, matched }),
  }
}
