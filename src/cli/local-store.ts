/**
 * Mail of the accounts of a local store for programs that bring mail: the same IMAP as everywhere, spoken with the
 * server that runs, or with one of our own on loopback that lives no longer than it is needed.
 * @module
 */

import { statSync } from 'node:fs'
import type { ImapClient } from '#client/imap/imap-client.ts'
import type { Config } from '#config/config.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { askControl } from '#server/control.ts'
import { openAdministration } from '#server/open-administration.ts'
import type { Administration } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { onData } from './failure.ts'
import { say } from './language.ts'
import { asAccount, connectHere, type Place, placeOf, startOnLoopback } from './local-server.ts'

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
      refuseOthersData(config.data)
      const server = opened.use(await onData(config.data, () => startOnLoopback(config, ['imap'])))
      return new LocalStore(server.administration, placeOf(server.endpoints, 'imap', false), opened.move())
    }
    const administration = opened.use(await openAdministration(config))
    const { endpoints } = await administration.ask('status', {})
    return new LocalStore(administration, placeOf(endpoints, 'imap', true), opened.move())
  }

  /** Logged in as the owner; open as long as this is. A connection that is lost stays so: who writes must look anew. */
  async connect(address: string): Promise<ImapClient> {
    const { password } = await this.administration.ask('pass.issue', { address })
    return this.#opened.use(
      await asAccount(address, () => connectHere(this.#place, address, password, { reconnect: false })),
    )
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync()
  }
}

/**
 * Files that root writes are of no use to the server when it runs as somebody else; and root cannot become the owner, as
 * `malle mail` does, because it also writes what is not the owner's: Maildirs, states.
 */
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
