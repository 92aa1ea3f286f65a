/** AUTH of submission (RFC 4954) over the mechanisms that IMAP and POP3 use too. @module */
import type { TLSSocket } from 'node:tls'
import { clientAddresses } from '#services/client-certificate.ts'
import { saslAuthority } from '#services/sasl-authority.ts'
import type { SessionDeps } from '#services/session-deps.ts'
import { channelBindings } from '#wire/sasl/channel-binding.ts'
import { encodeBase64 } from '#wire/sasl/lines.ts'
import type { SaslFault, SaslMechanism } from '#wire/sasl/mechanism.ts'
import { createSaslServer, findMechanism, offeredMechanisms } from '#wire/sasl/server.ts'
import type { MalleSmtpConnection } from './connection.ts'
import { loginRefused, SmtpRefusal } from './replies.ts'

/** The mechanisms of a connection; without TLS they are offered only where plaintext is allowed. */
export function mechanismsOf(deps: SessionDeps, connection: MalleSmtpConnection): readonly SaslMechanism[] {
  const external = clientAddresses(tlsOf(connection)).length > 0
  return offeredMechanisms({
    plaintext: true,
    bindings: connection.secure,
    bearer: deps.oauth !== undefined,
    external,
  })
}

function tlsOf({ secure, _socket: socket }: MalleSmtpConnection): TLSSocket | undefined {
  return secure ? (socket as TLSSocket) : undefined
}

/** Carries out one AUTH command and answers it. */
export async function authenticateOver(
  deps: SessionDeps,
  connection: MalleSmtpConnection,
  mechanismName: string,
  initialResponse: string | undefined,
): Promise<void> {
  try {
    const refusal = await exchange(deps, connection, mechanismName, initialResponse)
    if (refusal === undefined) connection.send(235, '2.7.0 Authentication successful')
    else connection.send(refusal.responseCode, refusal.message)
  } catch (error) {
    deps.log.error({ connection: connection.id, error }, 'authentication failed unexpectedly')
    connection.send(454, '4.7.0 Authentication is not possible now, try again later')
  }
}

async function exchange(
  deps: SessionDeps,
  connection: MalleSmtpConnection,
  mechanismName: string,
  initialResponse: string | undefined,
): Promise<SmtpRefusal | undefined> {
  const mechanism = findMechanism(mechanismName, mechanismsOf(deps, connection))
  if (mechanism === undefined) return new SmtpRefusal(504, '5.5.4 That authentication mechanism is not offered')
  const tls = tlsOf(connection)
  const server = createSaslServer(mechanism, {
    authority: saslAuthority(deps.registry, connection.id, 'smtp', {
      oauth: deps.oauth,
      certificate: () => clientAddresses(tls),
    }),
    bindings: tls && channelBindings(tls, 'server'),
  })
  let step = await server.begin(initialResponse)
  while (step.kind === 'challenge') {
    step = await server.line(await connection.challenge(encodeBase64(step.data)))
  }
  switch (step.kind) {
    case 'success':
      connection.session.user = step.login
      connection.session.transmissionType = connection._transmissionType()
      deps.log.info({ connection: connection.id, account: step.login.address, mechanism }, 'logged in')
      return undefined
    case 'refused':
      deps.log.warn({ connection: connection.id, refusal: step.refusal.kind, mechanism }, 'login refused')
      return loginRefused(step.refusal)
    case 'failed':
      return faultReply(step.why)
  }
}

function faultReply(why: SaslFault): SmtpRefusal {
  switch (why) {
    case 'cancelled':
      return new SmtpRefusal(501, '5.7.0 Authentication cancelled')
    case 'malformed':
      return new SmtpRefusal(501, '5.5.2 That response cannot be decoded')
    case 'channel-binding':
      return new SmtpRefusal(535, '5.7.8 The channel binding does not fit this connection')
  }
}
