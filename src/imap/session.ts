/**
 * One client's session: frame, parse, check the state, run, answer.
 *
 * Invariants: commands run one after the other in the order they came. Untagged data of a command goes out before its
 * tagged line, and before that line the view is brought up to the store, except that message numbers stay while FETCH,
 * STORE and SEARCH by number answer (RFC 9051 §7.5.1). Nothing is flushed until the session waits for the client, so a
 * batch of commands is answered in one write. Between commands a session holds its socket, its view and no buffer.
 * @module
 */
import type { Clock } from '#lib/clock.ts'
import { ConnectionGone, type Transport } from '#lib/peer-connection.ts'
import { PEER_CLOSED, PEER_ENDED, STOPPING } from '#lib/peer-endings.ts'
import { anotherTurn } from '#lib/turns.ts'
import type {
  ConnectionId,
  ConnectionInfo,
  ConnectionNote,
  ConnectionRefusal,
  Login,
  SessionOrder,
} from '#services/registry.ts'
import type { SessionDeps } from '#services/session-deps.ts'
import { formatActor } from '#store/actor.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { SearchIndex } from '#store/search-index.ts'
import type { AccountRef } from '#store/types.ts'
import type { Frame } from '#wire/imap/frame.ts'
import type { FrameFault, LiteralAnnounced } from '#wire/imap/frame-events.ts'
import { ARGUMENT_LITERAL_BYTES } from '#wire/imap/limits.ts'
import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import { capabilities } from './capabilities.ts'
import {
  type By,
  type Command,
  type Completion,
  type Context,
  type Enabled,
  nothingEnabled,
  type SessionState,
} from './command.ts'
import { type CommandReading, commandReading, loadCommandReading } from './command-reading.ts'
import { faultCompletion, MAILBOX_GONE, syntaxCompletion } from './completion.ts'
import { Connection, Farewell } from './connection.ts'
import {
  BAD_AFTER_LOGIN,
  BAD_BEFORE_LOGIN,
  FAILED_LOGINS,
  LINE_BYTES_BEFORE_LOGIN,
  LITERAL_BYTES_BEFORE_LOGIN,
  LOGIN_MS,
  LOGIN_TOTAL_MS,
  PROGRESS_MS,
} from './limits.ts'
import { UID_REQUIRED } from './message-commands.ts'
import type { AnnotationWatch } from './notify/annotation-watch.ts'
import type { Notifier } from './notify/notifier.ts'
import type { Output } from './output.ts'
import type { SessionControl } from './session-control.ts'
import type { View } from './view.ts'

/** Ends of a session that are no news. */
const AS_USUAL: ReadonlySet<string> = new Set(['logout', PEER_ENDED, PEER_CLOSED, STOPPING])

export class Session implements Context, SessionControl {
  readonly id: ConnectionId
  readonly deps: SessionDeps
  readonly connection: Connection
  readonly enabled: Enabled = nothingEnabled()

  #account: AccountRef | undefined
  #view: View | undefined
  #notifier: Notifier | undefined
  #annotations: AnnotationWatch | undefined
  #tag = ''
  /** While a command has said nothing: since when, and how much was written before it. */
  #silent: { since: number; readonly command: string; written: number } | undefined
  #abort: AbortController | undefined
  #over = false
  #bad = 0
  #failedLogins = 0
  #address = ''
  #actor = ''
  #info: ConnectionInfo | undefined
  #admitted = false
  /** Since when nobody has logged in. */
  #since: number

  /** @param onGone Called once, when the socket is gone. */
  constructor(deps: SessionDeps, socket: Transport, onGone: () => void) {
    this.deps = deps
    this.id = deps.newConnectionId()
    this.#since = deps.clock.now()
    this.connection = new Connection(socket, deps.clock, {
      patienceMs: LOGIN_MS,
      lineBytes: Math.min(LINE_BYTES_BEFORE_LOGIN, deps.limits.lineBytes),
      onGone: () => {
        this.#abort?.abort()
        const { why, unsent } = this.connection.ending
        if (unsent > 0)
          deps.log.info({ connection: this.id, unsent, end: why }, 'Last words of an IMAP session were not taken')
        onGone()
      },
    })
  }

  get session(): SessionControl {
    return this
  }
  get store(): MailStore {
    return this.deps.store
  }

  get searchIndex(): SearchIndex | undefined {
    return this.deps.searchIndex
  }
  get clock(): Clock {
    return this.deps.clock
  }
  get out(): Output {
    return this.connection.out
  }
  get secure(): boolean {
    return this.connection.tls !== undefined
  }
  get state(): SessionState {
    if (this.#account === undefined) return 'not-authenticated'
    return this.#view === undefined ? 'authenticated' : 'selected'
  }
  get selected(): View | undefined {
    return this.#view
  }
  get notifier(): Notifier | undefined {
    return this.#notifier
  }
  get annotations(): AnnotationWatch | undefined {
    return this.#annotations
  }
  get account(): AccountRef {
    if (this.#account === undefined) throw new Error('Nobody is logged in')
    return this.#account
  }
  get address(): string {
    return this.#address
  }
  get actor(): string {
    return this.#actor
  }
  get tag(): string {
    return this.#tag
  }
  get view(): View {
    if (this.#view === undefined) throw new Error('No mailbox is selected')
    return this.#view
  }
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.connection.gone) this.#abort.abort()
    }
    return this.#abort.signal
  }

  /** Speaks with the client until one of them has had enough. Never rejects. */
  async run(peer: { readonly address: string; readonly port: number; readonly localPort: number }): Promise<void> {
    const { registry, log, clock } = this.deps
    this.#info = {
      id: this.id,
      protocol: 'imap',
      remoteAddress: peer.address,
      remotePort: peer.port,
      localPort: peer.localPort,
      secure: this.secure,
      since: clock.now(),
    }
    let end = 'logout'
    try {
      await this.#enter(this.#info)
      this.out.text(`* OK [CAPABILITY ${capabilities(this)}] `).line(`${this.deps.hostname} Malle is ready`)
      while (!this.#over) await this.#step()
    } catch (error) {
      end = this.#endingOf(error)
      if (error instanceof Farewell) this.out.text('* BYE ').line(end)
      else if (!(error instanceof ConnectionGone)) {
        log.error({ connection: this.id, err: error }, 'IMAP session failed')
        if (this.out.midLine) this.connection.destroy('An answer broke off')
        else this.out.text('* BYE [SERVERBUG] ').line('Something went wrong here')
      }
    } finally {
      this.connection.close()
      this.notify(undefined)
      this.watchAnnotations(undefined)
      this.select(undefined)
      if (this.#admitted) registry.disconnect(this.id)
      this.deps.meter?.bytes('imap', this.connection.received, this.connection.sent)
      log[AS_USUAL.has(end) ? 'debug' : 'info']({ connection: this.id, end }, 'IMAP session ended')
    }
  }

  #endingOf(error: unknown): string {
    if (error instanceof ConnectionGone && this.connection.gone) return this.connection.ending.why
    return error instanceof Error ? error.message : String(error)
  }

  /** Looks at deadlines; the service calls it each second. */
  tick(now: number): void {
    this.connection.tick(now)
    const silent = this.#silent
    if (silent === undefined || now - silent.since < PROGRESS_MS || this.connection.waits) return
    // What the command has begun to say must not be interrupted.
    if (this.out.written !== silent.written) return
    silent.since = now
    // A tag with "]" would end the code (RFC 9585 §4).
    this.out.text('* OK [INPROGRESS (')
    if (this.#tag.includes(']')) this.out.text('NIL')
    else this.out.string(this.#tag)
    this.out.text(' NIL NIL)] ').line('Still at work')
    silent.written = this.out.written
    this.out.flush().catch(() => undefined)
  }

  /** Ends the session after the command it is at. */
  stop(why: string): void {
    this.connection.end(why)
  }

  loggedIn(login: Login): void {
    this.#account = login.account
    this.#address = login.address
    this.#actor = formatActor({
      service: 'imap',
      session: this.id,
      peer: this.#info?.remoteAddress,
      address: login.address,
      appPassword: login.appPassword,
    })
    this.#failedLogins = 0
    this.connection.patienceMs = this.deps.limits.idleMs
    this.connection.framer.lineBytes = this.deps.limits.lineBytes
    this.note({ state: 'authenticated' })
    this.deps.log.info({ connection: this.id, account: login.account.id, address: login.address }, 'IMAP login')
  }

  async loggedOut(): Promise<void> {
    const { deps, connection, enabled } = this
    this.notify(undefined)
    this.watchAnnotations(undefined)
    this.select(undefined)
    this.#account = undefined
    Object.assign(enabled, nothingEnabled())
    this.out.utf8 = false
    this.out.language = 'i-default'
    this.#since = this.clock.now()
    connection.framer.lineBytes = Math.min(LINE_BYTES_BEFORE_LOGIN, deps.limits.lineBytes)
    deps.log.info({ connection: this.id }, 'IMAP logout')
    if (this.#info === undefined) return
    // To the registry this is a new connection: nothing of the person is left there either.
    deps.registry.disconnect(this.id)
    this.#admitted = false
    await this.#enter({ ...this.#info, secure: this.secure })
  }

  loginFailed(): void {
    this.#failedLogins += 1
  }

  select(view: View | undefined): void {
    const before = this.#view
    this.#view = view
    if (before === undefined) return
    this.#notifier?.left(before)
    before.close()
  }

  notify(notifier: Notifier | undefined): void {
    this.#notifier?.close()
    this.#notifier = notifier
  }

  watchAnnotations(watch: AnnotationWatch | undefined): void {
    this.#annotations?.close()
    this.#annotations = watch
  }

  note(note: ConnectionNote): void {
    this.deps.registry.note(this.id, note)
  }

  end(): void {
    this.#over = true
  }

  /** Asks whether there may be one more connection. */
  async #enter(info: ConnectionInfo): Promise<void> {
    const answer = await this.deps.registry.connect(info, (order) => this.#order(order))
    this.#admitted = answer.ok
    if (answer.ok) return
    throw new Farewell(`[UNAVAILABLE] ${REFUSED[answer.error.kind]}`)
  }

  #order(order: SessionOrder): void {
    if (order.kind !== 'close') return
    switch (order.why) {
      case 'stopping':
        return this.stop('The server is stopping')
      case 'account':
        return this.stop('The account has changed, log in again')
      case 'kicked':
        return this.stop('Disconnected by the administrator')
      case 'crowded':
        return this.stop('[UNAVAILABLE] Too many connections, try again later')
    }
  }

  /** Deals with the next event of the connection; each is the beginning of a command, or a whole one. */
  async #step(): Promise<void> {
    if (this.#account === undefined) {
      const left = this.#since + LOGIN_TOTAL_MS - this.clock.now()
      this.connection.patienceMs = Math.max(0, Math.min(LOGIN_MS, left))
    }
    const event = await (this.#notifier ?? this.connection).next()
    const reading = commandReading() ?? (await loadCommandReading())
    switch (event.kind) {
      case 'frame':
        return this.#command(event.frame, reading)
      case 'literal':
        return this.#literal(event, reading)
      case 'refused':
        return this.#refused(event.frame, reading)
      case 'fault':
        return this.#fault(event, reading)
      case 'chunk':
      case 'line':
        throw new Error(`A ${event.kind} came that no command asked for`)
    }
  }

  #command(frame: Frame, { readHead, tagOf, joinAhead }: CommandReading): Promise<void> {
    const head = readHead(frame, this.enabled)
    if (head instanceof SyntaxFault) return this.#answer(tagOf(frame.text), undefined, syntaxCompletion(head))
    const { tag, name, command, reader } = head
    if (command === undefined) return this.#answer(tag, undefined, UNKNOWN)
    const by = name === command.name ? 'number' : 'uid'
    if (!command.states.includes(this.state)) return this.#answer(tag, command, this.#wrongState(command))
    if (this.#barsNumbers(command, by)) return this.#answer(tag, command, UID_REQUIRED)
    return this.#execute(tag, command, command.holdsExpunge && by === 'number', (tags) => {
      const ready = command.read(reader)
      const whole = command.joins && by === 'uid' ? joinAhead(ready, head, this, tags) : ready
      return whole.run(by, this)
    })
  }

  /** A literal of a command in sight: APPEND takes its own, others get it in memory within the limits. */
  async #literal(event: LiteralAnnounced, { readHead }: CommandReading): Promise<void> {
    const head = readHead(event.frame, this.enabled)
    if (!(head instanceof SyntaxFault) && head.command !== undefined) {
      const { tag, name, command, reader } = head
      const by = name === command.name ? 'number' : 'uid'
      const allowed = command.states.includes(this.state) && !this.#barsNumbers(command, by)
      const upload = allowed ? command.upload?.(event, reader, by) : undefined
      if (upload !== undefined) return this.#execute(tag, command, false, () => upload(this))
      const limit = this.#account === undefined ? LITERAL_BYTES_BEFORE_LOGIN : ARGUMENT_LITERAL_BYTES
      if (event.bufferedBytes <= limit) {
        this.connection.framer.buffer()
        if (event.synchronising) this.out.text('+ OK\r\n')
        return
      }
    }
    this.connection.framer.refuse()
  }

  /** A command whose literal was refused is over (RFC 7888 §4). */
  async #refused(frame: Frame, { readHead, tagOf }: CommandReading): Promise<void> {
    const head = readHead(frame, this.enabled)
    if (head instanceof SyntaxFault) return this.#answer(tagOf(frame.text), undefined, syntaxCompletion(head))
    return this.#answer(head.tag, head.command, head.command === undefined ? UNKNOWN : TOO_BIG)
  }

  async #fault({ reason, text }: FrameFault, { tagOf }: CommandReading): Promise<void> {
    switch (reason) {
      case 'too-much-to-discard':
        throw new Farewell('[TOOBIG] The literal is too large')
      case 'line-too-long':
        return this.#answer(tagOf(text), undefined, { status: 'BAD', text: 'The command line is too long' })
      case 'nul': {
        // What is shown of the command is only its beginning.
        const at = text.indexOf('\0')
        const where = at < 0 ? '' : ` (at position ${at + 1})`
        return this.#answer(tagOf(text), undefined, { status: 'BAD', text: `NUL is not allowed${where}` })
      }
      case 'too-many-literals':
        return this.#answer(tagOf(text), undefined, { status: 'BAD', text: 'The command has too many literals' })
    }
  }

  /**
   * Runs a command and answers it; the one place where what was thrown becomes an answer.
   * @param run adds the tags of the commands that it takes along; they get the same answer.
   */
  async #execute(
    tag: string,
    command: Command,
    hold: boolean,
    run: (tags: string[]) => Promise<Completion>,
  ): Promise<void> {
    const start = performance.now()
    const tags = [tag]
    this.#tag = tag
    // Commands of many clients come in one turn, and answers of the writer to many of them.
    const later = anotherTurn()
    if (later !== undefined) await later
    let completion: Completion
    this.#silent = { since: this.clock.now(), command: command.name, written: this.out.written }
    try {
      if (this.#view?.guest !== undefined && !LEAVING.has(command.name)) await this.#view.checkRights(this.out)
      completion = await run(tags)
    } catch (error) {
      if (error instanceof SyntaxFault) completion = syntaxCompletion(error)
      else if (error instanceof ConnectionGone || error instanceof Farewell) throw error
      else completion = this.#bug(error, command)
    }
    this.#silent = undefined
    const after = anotherTurn()
    if (after !== undefined) await after
    if (this.#annotations?.pending === true) await this.#annotations.tell()
    if (this.#view !== undefined && completion.status !== 'BAD') {
      if (!(await this.#view.sync(this.out, { holdExpunge: hold }))) throw new Farewell(MAILBOX_GONE)
    }
    for (const each of tags) {
      this.deps.meter?.command('imap', command.name, completion.status, performance.now() - start)
      await this.#answer(each, command, completion)
    }
    await completion.after?.()
  }

  #bug(error: unknown, command: Command): Completion {
    if (this.signal.aborted) throw new ConnectionGone(this.connection.ending.why, { cause: error })
    const expected = faultCompletion(error)
    if (expected === undefined)
      this.deps.log.error({ connection: this.id, command: command.name, err: error }, 'IMAP command failed')
    // Half a response cannot be taken back: what comes next would be read as a part of it.
    if (this.out.midLine) {
      this.connection.destroy('An answer broke off')
      throw new ConnectionGone('An answer broke off', { cause: error })
    }
    return expected ?? { status: 'NO', code: 'SERVERBUG', text: 'Something went wrong here' }
  }

  async #answer(tag: string, command: Command | undefined, { status, code, text }: Completion): Promise<void> {
    if (command === undefined) this.deps.meter?.command('imap', 'UNKNOWN', status, 0)
    this.out.text(`${tag} ${status} `)
    if (code !== undefined) this.out.text(`[${code}] `)
    this.out.line(text)
    this.#bad = status === 'BAD' ? this.#bad + 1 : 0
    if (this.#bad >= (this.#account === undefined ? BAD_BEFORE_LOGIN : BAD_AFTER_LOGIN))
      throw new Farewell('Too many bad commands')
    if (this.#failedLogins >= FAILED_LOGINS) throw new Farewell('Too many failed logins')
    if (this.out.due) await this.out.flush()
  }

  #barsNumbers(command: Command, by: By): boolean {
    return this.enabled.uidOnly && command.byNumber && by === 'number'
  }

  #wrongState(command: Command): Completion {
    if (this.state === 'not-authenticated') return { status: 'BAD', text: 'Log in first' }
    if (command.states.includes('selected')) return { status: 'BAD', text: 'Select a mailbox first' }
    return { status: 'BAD', text: 'You are logged in already' }
  }
}

/** They ask nothing of the selected mailbox. */
const LEAVING: ReadonlySet<string> = new Set(['SELECT', 'EXAMINE', 'UNSELECT', 'LOGOUT'])

/** Why a connection is not let in. */
const REFUSED: Readonly<Record<ConnectionRefusal['kind'], string>> = {
  'too-many-connections': 'Too many connections, try again later',
  'too-many-from-address': 'Too many connections from your address, try again later',
  overloaded: 'The server is overloaded, try again later',
  closing: 'The server is stopping',
}
const UNKNOWN: Completion = { status: 'BAD', text: 'Unknown command' }
const TOO_BIG: Completion = { status: 'BAD', code: 'TOOBIG', text: 'The literal is too large' }
