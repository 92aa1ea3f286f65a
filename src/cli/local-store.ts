/**
 * Mail of the accounts of a local store for programs that bring mail: the same IMAP as everywhere, spoken with the
 * server that runs, or with one of our own on loopback that lives no longer than it is needed.
 * @module
 */

import { statSync } from 'node:fs'
import { AuthenticationError } from '#client/errors.ts'
import { ImapClient } from '#client/imap/imap-client.ts'
import type { Config } from '#config/config.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { openAdministration } from '#server/administration.ts'
import { askControl } from '#server/control.ts'
import { createLog } from '#server/log.ts'
import { type RunningServer, startServer } from '#server/server.ts'
import type { Administration } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { onData } from './failure.ts'
import { say } from './language.ts'
import { type Place, placeOf } from './local-place.ts'

/** The way to the mail of a store, for several accounts of it. */
export class LocalStore implements AsyncDisposable {
  readonly administration: Administration
  readonly #place: Place
  /** In the order in which they came about; ended in reverse. */
  readonly #opened: AsyncDisposableStack

  private constructor(administration: Administration, place: Place, opened: AsyncDisposableStack) {
    this.administration = administration
    this.#place = place
    this.#opened = opened
  }

  static async open(config: Config): Promise<LocalStore> {
    await using opened = new AsyncDisposableStack()
    if ((await onData(config.data, () => askControl(config.data, 'status', {}))) === undefined) {
      const server = opened.use(await startAlone(config))
      const port = server.endpoints.imap[0]?.port ?? 0
      return new LocalStore(server.administration, { host: '127.0.0.1', port, security: 'none' }, opened.move())
    }
    const administration = opened.use(await openAdministration(config))
    const { endpoints } = await administration.ask('status', {})
    return new LocalStore(administration, placeOf(endpoints, 'imap', true), opened.move())
  }

  /** Logged in as the owner; open as long as this is. A connection that is lost stays so: who writes must look anew. */
  async connect(address: string): Promise<ImapClient> {
    const { host, port, security } = this.#place
    const { password } = await this.administration.ask('pass.issue', { address })
    try {
      return this.#opened.use(
        await ImapClient.connect({
          host,
          port,
          security,
          // the port is the one that our server says it listens on, on this machine: its certificate is for another name
          tls: { rejectUnauthorized: false },
          allowPlaintext: security === 'none',
          reconnect: false,
          credentials: { login: address, password, mechanisms: ['PLAIN'] },
        }),
      )
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error
      throw new CliError(
        EXIT.notAllowed,
        say(
          `${address} may not use IMAP: ${error.message}.`,
          `${address} ne peut pas utiliser IMAP : ${error.message}.`,
        ),
        { cause: error },
      )
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync()
  }
}

/** While the server is stopped: IMAP on a port of loopback that nobody else is told of. */
async function startAlone(config: Config): Promise<RunningServer> {
  refuseOthersData(config.data)
  const closed = Object.fromEntries(Object.keys(config.listen).map((name) => [name, []]))
  const listen = { ...config.listen, ...closed, imap: [{ host: '127.0.0.1', port: 0 }] }
  const own: Config = { ...config, listen, auth: { ...config.auth, allowPlaintext: true }, workers: { count: 1 } }
  return onData(config.data, () => startServer(own, createLog('error')))
}

/** Files that root writes are of no use to the server when it runs as somebody else. */
function refuseOthersData(data: string): void {
  const owner = statSync(data, { throwIfNoEntry: false })?.uid ?? 0
  if (process.getuid?.() !== 0 || owner === 0) return
  throw new CliError(
    EXIT.notAllowed,
    say(
      `The data in ${data} belong to another user: do this as that user, or while the server runs.`,
      `Les données de ${data} sont à un autre utilisateur : agissez comme lui, ou pendant que le serveur tourne.`,
    ),
  )
}
