/**
 * One POP3 session. Invariants:
 * - Commands are answered one after the other, in their order; a batch goes out when the next line is not there yet.
 * - The maildrop is locked in the registry from the login to UPDATE, or to the end of the connection.
 * - Nothing is deleted but by QUIT in TRANSACTION (RFC 1939 §6), in one request of the store.
 * - Whatever else ends the session ends it without UPDATE.
 * @module
 */
import type { Socket } from 'node:net'
import { ConnectionGone } from '#lib/peer-connection.ts'
import type { ConnectionId, ConnectionInfo, Login, SessionOrder } from '#services/registry.ts'
import { type RegistryAuthority, saslAuthority } from '#services/sasl-authority.ts'
import type { Log, SessionDeps } from '#services/session-deps.ts'
import type { MailStore } from '#store/mail-store.ts'
import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import { type Pop3Command, parseCommand } from '#wire/pop3/commands.ts'
import type { LineEvent } from '#wire/pop3/line-framer.ts'
import { formatStatusLine } from '#wire/pop3/responses.ts'
import type { SaslMechanism } from '#wire/sasl/mechanism.ts'
import { listedMechanisms, offeredMechanisms } from '#wire/sasl/server.ts'
import { ANSWERED, type Completion, type Context, err, ok, type SessionState } from './command.ts'
import { COMMANDS } from './commands/index.ts'
import { Connection } from './connection.ts'
import {
  BAD_AFTER_LOGIN,
  BAD_BEFORE_LOGIN,
  FAILED_LOGINS,
  IDLE_MS,
  LOGIN_MS,
  LOGIN_TOTAL_MS,
  YIELD_MS,
} from './limits.ts'
import { Maildrop } from './maildrop.ts'
import { dropText } from './message.ts'
import { connectionRefusal } from './refusals.ts'

export class Session implements Context {
  readonly id: ConnectionId
  readonly connection: Connection
  readonly authority: RegistryAuthority
  user: string | undefined
  readonly #deps: SessionDeps
  readonly #info: ConnectionInfo
  #state: SessionState = 'authorization'
  #maildrop: Maildrop | undefined
  #login: Login | undefined
  #badInARow = 0
  #failedLogins = 0
  #commands = 0

  /** @param onGone Called when the socket is no more. */
  constructor(socket: Socket, secure: boolean, deps: SessionDeps, onGone: () => void) {
    this.#deps = deps
    this.id = deps.newConnectionId()
    this.#info = {
      id: this.id,
      protocol: 'pop3',
      remoteAddress: (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, ''),
      remotePort: socket.remotePort ?? 0,
      localPort: socket.localPort ?? 0,
      secure,
      since: deps.clock.now(),
    }
    this.authority = saslAuthority(deps.registry, this.id, 'pop3')
    this.connection = new Connection(socket, deps.clock, { patienceMs: LOGIN_MS, onGone })
  }

  get state(): SessionState {
    return this.#state
  }

  get store(): MailStore {
    return this.#deps.store
  }

  get log(): Log {
    return this.#deps.log
  }

  get maildrop(): Maildrop {
    if (this.#maildrop === undefined) throw new Error('There is no maildrop before the login')
    return this.#maildrop
  }

  get plaintext(): boolean {
    return this.connection.tls !== undefined || this.#deps.allowPlaintext
  }

  get mechanisms(): readonly SaslMechanism[] {
    return offeredMechanisms({ plaintext: this.plaintext, bindings: this.connection.tls !== undefined })
  }

  get listedMechanisms(): readonly SaslMechanism[] {
    return listedMechanisms(this.mechanisms, this.#deps.scramForPasswords)
  }

  get canStartTls(): boolean {
    return this.connection.tls === undefined && this.#deps.tls.context(undefined) !== undefined
  }

  /** Speaks until the end. Never throws. */
  async run(): Promise<void> {
    const { registry, clock, log, meter, hostname } = this.#deps
    let end = 'closed'
    try {
      const counted = await registry.connect(this.#info, (order) => this.#obey(order))
      if (!counted.ok) {
        this.#answer(connectionRefusal(counted.error))
        end = counted.error.kind
      } else {
        this.#answer(ok(`${hostname} POP3 ready`))
        end = await this.#converse()
      }
    } catch (error) {
      if (error instanceof ConnectionGone) end = error.message
      else {
        end = 'fault'
        log.error({ connection: this.id, err: error }, 'A POP3 session failed')
        this.#answer(err('Something went wrong here', 'SYS/TEMP'))
      }
    } finally {
      this.connection.close()
      registry.disconnect(this.id)
      this.#maildrop = undefined
      const { received, sent } = this.connection
      meter?.bytes('pop3', received, sent)
      const { remoteAddress, since } = this.#info
      const account = this.#login?.address
      const ms = clock.now() - since
      log.info(
        { connection: this.id, remoteAddress, account, commands: this.#commands, received, sent, ms, end },
        'POP3 session ended',
      )
    }
  }

  async enter(login: Login): Promise<Completion> {
    const { registry, store, log } = this.#deps
    const { account } = login
    const lock = await registry.lockMaildrop(account.id, this.id)
    if (!lock.ok) return err('The maildrop is in use by another session', 'IN-USE')
    let maildrop: Maildrop
    try {
      maildrop = await Maildrop.open(store, account)
    } catch (error) {
      // The lock must not outlive a refusal (RFC 1939 §4).
      registry.unlockMaildrop(account.id, this.id)
      log.error({ connection: this.id, account: login.address, err: error }, 'Cannot open a maildrop')
      return err('The maildrop cannot be opened now', 'SYS/TEMP')
    }
    this.#maildrop = maildrop
    this.#login = login
    this.#state = 'transaction'
    this.connection.patienceMs = IDLE_MS
    registry.note(this.id, { mailbox: 'INBOX', state: 'transaction' })
    return ok(dropText(maildrop.remaining, maildrop.remainingOctets))
  }

  leave(): void {
    if (this.#login !== undefined) this.#deps.registry.unlockMaildrop(this.#login.account.id, this.id)
    this.#state = 'update'
  }

  async startTls(): Promise<void> {
    this.#answer(ok('Begin the TLS handshake'))
    await this.connection.upgrade(this.#deps.tls)
    this.user = undefined
    this.#badInARow = 0
    this.#deps.registry.note(this.id, { secure: true })
  }

  /** For deadlines; called by the service's timer. */
  tick(now: number): void {
    if (this.#state === 'authorization' && now - this.#info.since > LOGIN_TOTAL_MS) this.connection.interrupt()
    this.connection.tick(now)
  }

  /** @returns how it ended, for the log. */
  async #converse(): Promise<string> {
    while (this.#state !== 'update') {
      const event = await this.connection.next()
      this.#commands += 1
      const bad = await this.#handle(event)
      this.#badInARow = bad ? this.#badInARow + 1 : 0
      if (this.#badInARow >= (this.#state === 'authorization' ? BAD_BEFORE_LOGIN : BAD_AFTER_LOGIN)) {
        this.#answer(err('Too many bad commands, goodbye'))
        return 'bad commands'
      }
      if (this.#failedLogins >= FAILED_LOGINS) return 'failed logins'
      if (this.connection.due) await this.connection.flush()
    }
    return 'quit'
  }

  /** @returns whether the command was bad, and counts as such. */
  async #handle(event: LineEvent): Promise<boolean> {
    const command = this.#parse(event)
    if (command === undefined) return this.#bad()
    const found = COMMANDS.get(command.name)
    if (found === undefined || !found.states.includes(this.#state)) {
      this.#answer(err(this.#state === 'authorization' ? 'Log in first' : 'You are logged in already'))
      return this.#bad()
    }
    const started = performance.now()
    const completion = await found.run(command, this)
    if (completion !== ANSWERED) {
      const isLogin = command.name === 'PASS' || command.name === 'AUTH'
      if (isLogin && completion.status === '-ERR') this.#failedLogins += 1
      this.#answer(completion)
    }
    const outcome = completion === ANSWERED ? '+OK' : completion.status
    this.#deps.meter?.command('pop3', command.name, outcome, performance.now() - started)
    return false
  }

  #bad(): true {
    this.#deps.meter?.command('pop3', 'bad', '-ERR', 0)
    return true
  }

  #parse(event: LineEvent): Pop3Command | undefined {
    if (event.kind === 'too-long') {
      this.#answer(err('The command is too long'))
      return undefined
    }
    try {
      return parseCommand(event.text)
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error
      this.#answer(err(error.message))
      return undefined
    }
  }

  #answer({ status, code, text }: Completion): void {
    this.connection.writeText(formatStatusLine({ status, code, text }))
  }

  #obey(order: SessionOrder): void {
    switch (order.kind) {
      case 'close':
        return this.connection.interrupt()
      case 'yield-maildrop':
        if (this.connection.silentMs(this.#deps.clock.now()) >= YIELD_MS) this.connection.destroy()
    }
  }
}
