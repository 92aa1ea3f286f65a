/**
 * Mail of an account of a local store: the same IMAP and submission as everywhere, spoken with the server that runs, or
 * with one of our own on loopback that lives as long as the command. Each login has a password of its own that the
 * server keeps in memory until it is used.
 * @module
 */

import { AuthenticationError, ConnectionError } from '#client/errors.ts'
import { ImapClient } from '#client/imap/imap-client.ts'
import type { Config } from '#config/config.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { openAdministration } from '#server/administration.ts'
import { askControl, ServerGone } from '#server/control.ts'
import { createLog } from '#server/log.ts'
import { startServer } from '#server/server.ts'
import type { Administration } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { becomeOwner } from './context.ts'
import { onData } from './failure.ts'
import { say } from './language.ts'
import { type OwnProtocol, type Place, placeOf } from './local-place.ts'
import type { MailAccount } from './mail-account.ts'
import { readConfig } from './options.ts'

/** Runs the work on the account's mail. */
export async function withLocalMail<T>(
  file: string | undefined,
  address: string,
  work: (account: MailAccount) => Promise<T>,
): Promise<T> {
  const config = await readConfig(file)
  if ((await askControl(config.data, 'status', {})) === undefined) return alone(config, address, work)
  await using administration = await openAdministration(config)
  return await throughLoopback(administration, address, true, work)
}

/** While the server is stopped: ports of loopback that nobody else is told of. */
async function alone<T>(config: Config, address: string, work: (account: MailAccount) => Promise<T>): Promise<T> {
  const closed = Object.fromEntries(Object.keys(config.listen).map((name) => [name, []]))
  const own = [{ host: '127.0.0.1', port: 0 }]
  const listen = { ...config.listen, ...closed, imap: own, submission: own }
  const alone: Config = { ...config, listen, auth: { ...config.auth, allowPlaintext: true } }
  await using server = await onData(config.data, async () => {
    becomeOwner(config.data)
    return startServer(alone, createLog('error'))
  })
  return await throughLoopback(server.administration, address, false, work)
}

async function throughLoopback<T>(
  administration: Administration,
  address: string,
  running: boolean,
  work: (account: MailAccount) => Promise<T>,
): Promise<T> {
  const { name } = await administration.ask('account.show', { address })
  await using connections = new AsyncDisposableStack()
  const place = async (protocol: OwnProtocol): Promise<Place> => {
    const { endpoints } = await administration.ask('status', {})
    return placeOf(endpoints, protocol, running)
  }
  const password = async (): Promise<string> => {
    try {
      return (await administration.ask('pass.issue', { address })).password
    } catch (error) {
      if (!(error instanceof ServerGone)) throw error
      throw new ConnectionError('refused', 'The server is not there', { cause: error })
    }
  }
  try {
    return await work({
      from: name === '' ? address : `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`,
      running,
      async connect({ lasting } = { lasting: false }) {
        const { host, port, security } = await place('imap')
        const client = await ImapClient.connect({
          host,
          port,
          security,
          // the port is the one that our server says it listens on, on this machine: its certificate is for another name
          tls: { rejectUnauthorized: false },
          allowPlaintext: security === 'none',
          credentials: { login: address, password, mechanisms: ['PLAIN'] },
          ...(lasting ? { reconnectAttempts: Number.POSITIVE_INFINITY } : {}),
        })
        return connections.use(client)
      },
      async submission() {
        return { ...(await place('submission')), login: address, password, ca: undefined, own: true }
      },
    })
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error
    throw new CliError(
      EXIT.notAllowed,
      say(`${address} may not use IMAP: ${error.message}.`, `${address} ne peut pas utiliser IMAP : ${error.message}.`),
      { cause: error },
    )
  }
}
