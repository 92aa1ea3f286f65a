/**
 * Mail of an account of a local store: the same IMAP and submission as everywhere, spoken with the server that runs, or
 * with one of our own on loopback that lives as long as the command. Each login has a password of its own that the
 * server keeps in memory until it is used.
 * @module
 */

import { ConnectionError } from '#client/errors.ts'
import type { Config } from '#config/config.ts'
import { askControl, ServerGone } from '#server/control.ts'
import { openAdministration } from '#server/open-administration.ts'
import type { Administration } from '#server/verbs.ts'
import { becomeOwner } from './context.ts'
import { onData } from './failure.ts'
import { asAccount, connectHere, type OwnProtocol, type Place, placeOf, startOnLoopback } from './local-server.ts'
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

async function alone<T>(config: Config, address: string, work: (account: MailAccount) => Promise<T>): Promise<T> {
  await using server = await onData(config.data, async () => {
    becomeOwner(config.data)
    return startOnLoopback(config, ['imap', 'submission'])
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
  return await asAccount(address, () =>
    work({
      from: name === '' ? address : `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`,
      running,
      async connect({ lasting } = { lasting: false }) {
        const more = lasting ? { reconnectAttempts: Number.POSITIVE_INFINITY } : {}
        return connections.use(await connectHere(await place('imap'), address, password, more))
      },
      async submission() {
        return { ...(await place('submission')), login: address, password, ca: undefined, own: true }
      },
    }),
  )
}
