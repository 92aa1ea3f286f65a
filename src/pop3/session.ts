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
import { clientAddresses } from '#services/client-certificate.ts'
import type {
  ConnectionId,
  ConnectionInfo,
  Login,
  Pop3Announcement,
  Pop3Terms,
  SessionOrder,
} from '#services/registry.ts'
import { type RegistryAuthority, saslAuthority } from '#services/sasl-authority.ts'
import type { Log, SessionDeps } from '#services/session-deps.ts'
import { formatActor } from '#store/actor.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { MailboxInfo } from '#store/types.ts'
import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import { type Pop3Command, parseCommand } from '#wire/pop3/commands.ts'
import type { LineEvent } from '#wire/pop3/line-framer.ts'
import { formatStatusLine } from '#wire/pop3/responses.ts'
import type { SaslMechanism } from '#wire/sasl/mechanism.ts'
import { listedMechanisms, offeredMechanisms } from '#wire/sasl/server.ts'
import {
  ANSWERED,
  type Answer,
  type Command,
  type Completion,
  type Context,
  err,
  ok,
  type SessionState,
} from './command.ts'
import { COMMANDS } from './commands/index.ts'
import { Connection } from './connection.ts'
import {
  BAD_AFTER_LOGIN,
  BAD_BEFORE_LOGIN,
  DAY_MS,
  FAILED_LOGINS,
  IDLE_MS,
  LOGIN_MS,
  LOGIN_TOTAL_MS,
  YIELD_MS,
} from './limits.ts'
import { mailboxFor } from './mailbox-for.ts'
import { Maildrop } from './maildrop.ts'
import { dropText } from './message.ts'
import type { Pop3Options } from './options.ts'
import { connectionRefusal, maildropRefusal, noSuchMailbox } from './refusals.ts'
import { RowsAhead } from './rows-ahead.ts'
import { type Language, same, syntaxWords, type Words, words } from './words.ts'

export class Session implements Context {
  readonly id: ConnectionId
  readonly connection: Connection
  readonly authority: RegistryAuthority
  readonly options: Pop3Options
  user: string | undefined
  utf8 = false
  language: Language | undefined
  readonly #deps: SessionDeps
  readonly #info: ConnectionInfo
  #state: SessionState = 'authorization'
  #maildrop: Maildrop | undefined
  #rows: RowsAhead | undefined
  #terms: Pop3Terms | undefined
  #login: Login | undefined
  #badInARow = 0
  #failedLogins = 0
  #commands = 0

  /** @param onGone Called when the socket is no more. */
  constructor(socket: Socket, secure: boolean, deps: SessionDeps, options: Pop3Options, onGone: () => void) {
    this.#deps = deps
    this.options = options
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
    this.authority = saslAuthority(deps.registry, this.id, 'pop3', {
      oauth: deps.oauth,
      certificate: () => clientAddresses(this.connection.tls),
    })
    this.connection = new Connection(socket, deps.clock, {
      patienceMs: LOGIN_MS,
      onGone: () => {
        const { why, unsent } = this.connection.ending
        if (unsent > 0)
          deps.log.info({ connection: this.id, unsent, end: why }, 'Last words of a POP3 session were not taken')
        onGone()
      },
    })
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

  get rows(): RowsAhead {
    if (this.#rows === undefined) throw new Error('There is no maildrop before the login')
    return this.#rows
  }

  get terms(): Pop3Terms {
    if (this.#terms === undefined) throw new Error('There are no terms before the login')
    return this.#terms
  }

  announcement(): Promise<Pop3Announcement> {
    return this.#deps.registry.pop3Announcement()
  }

  say(text: Words): string {
    return Buffer.from(text[this.language ?? 'en'], 'utf8').toString('latin1')
  }

  get plaintext(): boolean {
    return this.connection.tls !== undefined || this.#deps.allowPlaintext
  }

  get mechanisms(): readonly SaslMechanism[] {
    const { tls } = this.connection
    return offeredMechanisms({
      plaintext: this.plaintext,
      bindings: tls !== undefined,
      bearer: this.#deps.oauth !== undefined,
      external: clientAddresses(tls).length > 0,
    })
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
        this.#answer(ok(same(`${hostname} POP3 ready`)))
        end = await this.#converse()
      }
    } catch (error) {
      if (error instanceof ConnectionGone) end = error.message
      else {
        end = 'fault'
        log.error({ connection: this.id, err: error }, 'A POP3 session failed')
        this.#answer(err(words('Something went wrong here', 'Une erreur est survenue ici'), 'SYS/TEMP'))
      }
    } finally {
      this.connection.close()
      registry.disconnect(this.id)
      this.#maildrop = undefined
      this.#rows = undefined
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
    const { account, detail } = login
    let maildrop: Maildrop
    let terms: Pop3Terms
    let name = 'INBOX'
    try {
      const mailbox = await mailboxFor(store, account, detail)
      if (mailbox === undefined && detail !== undefined) return noSuchMailbox()
      if (mailbox !== undefined) name = mailbox.name
      const lock = await registry.lockMaildrop(account.id, this.id, name === 'INBOX' ? undefined : mailbox?.key)
      if (!lock.ok) return maildropRefusal(lock.error)
      terms = lock.value
      maildrop = await this.#open(login, mailbox, terms)
    } catch (error) {
      // The lock must not outlive a refusal (RFC 1939 §4).
      registry.unlockMaildrop(account.id, this.id)
      log.error({ connection: this.id, account: login.address, err: error }, 'Cannot open a maildrop')
      return err(
        words('The maildrop cannot be opened now', 'La boîte ne peut pas être ouverte pour le moment'),
        'SYS/TEMP',
      )
    }
    this.#maildrop = maildrop
    this.#rows = new RowsAhead(store, maildrop)
    this.#terms = terms
    this.#login = login
    this.#state = 'transaction'
    this.connection.patienceMs = IDLE_MS
    registry.note(this.id, { mailbox: name, state: 'transaction' })
    return ok(same(dropText(maildrop.remaining, maildrop.remainingOctets)))
  }

  /** What is over its time goes now, before anybody counts: QUIT may remove only what was marked (RFC 1939 §6). */
  async #open(login: Login, mailbox: MailboxInfo | undefined, { policy }: Pop3Terms): Promise<Maildrop> {
    const { account } = login
    const { store, clock, log } = this.#deps
    const expired = policy.kind === 'keep' ? clock.now() - policy.days * DAY_MS : undefined
    const maildrop = await Maildrop.open(store, account, mailbox, expired)
    const uids = maildrop.expiredUids()
    if (mailbox === undefined || uids.length === 0) return maildrop
    const answer = await store.write('expunge', {
      account,
      by: this.#actorOf(login),
      mailbox: mailbox.key,
      uids,
      which: 'any',
    })
    if (!answer.ok) log.warn({ connection: this.id, reason: answer.error.kind }, 'Cannot remove expired messages')
    return maildrop
  }

  /** Who asks, for the `by` of every write. */
  get actor(): string {
    return this.#actorOf(this.#login)
  }

  #actorOf(login: Login | undefined): string {
    const peer = this.#info.remoteAddress
    const { address, appPassword } = login ?? {}
    return formatActor({ service: 'pop3', session: this.id, peer, address, appPassword })
  }

  leave(): void {
    if (this.#login !== undefined) this.#deps.registry.unlockMaildrop(this.#login.account.id, this.id)
    this.#state = 'update'
  }

  async startTls(): Promise<void> {
    this.#answer(ok(words('Begin the TLS handshake', 'Commencez la négociation TLS')))
    await this.connection.upgrade(this.#deps.tls)
    this.user = undefined
    this.language = undefined
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
      const event = this.connection.take() ?? (await this.connection.next())
      this.#commands += 1
      // Most commands are done at once: a promise for each costs more than they do.
      const handled = this.#handle(event)
      const bad = typeof handled === 'boolean' ? handled : await handled
      this.#badInARow = bad ? this.#badInARow + 1 : 0
      if (this.#badInARow >= (this.#state === 'authorization' ? BAD_BEFORE_LOGIN : BAD_AFTER_LOGIN)) {
        this.#answer(err(words('Too many bad commands, goodbye', 'Trop de commandes erronées, au revoir')))
        return 'bad commands'
      }
      if (this.#failedLogins >= FAILED_LOGINS) return 'failed logins'
      if (this.connection.due) await this.connection.flush()
    }
    return 'quit'
  }

  /** @returns whether the command was bad, and counts as such. */
  #handle(event: LineEvent): boolean | Promise<boolean> {
    const command = this.#parse(event)
    if (command === undefined) return this.#bad()
    const found = COMMANDS.get(command.name)
    if (found === undefined || !found.states.includes(this.#state)) {
      this.#answer(
        err(
          this.#state === 'authorization'
            ? words('Log in first', 'Connectez-vous d’abord')
            : words('You are logged in already', 'Vous êtes déjà connecté'),
        ),
      )
      return this.#bad()
    }
    const started = performance.now()
    const answer = found.run(command, this)
    return answer instanceof Promise
      ? answer.then((late) => this.#complete(found, late, started))
      : this.#complete(found, answer, started)
  }

  #complete({ name }: Command, completion: Answer, started: number): false {
    if (completion !== ANSWERED) {
      const isLogin = name === 'PASS' || name === 'AUTH'
      if (isLogin && completion.status === '-ERR') this.#failedLogins += 1
      this.#answer(completion)
    }
    const outcome = completion === ANSWERED ? '+OK' : completion.status
    this.#deps.meter?.command('pop3', name, outcome, performance.now() - started)
    return false
  }

  #bad(): true {
    this.#deps.meter?.command('pop3', 'bad', '-ERR', 0)
    return true
  }

  #parse(event: LineEvent): Pop3Command | undefined {
    if (event.kind === 'too-long') {
      this.#answer(err(words('The command is too long', 'La commande est trop longue')))
      return undefined
    }
    try {
      return parseCommand(event.text)
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error
      this.#answer(err(syntaxWords(error.message)))
      return undefined
    }
  }

  #answer({ status, code, text }: Completion): void {
    this.connection.writeText(formatStatusLine({ status, code, text: this.say(text) }))
  }

  #obey(order: SessionOrder): void {
    switch (order.kind) {
      case 'close':
        return this.connection.interrupt()
      case 'yield-maildrop':
        if (this.connection.silentMs(this.#deps.clock.now()) >= YIELD_MS)
          this.connection.destroy('Another login has taken the maildrop of a silent session')
    }
  }
}
