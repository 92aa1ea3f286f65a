/**
 * A client's connection, as long as the client lives: made again when it is lost, the mailbox taken up where it was,
 * commands sent again where nothing can have been done twice. What the server tells unasked goes to who watches.
 * @module
 */

import type { UidSet } from '#mail/uid-set.ts'
import type { Response } from '#wire/imap/responses.ts'
import {
  AuthenticationError,
  type ClientError,
  ConnectionError,
  MailboxChangedError,
  ProtocolError,
} from '../errors.ts'
import { pause, systemTimers, type Timers } from '../timers.ts'
import type { ImapCommand } from './command.ts'
import { FetchStream } from './commands/fetch.ts'
import { searchAll } from './commands/search.ts'
import { leave, type Opened, type SelectOptions, select } from './commands/select.ts'
import { logout } from './commands/session-commands.ts'
import { establish } from './establish.ts'
import type { MailboxEvent } from './events.ts'
import type { ImapHost } from './host.ts'
import { LOGOUT_MS, RECONNECT_ATTEMPTS, RECONNECT_PAUSES_MS } from './limits.ts'
import { listedMailbox } from './listed-mailbox.ts'
import type { ImapClientOptions } from './options.ts'
import { resume } from './resume.ts'
import type { SelectedMailbox } from './selected-mailbox.ts'
import type { ImapSession } from './session.ts'

/** What the link tells its client. */
export interface LinkListener {
  tell(event: MailboxEvent): void
  /** There is a session again, before anything else is sent on it. */
  renewed(session: ImapSession): Promise<void>
  /** It is over for good. */
  over(error: ClientError): void
}

/** See the module. */
export class Link implements ImapHost {
  readonly timers: Timers
  readonly recovers: boolean
  serverId: ReadonlyMap<string, string> = new Map()
  readonly #options: ImapClientOptions
  readonly #listener: LinkListener
  readonly #abort = new AbortController()
  #session: ImapSession | undefined
  #recovering: Promise<void> | undefined
  #dead: ClientError | undefined
  #closing = false
  #mailbox: SelectedMailbox | undefined
  #learning = false

  constructor(options: ImapClientOptions, listener: LinkListener) {
    this.#options = options
    this.#listener = listener
    this.timers = options.timers ?? systemTimers
    this.recovers = options.reconnect ?? true
  }

  get mailbox(): SelectedMailbox | undefined {
    return this.#mailbox
  }

  /** The session as it is now, connected or not. */
  get current(): ImapSession | undefined {
    return this.#session
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  async connect(): Promise<void> {
    const { session, serverId } = await establish(this.#options)
    this.serverId = serverId
    this.#take(session)
  }

  get now(): ImapSession | undefined {
    return this.#recovering === undefined && this.#dead === undefined ? this.#session : undefined
  }

  async ready(): Promise<ImapSession> {
    while (this.#recovering !== undefined) await this.#recovering
    if (this.#dead !== undefined) throw this.#dead
    if (this.#session === undefined) throw new ConnectionError('aborted', 'The client is not connected')
    return this.#session
  }

  async run<T>(
    make: (session: ImapSession) => ImapCommand<T>,
    bound: SelectedMailbox | undefined = this.#mailbox,
  ): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const session = this.now ?? (await this.ready())
      const command = make(session)
      if (command.selected === true) this.need(bound)
      try {
        return await session.run(command)
      } catch (error) {
        if (!(error instanceof ConnectionError) || !this.recovers || this.#closing || tries === 3) throw error
        if (error.maybeDone && command.repeatable !== true) throw error
      }
    }
  }

  async once<T>(session: ImapSession, command: ImapCommand<T>): Promise<T> {
    if (command.selected === true && this.#mailbox === undefined) throw nothingSelected()
    return session.run(command)
  }

  /** @throws {MailboxChangedError} unless the mailbox selected is the same as then */
  need(bound: SelectedMailbox | undefined): void {
    const now = this.#mailbox
    if (now === undefined && bound === undefined) throw nothingSelected()
    if (
      now !== undefined &&
      (bound === undefined || (now.name === bound.name && now.uidValidity === bound.uidValidity))
    )
      return
    throw new MailboxChangedError(`The mailbox "${bound?.name ?? ''}" is not selected any more, or was made anew`)
  }

  /** Selects a mailbox, and learns of it what is to be kept. */
  async open(name: string, options: SelectOptions): Promise<Opened> {
    const opened = await this.run((session) => this.#selecting(session, name, options))
    await this.#learn(await this.ready(), opened.mailbox)
    return opened
  }

  async leave(expunge: boolean): Promise<void> {
    await this.run((session) => leave(session, expunge))
    this.#mailbox = undefined
  }

  /** Says goodbye and closes. */
  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#abort.abort(new ConnectionError('aborted', 'The client is closed'))
    const session = this.#session
    if (session !== undefined && session.failure === undefined) {
      try {
        // a server that is slow to answer is not waited for
        await Promise.race([session.run(logout()), pause(this.timers, LOGOUT_MS)])
      } catch (error) {
        // who goes does not care whether it was heard
        if (!(error instanceof ConnectionError || error instanceof ProtocolError)) throw error
      }
      await session.connection.close()
    }
    this.#end(new ConnectionError('aborted', 'The client is closed'))
  }

  #selecting(session: ImapSession, name: string, options: SelectOptions): ImapCommand<Opened> {
    const command = select(session, name, options)
    return {
      ...command,
      write: (w) => {
        // the other one is left even when this one is refused (RFC 9051 §6.3.2)
        this.#mailbox = undefined
        command.write(w)
      },
      finish: (done) => {
        const opened = command.finish(done)
        // what comes right behind is about this one
        this.#mailbox = opened.mailbox
        return opened
      },
    }
  }

  #take(session: ImapSession): void {
    this.#session = session
    session.listen({
      untagged: (response, answered) => this.#hear(response, answered),
      settled: (done) => this.#mailbox?.settled(done),
      lost: (error) => this.#lost(error),
    })
    // it may have gone before anybody listened
    if (session.failure !== undefined) this.#lost(session.failure)
  }

  #hear(response: Response, answered: boolean): void {
    const mailbox = this.#mailbox
    const event = mailbox?.hear(response, answered)
    if (event !== undefined) {
      this.#listener.tell(event)
      if (event.kind === 'exists' && mailbox !== undefined && mailbox.tracking !== 'none') this.#learnSoon(mailbox)
    }
    if (answered) return
    if (response.kind === 'STATUS')
      this.#listener.tell({ kind: 'status', mailbox: response.mailbox, values: response.values })
    else if (response.kind === 'LIST') this.#listener.tell({ kind: 'mailbox', mailbox: listedMailbox(response) })
    else if (response.kind === 'CONDITION' && response.code?.kind === 'ALERT')
      this.#listener.tell({ kind: 'alert', text: response.text })
    // whether a mailbox is selected or not (RFC 5465 §5.8)
    else if (response.kind === 'CONDITION' && response.code?.kind === 'NOTIFICATIONOVERFLOW')
      this.#listener.tell({ kind: 'overflow' })
  }

  /** UIDs (and flags) of all messages, where they are kept. */
  async #learn(session: ImapSession, mailbox: SelectedMailbox): Promise<void> {
    if (mailbox.tracking === 'none' || mailbox.exists === 0) return
    const { uids } = await searchAll((make) => this.once(session, make(session)), {}, {})
    mailbox.learnUids(uids)
    if (mailbox.tracking === 'flags') {
      for await (const _ of new FetchStream(this, '1:*', { flags: true }, {}));
    }
  }

  /** Asks for what was only counted; one question at a time. */
  #learnSoon(mailbox: SelectedMailbox): void {
    if (this.#learning) return
    this.#learning = true
    this.#learnRest(mailbox)
      // the connection's failure is heard elsewhere, and the mailbox learned anew
      .catch(() => undefined)
      .finally(() => {
        this.#learning = false
      })
  }

  async #learnRest(mailbox: SelectedMailbox): Promise<void> {
    const query = mailbox.tracking === 'flags' ? { flags: true } : {}
    for (
      let first = mailbox.firstUnknown;
      first !== undefined && this.#mailbox === mailbox;
      first = mailbox.firstUnknown
    ) {
      let found = 0
      for await (const _ of new FetchStream(this, `${first}:*`, query, { byNumber: true })) found += 1
      if (found === 0) break
    }
  }

  #lost(error: ClientError): void {
    if (this.#dead !== undefined || this.#recovering !== undefined) return
    const aborted =
      error instanceof ConnectionError && error.trouble === 'aborted' && this.#options.signal?.aborted === true
    if (this.#closing || !this.recovers || aborted || !(error instanceof ConnectionError)) return this.#end(error)
    this.#listener.tell({ kind: 'lost', error })
    this.#recovering = this.#recover(error, this.#mailbox).finally(() => {
      this.#recovering = undefined
    })
  }

  async #recover(first: ClientError, old: SelectedMailbox | undefined): Promise<void> {
    let error = first
    const attempts = this.#options.reconnectAttempts ?? RECONNECT_ATTEMPTS
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      try {
        // without a connection nothing else keeps the process alive, and somebody waits for this one
        await pause(this.timers, RECONNECT_PAUSES_MS[attempt] ?? RECONNECT_PAUSES_MS.at(-1) ?? 0, this.signal, true)
        const { session, serverId } = await establish({ ...this.#options, signal: this.#bothSignals() })
        this.serverId = serverId
        await this.#resume(session, old)
        if (session.failure === undefined) return
        error = session.failure
      } catch (caught) {
        if (caught instanceof AuthenticationError && caught.code !== 'UNAVAILABLE' && caught.code !== 'INUSE')
          return this.#end(caught)
        if (caught instanceof ProtocolError) return this.#end(caught)
        if (!(caught instanceof ConnectionError || caught instanceof AuthenticationError)) {
          return this.#end(new ConnectionError('closed', 'The mailbox cannot be taken up again', { cause: caught }))
        }
        error = caught
        if (this.#closing || this.#options.signal?.aborted === true) break
      }
    }
    this.#end(error)
  }

  #bothSignals(): AbortSignal {
    const { signal } = this.#options
    return signal === undefined ? this.signal : AbortSignal.any([signal, this.signal])
  }

  async #resume(session: ImapSession, old: SelectedMailbox | undefined): Promise<void> {
    const tell = (event: MailboxEvent): void => this.#listener.tell(event)
    // only what this does may be sent before it is done
    const host: ImapHost = {
      recovers: false,
      mailbox: undefined,
      now: session,
      ready: () => Promise.resolve(session),
      run: (make) => session.run(make(session)),
      once: (at, command) => at.run(command),
      need: () => undefined,
    }
    const uids = async (): Promise<UidSet> => (await searchAll((make) => session.run(make(session)), {}, {})).uids
    this.#take(session)
    let how: Extract<MailboxEvent, { kind: 'resumed' }>['how'] | undefined = 'counted'
    if (old !== undefined) {
      const open = async (since: SelectOptions): Promise<Opened> => {
        const { tracking, readOnly } = old
        return session.run(this.#selecting(session, old.name, { tracking, readOnly, ...since }))
      }
      how = await resume(old, {
        qresync: session.enabled.has('QRESYNC'),
        condstore: session.capabilities.has('CONDSTORE') || session.capabilities.has('QRESYNC'),
        open: (_, qresync) => {
          const { uidValidity, highestModseq: modseq } = old
          const asked = qresync && modseq !== undefined && modseq > 0
          return open(asked ? { since: { uidValidity, modseq, knownUids: undefined, match: undefined } } : {})
        },
        flags: (since) =>
          new FetchStream(
            host,
            '1:*',
            { flags: true, modseq: true },
            since === undefined || since === 0 ? {} : { changedSince: since },
          ),
        uids,
        tell,
      })
      const mailbox = this.#mailbox
      if (mailbox !== undefined && mailbox.tracking !== 'none' && mailbox.exists > 0) {
        mailbox.learnUids(await uids())
        if (mailbox.tracking === 'flags') for await (const _ of new FetchStream(host, '1:*', { flags: true }, {}));
      }
    }
    await this.#listener.renewed(session)
    if (how !== undefined) tell({ kind: 'resumed', how })
  }

  #end(error: ClientError): void {
    if (this.#dead !== undefined) return
    this.#dead = error
    this.#abort.abort(error)
    this.#listener.over(error)
  }
}

function nothingSelected(): Error {
  return new MailboxChangedError('No mailbox is selected: select one first')
}
