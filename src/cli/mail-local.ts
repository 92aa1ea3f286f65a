/**
 * Mail of an account of a local store: the same IMAP as everywhere, spoken with the server that runs, or with one of
 * our own on loopback that lives as long as the command. The login is an app password that is gone afterwards.
 * @module
 */

import type { Security } from '#client/connect-options.ts'
import { AuthenticationError } from '#client/errors.ts'
import { ImapClient } from '#client/imap/imap-client.ts'
import type { Config } from '#config/schema.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { openAdministration } from '#server/administration.ts'
import { askControl } from '#server/control.ts'
import type { Endpoint } from '#server/listeners.ts'
import { createLog } from '#server/log.ts'
import { startServer } from '#server/server.ts'
import type { Administration, StatusView } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { onData } from './failure.ts'
import { say } from './language.ts'
import { readConfig } from './options.ts'

/** Runs the work on the account's mail. */
export async function withLocalMail<T>(
  file: string,
  address: string,
  work: (client: ImapClient) => Promise<T>,
): Promise<T> {
  const config = await readConfig(file)
  if ((await askControl(config.data, 'status', {})) === undefined) return alone(config, address, work)
  await using administration = await openAdministration(config)
  const { endpoints } = await administration.ask('status', {})
  return await throughLoopback(administration, address, placeOf(endpoints), work)
}

/** While the server is stopped: IMAP on a port of loopback that nobody else is told of. */
async function alone<T>(config: Config, address: string, work: (client: ImapClient) => Promise<T>): Promise<T> {
  const closed = Object.fromEntries(Object.keys(config.listen).map((name) => [name, []]))
  const listen = { ...config.listen, ...closed, imap: [{ host: '127.0.0.1', port: 0 }] }
  const own: Config = { ...config, listen, auth: { ...config.auth, allowPlaintext: true } }
  await using server = await onData(config.data, () => startServer(own, createLog('error')))
  const port = server.endpoints.imap[0]?.port ?? 0
  return await throughLoopback(server.administration, address, { host: '127.0.0.1', port, security: 'none' }, work)
}

interface Place extends Endpoint {
  readonly security: Security
}

/** The IMAP listener of the server that runs, as it is reached from this machine. */
function placeOf(endpoints: StatusView['endpoints']): Place {
  const here = ({ host, port }: Endpoint): Endpoint => {
    const any = host === '0.0.0.0' || host === '::' || host === '[::]'
    return { host: any ? '127.0.0.1' : host.replace(/^\[|\]$/g, ''), port }
  }
  const [tls, plain] = [endpoints?.imaps[0], endpoints?.imap[0]]
  if (tls !== undefined) return { ...here(tls), security: 'tls' }
  if (plain !== undefined) return { ...here(plain), security: 'starttls' }
  throw new CliError(
    EXIT.unavailable,
    say('The server that runs has no IMAP listener.', 'Le serveur en marche n’a pas de port IMAP.'),
  )
}

async function throughLoopback<T>(
  administration: Administration,
  address: string,
  { host, port, security }: Place,
  work: (client: ImapClient) => Promise<T>,
): Promise<T> {
  const name = `malle mail ${process.pid}`
  // one of an earlier command that was killed, under the same process id
  const left = await administration.ask('app-password.list', { address })
  if (left.some((each) => each.name === name)) await administration.ask('app-password.remove', { address, name })
  const { password } = await administration.ask('app-password.add', { address, name, protocols: ['imap'] })
  try {
    await using client = await ImapClient.connect({
      host,
      port,
      security,
      // the port is the one that our server says it listens on, on this machine: its certificate is for another name
      tls: { rejectUnauthorized: false },
      allowPlaintext: security === 'none',
      credentials: { login: address, password },
    })
    return await work(client)
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error
    throw new CliError(
      EXIT.notAllowed,
      say(`${address} may not use IMAP: ${error.message}.`, `${address} ne peut pas utiliser IMAP : ${error.message}.`),
      { cause: error },
    )
  } finally {
    await administration.ask('app-password.remove', { address, name })
  }
}
