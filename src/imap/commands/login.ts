import { loginCompletion } from '../authentication.ts'
import { mayLogInPlainly } from '../capabilities.ts'
import { type Command, command } from '../command.ts'

interface Args {
  readonly login: string
  readonly password: string
}

/** LOGIN (RFC 9051 §6.2.3). */
export const login: Command = command<Args>({
  name: 'LOGIN',
  states: ['not-authenticated'],
  // login = "LOGIN" SP userid SP password
  parse(r) {
    const name = r.sp().utf8String()
    const password = r.sp().utf8String()
    r.end()
    return { login: name, password }
  },
  async run(args, _by, { id, session }) {
    if (!mayLogInPlainly(session)) return { status: 'NO', code: 'PRIVACYREQUIRED', text: 'Use TLS before you log in' }
    const attempt = { ...args, connection: id, protocol: 'imap', authorizeAs: '' } as const
    return loginCompletion(session, await session.deps.registry.login(attempt))
  },
})
