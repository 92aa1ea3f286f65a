/** An IMAP server over the store in memory, for tests: spoken to in memory, or on loopback where TLS is wanted. @module */
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { createSecureContext, type SecureContext } from 'node:tls'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import { ImapService } from '#imap/service.ts'
import type { AccountId } from '#mail/ids.ts'
import { prepareEmail } from '#mail/prepare.ts'
import { scanMessage } from '#mail/scanner.ts'
import type { OAuthOffer } from '#services/oauth-tokens.ts'
import type { SessionDeps } from '#services/session-deps.ts'
import { flagsOf } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, QuotaLimits, SpecialUse } from '#store/types.ts'
import { FakeClock, FakeRegistry } from './fake-registry.ts'
import { ListLog } from './list-log.ts'
import { testCertificate } from './scripted-server.ts'

/** A message to be there from the beginning. */
export interface ImapTestMessage {
  /** Default: `INBOX`. */
  readonly mailbox?: string
  /** Binary string or bytes. Default: a small message. */
  readonly body?: string | Uint8Array
  readonly flags?: readonly string[]
  /** Milliseconds since 1970; default 14 November 2023, 22:13:20 UTC. */
  readonly date?: number
}

export interface ImapServerOptions {
  readonly messages?: readonly ImapTestMessage[]
  /** Besides INBOX; a special use after a colon: `Sent:Sent`. */
  readonly mailboxes?: readonly string[]
  /** Names subscribed to. */
  readonly subscribed?: readonly string[]
  readonly limits?: QuotaLimits
  /** Default `true`. */
  readonly allowPlaintext?: boolean
  /** Listens on loopback and has a certificate. Default `false`. */
  readonly tls?: boolean
  readonly messageBytes?: number
  readonly messagesPerCommand?: number
  /** Default `true`. */
  readonly scramForPasswords?: boolean
  /** Default `true`. */
  readonly unauthenticate?: boolean
  /** Default: no tokens. */
  readonly oauth?: OAuthOffer
  readonly store?: MailStore
}

/** The person of most tests; another one is `bob@example.org` with the same password, who has an account of his own. */
export const ANN = { address: 'ann@example.org', password: 'secret' } as const

/** A small message. */
export const SMALL_MESSAGE = 'From: ann@example.org\r\nSubject: small\r\n\r\nHello\r\n'

export class TestImapServer implements AsyncDisposable {
  readonly account: AccountRef = { id: 1 as AccountId, shard: 0 }
  readonly clock: FakeClock = new FakeClock()
  readonly log: ListLog = new ListLog()
  readonly registry: FakeRegistry
  readonly store: MailStore
  /** What its sessions are given. */
  readonly deps: SessionDeps
  readonly service: ImapService
  #server: Server | undefined

  private constructor(options: ImapServerOptions, context: SecureContext | undefined) {
    this.store = options.store ?? openMemoryStore({ clock: this.clock })
    this.registry = new FakeRegistry([
      { account: this.account, ...ANN },
      { account: { id: 2 as AccountId, shard: 0 }, address: 'bob@example.org', password: ANN.password },
      {
        account: { id: 3 as AccountId, shard: 0 },
        address: 'pop-only@example.org',
        password: ANN.password,
        refusal: { kind: 'not-allowed', why: 'protocol' },
      },
    ])
    let connections = 0
    this.deps = {
      hostname: 'mail.example.org',
      store: this.store,
      registry: this.registry,
      limits: {
        messageBytes: options.messageBytes ?? 50_000_000,
        lineBytes: 65_536,
        idleMs: 1_800_000,
        ...(options.messagesPerCommand === undefined ? {} : { messagesPerCommand: options.messagesPerCommand }),
      },
      allowPlaintext: options.allowPlaintext ?? true,
      scramForPasswords: options.scramForPasswords ?? true,
      unauthenticate: options.unauthenticate ?? true,
      oauth: options.oauth,
      tls: { context: () => context, ticketKeys: Buffer.alloc(48, 1) },
      clock: this.clock,
      log: this.log,
      newConnectionId: () => `c${(connections += 1)}`,
    }
    this.service = new ImapService(this.deps)
  }

  static async start(options: ImapServerOptions = {}): Promise<TestImapServer> {
    const context = options.tls === true ? await secureContext() : undefined
    const server = new TestImapServer(options, context)
    if (options.tls === true) await server.#listen()
    await server.#fill(options)
    return server
  }

  async #listen(): Promise<void> {
    const server = createServer((socket) => this.service.accept(socket, { secure: false }))
    this.#server = server
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
  }

  async #fill(options: ImapServerOptions): Promise<void> {
    const { account, store } = this
    const none = { storageBytes: undefined, messages: undefined }
    const mailboxes = (options.mailboxes ?? []).map((text) => {
      const [name = '', specialUse] = text.split(':')
      return { name, specialUse: specialUse as SpecialUse | undefined, subscribed: false }
    })
    await store.write('openAccount', { account, by: 'test', mailboxes, limits: options.limits ?? none })
    await store.write('openAccount', {
      account: { id: 2 as AccountId, shard: 0 },
      by: 'test',
      mailboxes: [],
      limits: none,
    })
    for (const name of options.subscribed ?? [])
      await store.write('subscribe', { account, by: 'test', name, subscribed: true })
    for (const message of options.messages ?? []) await this.add(message)
  }

  /** Adds a message, as a delivery would. */
  async add(message: ImapTestMessage = {}): Promise<void> {
    const body = message.body ?? SMALL_MESSAGE
    const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body
    const { account, store } = this
    const info = await store.mailboxByName(account, message.mailbox ?? 'INBOX')
    if (info === undefined) throw new Error(`There is no mailbox ${message.mailbox}`)
    const stage = store.stage(0)
    await stage.write(bytes)
    const added = await store.write('append', {
      account,
      by: 'test',
      mailbox: info.key,
      messages: [
        {
          body: await stage.finish(),
          email: prepareEmail(scanMessage(bytes)),
          trace: new Uint8Array(0),
          flags: flagsOf(message.flags ?? []),
          internalDate: message.date ?? 1_700_000_000_000,
          internalZone: 0,
          uidl: undefined,
        },
      ],
    })
    if (!added.ok) throw new Error(`Cannot add the message: ${added.error.kind}`)
  }

  /** On loopback; there is one where `tls` was asked for. */
  get port(): number {
    if (this.#server === undefined) throw new Error('The server does not listen')
    return (this.#server.address() as AddressInfo).port
  }

  /** A new connection of a client, in memory or on loopback. */
  async connect(): Promise<Duplex> {
    if (this.#server === undefined) {
      const [ours, theirs] = duplexPair()
      // As sockets do: a closed side is answered by closing the other, a reset is heard.
      ours.allowHalfOpen = false
      ours.on('error', () => undefined)
      ours.on('close', () => theirs.destroy())
      theirs.on('close', () => ours.destroy())
      this.service.accept(theirs, { secure: false })
      return ours
    }
    const socket = connect({ port: this.port, host: '127.0.0.1' })
    socket.on('error', () => undefined)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return socket
  }

  /** Lets time pass, as far as deadlines are concerned. */
  pass(ms: number): void {
    this.clock.ms += ms
    this.service.tick()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]()
    const server = this.#server
    if (server !== undefined) await new Promise((resolve) => server.close(resolve))
    await this.store[Symbol.asyncDispose]()
  }
}

async function secureContext(): Promise<SecureContext> {
  const { cert, key } = await testCertificate()
  return createSecureContext({ cert, key })
}
