/** From nothing to a session that is logged in: greeting, STARTTLS, login, ENABLE, COMPRESS. @module */
import { VERSION } from '#lib/version.ts'
import { resolveEndpoint } from '../connect-options.ts'
import { dial, noTls } from '../dial.ts'
import { ConnectionError, ProtocolError, RefusedError } from '../errors.ts'
import { ANSWER_MS } from '../limits.ts'
import { Capabilities } from './capabilities.ts'
import { capability, compress, enable, id, startTls } from './commands/session-commands.ts'
import { logIn } from './login.ts'
import { DEFAULT_ENABLE, IMAP_PORTS, type ImapClientOptions } from './options.ts'
import { ImapSession } from './session.ts'

/** A session and what its server said of itself. */
export interface Established {
  readonly session: ImapSession
  readonly serverId: ReadonlyMap<string, string>
}

/**
 * Connects and logs in.
 * @throws {ConnectionError | AuthenticationError | ProtocolError}
 */
export async function establish(options: ImapClientOptions): Promise<Established> {
  const connection = await dial(options, IMAP_PORTS)
  const session = new ImapSession(connection, options.answerMs ?? ANSWER_MS)
  try {
    const preauth = await greet(session)
    if (resolveEndpoint(options, IMAP_PORTS).security === 'starttls') {
      // it could not be told whom it comes from (RFC 9051 §7.1.4)
      if (preauth)
        throw new ProtocolError(`${connection.where} logs in by itself before TLS: somebody may stand in between`)
      await secure(session)
    }
    await knowCapabilities(session)
    if (!preauth) {
      const before = session.capabilities
      await logIn(session, options.credentials, options.allowPlaintext ?? false)
      // what it can may differ now (RFC 9051 §6.2.2)
      if (session.capabilities === before) await session.run(capability())
    }
    return { session, serverId: await settle(session, options) }
  } catch (error) {
    connection.destroy()
    throw error
  }
}

async function greet(session: ImapSession): Promise<boolean> {
  const greeting = await session.begin()
  switch (greeting.condition) {
    case 'OK':
      return false
    case 'PREAUTH':
      return true
    case 'BYE':
    case 'NO':
    case 'BAD':
      throw new ConnectionError('closed', `${session.connection.where} does not want us: ${greeting.text}`)
  }
}

async function secure(session: ImapSession): Promise<void> {
  const { connection } = session
  await knowCapabilities(session)
  if (!session.capabilities.has('STARTTLS')) throw noTls(connection.where, 'STARTTLS')
  try {
    await session.between(startTls(), (early) => connection.startTls(early.length))
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    throw new ConnectionError('no-tls', `${connection.where} offers STARTTLS and refuses it: ${error.text}`, {
      cause: error,
    })
  }
  // what was said in the clear counts for nothing (RFC 9051 §6.2.1)
  session.capabilities = new Capabilities([])
}

async function knowCapabilities(session: ImapSession): Promise<void> {
  if (session.capabilities.names.size === 0) await session.run(capability())
}

async function settle(session: ImapSession, options: ImapClientOptions): Promise<ReadonlyMap<string, string>> {
  const { capabilities, connection } = session
  const wanted = (options.enable ?? DEFAULT_ENABLE).filter((name) => capabilities.names.has(name.toUpperCase()))
  const enabled = wanted.length > 0 && capabilities.has('ENABLE') ? session.run(enable(wanted)) : undefined
  const told = options.id ?? { name: 'malle', version: VERSION }
  const asked = told !== false && capabilities.has('ID') ? session.run(id(told)) : new Map<string, string>()
  // both fail when the connection goes
  const [serverId] = await Promise.all([asked, enabled])
  if (options.compress === true && capabilities.has('COMPRESS=DEFLATE'))
    await session.between(compress(), (early) => connection.compress(early))
  return serverId
}
