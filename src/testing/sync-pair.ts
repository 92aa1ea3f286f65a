/** Two accounts of a server in this process, and runs of a synchronisation between them. @module */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ImapClient } from '#client/imap/imap-client.ts'
import type { ImapClientOptions } from '#client/imap/options.ts'
import { ImapSide } from '#transfer/sync/imap-side.ts'
import type { Side } from '#transfer/sync/side.ts'
import { SpeedLimit } from '#transfer/sync/speed-limit.ts'
import { SyncState } from '#transfer/sync/state.ts'
import { type SyncReport, type SyncRequest, synchronise } from '#transfer/sync/sync.ts'
import type { WholeServer } from './whole-server.ts'

/** Of all accounts. */
export const PASSWORD = 'correct horse battery'
let accounts = 0

/** How a run differs from one way with deletions. */
export interface RunOptions extends Partial<SyncRequest> {
  /** Where the accounts are reached. */
  readonly ports?: readonly [number, number]
  readonly connect?: Partial<ImapClientOptions>
}

/** See the module. Needs a server that allows logins without TLS. */
export class SyncPair implements AsyncDisposable {
  readonly folder: string
  readonly left: ImapClient
  readonly right: ImapClient
  readonly #port: number
  readonly #logins: readonly [string, string]

  private constructor(folder: string, port: number, logins: readonly [string, string], clients: readonly ImapClient[]) {
    const [left, right] = clients
    if (left === undefined || right === undefined) throw new TypeError('There are two')
    this.folder = folder
    this.left = left
    this.right = right
    this.#port = port
    this.#logins = logins
  }

  /** Two new accounts, with a client for each. */
  static async make(whole: WholeServer): Promise<SyncPair> {
    accounts += 1
    const logins = [`left${accounts}@example.org`, `right${accounts}@example.org`] as const
    for (const address of logins) await whole.server.administration.ask('account.add', { address, password: PASSWORD })
    const port = whole.port('imap')
    const clients = await Promise.all(logins.map((login) => ImapClient.connect(options(login, port))))
    return new SyncPair(await mkdtemp(path.join(tmpdir(), 'malle-sync-')), port, logins, clients)
  }

  login(end: 'left' | 'right'): string {
    return this.#logins[end === 'left' ? 0 : 1]
  }

  /** Another connection to one of them. */
  connect(
    end: 'left' | 'right',
    more: Partial<ImapClientOptions> = {},
    port: number = this.#port,
  ): Promise<ImapClient> {
    return ImapClient.connect({ ...options(this.login(end), port), ...more })
  }

  /** One run, with the records of those before. */
  async run(options: RunOptions = {}): Promise<SyncReport> {
    const { ports = [this.#port, this.#port], connect = {}, ...more } = options
    using state = new SyncState(path.join(this.folder, 'state.db'), 'left', 'right')
    const side = (end: 'left' | 'right', port: number): Promise<Side> =>
      ImapSide.connect(end, () => this.connect(end, connect, port))
    await using left = more.left ?? (await side('left', ports[0]))
    await using right = more.right ?? (await side('right', ports[1]))
    return await synchronise({
      state,
      twoWay: false,
      deletions: true,
      mailboxDeletions: false,
      emptyToo: false,
      dryRun: false,
      verify: undefined,
      wanted: () => true,
      limit: new SpeedLimit(undefined),
      parallel: 2,
      signal: new AbortController().signal,
      progress: () => undefined,
      ...more,
      left,
      right,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.left.logout(), this.right.logout()])
    await rm(this.folder, { recursive: true, force: true })
  }
}

function options(login: string, port: number): ImapClientOptions {
  return {
    host: '127.0.0.1',
    port,
    security: 'none',
    allowPlaintext: true,
    reconnect: false,
    credentials: { login, password: PASSWORD },
  }
}

/** What an account holds: for each mailbox its messages by subject with their flags, sorted; empty mailboxes too. */
export async function contentsOf(client: ImapClient): Promise<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {}
  for (const { name, noSelect } of await client.list()) {
    if (noSelect) continue
    await client.select(name, { readOnly: true })
    const messages: string[] = []
    for await (const { flags, envelope, size } of client.fetch('1:*', { flags: true, envelope: true, size: true })) {
      const kept = flags.filter((flag) => flag !== '\\Recent').sort()
      messages.push([envelope.subject, size, ...kept].join(' '))
    }
    found[name] = messages.sort()
    await client.unselect()
  }
  return found
}

/** The nth message, no two the same. */
export function letterOf(n: number | string, lines = 3): string {
  return `From: ann@example.org\r\nSubject: ${n}\r\nMessage-ID: <${n}@example.org>\r\n\r\n${`line of ${n}\r\n`.repeat(lines)}`
}
