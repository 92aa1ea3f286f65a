/** A POP3 server on loopback over the store in memory, for tests. @module */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import { serverHandshake } from '#lib/tls-handshake.ts'
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import { prepareEmail } from '#mail/prepare.ts'
import { scanMessage } from '#mail/scanner.ts'
import { type Pop3Options, Pop3Service } from '#pop3/service.ts'
import type { OAuthOffer } from '#services/oauth-tokens.ts'
import type { SessionDeps } from '#services/session-deps.ts'
import { NO_FLAGS } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import { FakeClock, FakeRegistry } from './fake-registry.ts'
import { ListLog } from './list-log.ts'
import { testCertificate } from './scripted-server.ts'

export interface TestMessage {
  readonly body: string | Uint8Array
  readonly trace?: string
  readonly uidl?: string
}

export interface TestServerOptions {
  /** Of `ann@example.org`, whose password is `secret`. */
  readonly messages?: readonly (string | TestMessage)[]
  /** Default `true`. */
  readonly allowPlaintext?: boolean
  /** STLS; default `false`. */
  readonly tls?: boolean
  /** TLS from the first byte, as on port 995; default `false`. */
  readonly implicitTls?: boolean
  /** Default: no tokens. */
  readonly oauth?: OAuthOffer
  readonly store?: MailStore
  /** `[pop3]`; default: nothing is marked, English. */
  readonly pop3?: Pop3Options
}

export class TestPop3Server implements AsyncDisposable {
  readonly account: AccountRef = { id: 1 as AccountId, shard: 0 }
  readonly clock: FakeClock = new FakeClock()
  readonly log: ListLog = new ListLog()
  readonly registry: FakeRegistry
  readonly store: MailStore
  readonly service: Pop3Service
  /** Of INBOX. */
  inbox: MailboxKey = 0 as MailboxKey
  uidValidity = 0
  readonly #server: Server

  private constructor(options: TestServerOptions, tls: SessionDeps['tls']) {
    this.store = options.store ?? openMemoryStore({ clock: this.clock })
    this.registry = new FakeRegistry([
      { account: this.account, address: 'ann@example.org', password: 'secret' },
      {
        account: { id: 2 as AccountId, shard: 0 },
        address: 'imap-only@example.org',
        password: 'secret',
        refusal: { kind: 'not-allowed', why: 'protocol' },
      },
    ])
    let connections = 0
    const deps: SessionDeps = {
      hostname: 'mail.example.org',
      store: this.store,
      registry: this.registry,
      limits: { messageBytes: 50_000_000, lineBytes: 65_536, idleMs: 1_800_000 },
      allowPlaintext: options.allowPlaintext ?? true,
      scramForPasswords: true,
      oauth: options.oauth,
      tls,
      clock: this.clock,
      log: this.log,
      newConnectionId: () => `c${(connections += 1)}`,
    }
    this.service = new Pop3Service(deps, options.pop3)
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      if (options.implicitTls !== true) this.service.accept(socket, { secure: false })
      else void serverHandshake(socket, tls, 5_000).then((secure) => this.service.accept(secure, { secure: true }))
    })
  }

  static async start(options: TestServerOptions = {}): Promise<TestPop3Server> {
    const server = new TestPop3Server(options, await tlsIdentity(options.tls === true || options.implicitTls === true))
    await server.store.write('openAccount', {
      account: server.account,
      by: 'test',
      mailboxes: [],
      limits: { storageBytes: undefined, messages: undefined },
    })
    const inbox = await server.store.mailboxByName(server.account, 'INBOX')
    if (inbox === undefined) throw new Error('There is no INBOX')
    server.inbox = inbox.key
    server.uidValidity = inbox.uidValidity
    for (const message of options.messages ?? []) await server.add(message)
    await new Promise<void>((resolve) => {
      server.#server.listen(0, '127.0.0.1', resolve)
    })
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** A new connection of a client. */
  async connect(): Promise<Socket> {
    const socket = connect({ port: this.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => undefined)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return socket
  }

  /** Adds a message to INBOX. */
  async add(message: string | TestMessage): Promise<void> {
    const { body, trace, uidl } =
      typeof message === 'object' ? message : { body: message, trace: undefined, uidl: undefined }
    const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body
    const stage = this.store.stage(0)
    await stage.write(bytes)
    const added = await this.store.write('append', {
      account: this.account,
      by: 'test',
      mailbox: this.inbox,
      messages: [
        {
          body: await stage.finish(),
          email: prepareEmail(scanMessage(bytes)),
          trace: Buffer.from(trace ?? '', 'latin1'),
          flags: NO_FLAGS,
          internalDate: 1_700_000_000_000,
          internalZone: 0,
          uidl,
        },
      ],
    })
    if (!added.ok) throw new Error(`Cannot add the message: ${added.error.kind}`)
  }

  /** Messages in INBOX now. */
  async count(): Promise<number> {
    return (await this.store.mailbox(this.account, this.inbox))?.messages ?? 0
  }

  /** Lets time pass, as far as deadlines are concerned. */
  pass(ms: number): void {
    this.clock.ms += ms
    this.service.tick()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.store[Symbol.asyncDispose]()
  }
}

async function tlsIdentity(wanted: boolean): Promise<SessionDeps['tls']> {
  const ticketKeys = Buffer.alloc(48, 1)
  if (!wanted) return { context: () => undefined, ticketKeys }
  const { cert, key } = await testCertificate()
  const context = createSecureContext({ cert, key })
  return { context: () => context, ticketKeys }
}
