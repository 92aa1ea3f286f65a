/** An SMTP or LMTP server over the store in memory with real accounts, on loopback, and a client that reads replies. @module */
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connect as connectTls } from 'node:tls'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import { openDirectory } from '#adapters/sqlite/directory.ts'
import { openSendingRecord } from '#adapters/sqlite/sending.ts'
import { systemClock } from '#lib/clock.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { selfMadeCertificate } from '#server/self-made-certificate.ts'
import { readPair, ThreadTls } from '#server/tls.ts'
import { Accounts } from '#services/accounts.ts'
import type { InboundChecks } from '#services/inbound-checks.ts'
import { DEFAULT_REGISTRY_LIMITS, LocalRegistry } from '#services/local-registry.ts'
import { JwtVerifier, type OAuthIssuer, oauthOffer } from '#services/oauth-tokens.ts'
import { SendingLedger, type SendingSettings } from '#services/sending-ledger.ts'
import type { SessionDeps } from '#services/session-deps.ts'
import type { SenderRewriting } from '#services/srs.ts'
import type { SubmissionPolicy } from '#services/submission.ts'
import { type SmtpRole, SmtpService } from '#smtp/service.ts'
import type { Directory } from '#store/directory.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { Outbox } from '#store/queue.ts'
import type { AccountRef } from '#store/types.ts'
import { ListLog } from './list-log.ts'
import { ReceivedText } from './received-text.ts'

export interface SmtpServerOptions {
  readonly role: SmtpRole
  readonly bareNewline?: 'reject' | 'normalise'
  readonly allowPlaintext?: boolean
  readonly messageBytes?: number
  /** Whose tokens count; default: none. */
  readonly oauth?: OAuthIssuer
  /** What port 25 asks before it keeps a message; default: nothing. */
  readonly checks?: InboundChecks
  readonly outbox?: Outbox | undefined
  readonly submission?: SubmissionPolicy
  /** What may be sent; default: anything. */
  readonly sending?: SendingSettings
  readonly forwardedSender?: SessionDeps['forwardedSender']
  /** Whose rewritten senders lead back. */
  readonly rewriting?: SenderRewriting
  /** Storage of bob's account, octets. */
  readonly bobLimit?: number
}

/** Password of ann@ and bob@example.org. */
export const PASSWORD = 'correct horse'

export class TestSmtpServer implements AsyncDisposable {
  readonly store: MailStore = openMemoryStore({ clock: systemClock })
  readonly log: ListLog = new ListLog()
  readonly #directory: Directory
  readonly #service: SmtpService
  readonly registry: LocalRegistry
  readonly accounts: Accounts
  #server: Server | undefined
  ann: AccountRef | undefined
  bob: AccountRef | undefined

  private constructor(directory: Directory, tls: ThreadTls, options: SmtpServerOptions) {
    this.#directory = directory
    this.accounts = new Accounts({
      directory,
      store: this.store,
      shards: 1,
      scramForPasswords: false,
      changed: (account) => this.registry.accountChanged(account),
    })
    this.registry = new LocalRegistry({
      directory,
      ...(options.rewriting === undefined ? {} : { rewriting: options.rewriting }),
      limits: DEFAULT_REGISTRY_LIMITS,
      scramForPasswords: false,
      ...(options.sending && { sending: ledgerOf(options.sending) }),
      tokens: options.oauth && new JwtVerifier(options.oauth, { clock: systemClock }),
      ensureOpen: (account) => this.accounts.ensureOpen(account),
    })
    let connections = 0
    const deps: SessionDeps = {
      hostname: 'mail.example.org',
      store: this.store,
      registry: this.registry,
      limits: { messageBytes: options.messageBytes ?? 50_000_000, lineBytes: 65_536, idleMs: 1_800_000 },
      allowPlaintext: options.allowPlaintext ?? false,
      scramForPasswords: true,
      oauth: options.oauth && oauthOffer(options.oauth),
      checks: options.checks,
      outbox: options.outbox,
      submission: options.submission,
      forwardedSender: options.forwardedSender,
      tls,
      clock: systemClock,
      log: this.log,
      newConnectionId: () => {
        connections += 1
        return `c${connections}`
      },
    }
    this.#service = new SmtpService(deps, { role: options.role, bareNewline: options.bareNewline ?? 'reject' })
  }

  static async start(options: SmtpServerOptions): Promise<TestSmtpServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'malle-smtp-'))
    const pair = await readPair(await selfMadeCertificate(folder, ['localhost', '127.0.0.1']))
    await rm(folder, { recursive: true })
    const tls = new ThreadTls({ pairs: [pair], ticketKeys: Buffer.alloc(48, 7) })
    const server = new TestSmtpServer(await openDirectory(':memory:'), tls, options)
    await server.accounts.addDomain('example.org')
    const added = await server.accounts.addAccounts([
      { address: 'ann@example.org', password: PASSWORD },
      { address: 'bob@example.org', password: PASSWORD, storageBytes: options.bobLimit },
    ])
    if (!added.ok) throw new Error(added.error.kind)
    ;[server.ann, server.bob] = added.value.map(({ ref }) => ref)
    await server.accounts.setAlias('team@example.org', ['ann@example.org', 'bob@example.org'])
    server.#server = createServer((socket) => server.#service.accept(socket, { secure: false }))
    await new Promise<void>((resolve) => server.#server?.listen(0, '127.0.0.1', resolve))
    return server
  }

  get port(): number {
    const address = this.#server?.address() as AddressInfo | undefined
    if (address === undefined) throw new Error('The server does not listen')
    return address.port
  }

  connect(): Promise<SmtpClient> {
    return SmtpClient.connect(this.port)
  }

  async messages(account: AccountRef | undefined): Promise<number> {
    return account === undefined ? 0 : ((await this.store.mailboxByName(account, 'INBOX'))?.messages ?? 0)
  }

  /** What the log says became of each message, for each recipient. */
  get results(): unknown[] {
    const lines = this.log.lines.filter(({ message }) => message === 'message in')
    return lines.map(({ fields }) => 'result' in fields && fields.result)
  }

  /** Every message of a mailbox, with its trace lines. */
  async texts(account: AccountRef | undefined, mailbox = 'INBOX'): Promise<readonly string[]> {
    const info = account && (await this.store.mailboxByName(account, mailbox))
    if (account === undefined || info === undefined) return []
    const texts: string[] = []
    const page = await this.store.messages(account, info.key, 0)
    for await (const rows of this.store.emails(account, info.key, uidSetOf(page.uids), 0)) {
      for (const row of rows) {
        const bytes = await this.store.body(account, row.place).read(0, row.size - row.trace.length)
        texts.push(Buffer.concat([row.trace, bytes]).toString('utf8'))
      }
    }
    return texts
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve))
    await this.#service[Symbol.asyncDispose]()
    await closed
    await this.#directory[Symbol.asyncDispose]()
  }
}

function ledgerOf(settings: SendingSettings): SendingLedger {
  const record = openSendingRecord(':memory:')
  return new SendingLedger({ record: () => record, clock: systemClock, settings })
}

/** Speaks lines and reads whole replies. */
export class SmtpClient {
  socket: Socket
  readonly #received: ReceivedText

  private constructor(socket: Socket) {
    this.socket = socket
    this.#received = new ReceivedText(socket)
  }

  static async connect(port: number): Promise<SmtpClient> {
    const socket = connect(port, '127.0.0.1')
    const client = new SmtpClient(socket)
    await new Promise<void>((resolve) => socket.once('connect', resolve))
    return client
  }

  /** Sends a line, gives the reply to it, lines joined by LF. */
  async say(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`)
    return this.reply()
  }

  /** Sends whatever. */
  send(text: string | Uint8Array): void {
    this.socket.write(text)
  }

  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n/.exec(this.#received.unread)
      if (match !== null) return this.#received.take(match[0].length).replaceAll('\r', '').trimEnd()
      if (this.#received.ended) return '<closed>'
      await this.#received.more()
    }
  }

  async startTls(): Promise<void> {
    this.socket.removeAllListeners()
    this.socket = connectTls({ socket: this.socket, rejectUnauthorized: false })
    this.#received.listen(this.socket)
    await new Promise<void>((resolve) => this.socket.once('secureConnect', resolve))
  }

  close(): void {
    this.socket.destroy()
  }
}
