import { done, refused } from '#lib/result.ts'
import { clientAddresses } from '#services/client-certificate.ts'
import type { Login, LoginRefusal } from '#services/registry.ts'
import { saslAuthority } from '#services/sasl-authority.ts'
import { encodeBase64, encodeInitialResponse } from '#wire/sasl/lines.ts'
import type { SaslFault } from '#wire/sasl/mechanism.ts'
import { createSaslServer, findMechanism } from '#wire/sasl/server.ts'
import { loginCompletion } from '../authentication.ts'
import { bindings, mayLogInPlainly, mechanisms } from '../capabilities.ts'
import { type Command, type Completion, command } from '../command.ts'
import type { Connection } from '../connection.ts'
import type { SessionControl } from '../session-control.ts'

interface Args {
  readonly mechanism: string
  /** Decoded. */
  readonly initial: Uint8Array | undefined
}

/** AUTHENTICATE (RFC 9051 §6.2.2, RFC 4959) with the mechanisms of `wire/sasl`. */
export const authenticate: Command = command<Args>({
  name: 'AUTHENTICATE',
  states: ['not-authenticated'],
  // authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64)
  parse(r) {
    const mechanism = r.sp().keyword()
    const initial = r.initialResponse()
    r.end()
    return { mechanism, initial }
  },
  async run({ mechanism: name, initial }, _by, { id, out, session }) {
    const mechanism = findMechanism(name, mechanisms(session))
    if (mechanism === undefined) return notOffered(name, session)
    const server = createSaslServer<Login, LoginRefusal>(mechanism, {
      authority: saslAuthority(session.deps.registry, id, 'imap', {
        oauth: session.deps.oauth,
        certificate: () => clientAddresses(session.connection.tls),
      }),
      bindings: bindings(session),
    })
    let step = await server.begin(initial === undefined ? undefined : encodeInitialResponse(initial))
    while (step.kind === 'challenge') {
      out.text(`+ ${encodeBase64(step.data)}\r\n`)
      const line = await answerLine(session.connection)
      if (line === undefined) return { status: 'BAD', text: 'The answer cannot be read' }
      step = await server.line(line)
    }
    switch (step.kind) {
      case 'success':
        return loginCompletion(session, done(step.login))
      case 'refused':
        return loginCompletion(session, refused(step.refusal))
      case 'failed':
        if (step.why === 'channel-binding') session.loginFailed()
        return failed(step.why)
    }
  },
})

/** What anybody who listens could use again. */
const PLAINLY: ReadonlySet<string> = new Set(['PLAIN', 'LOGIN', 'OAUTHBEARER', 'XOAUTH2'])

function notOffered(name: string, session: SessionControl): Completion {
  if (PLAINLY.has(name) && !mayLogInPlainly(session))
    return { status: 'NO', code: 'PRIVACYREQUIRED', text: 'Use TLS before you log in' }
  return { status: 'NO', code: 'CANNOT', text: 'The mechanism is not offered' }
}

function failed(why: SaslFault): Completion {
  switch (why) {
    case 'cancelled':
      return { status: 'BAD', text: 'Cancelled' }
    case 'malformed':
      return { status: 'BAD', text: 'The answer cannot be read' }
    case 'channel-binding':
      return { status: 'NO', code: 'AUTHENTICATIONFAILED', text: 'The channel binding is wrong' }
  }
}

async function answerLine(connection: Connection): Promise<string | undefined> {
  connection.framer.expectLine()
  const event = await connection.next()
  if (event.kind === 'line') return event.text
  if (event.kind === 'fault') return undefined
  throw new Error(`A ${event.kind} came instead of a line`)
}
