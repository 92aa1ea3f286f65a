/** What every part of the suite works with. @module */
import assert from 'node:assert/strict'
import { ImapClient, type ImapClientOptions, type MailboxEvent } from '#client/index.ts'

/** How long a test waits before it fails; a deadline for broken tests, not a clock of any. */
const PATIENCE_MS = 60_000

/** A server, a person in it and how to get there. */
export interface ClientTarget extends AsyncDisposable {
  readonly options: ImapClientOptions & { readonly port: number }
  /** Its IDLE tells of news at once. */
  readonly pushes: boolean
}

/** See the module. */
export class Bench {
  readonly #open: () => Promise<ClientTarget>
  #opened: Promise<ClientTarget> | undefined
  #mailboxes = 0
  /** For the next test: to log in costs servers a process, or a key derivation. */
  #kept: ImapClient | undefined

  constructor(open: () => Promise<ClientTarget>) {
    this.#open = open
  }

  /** The server; started when it is first asked for. */
  target(): Promise<ClientTarget> {
    this.#opened ??= this.#open()
    return this.#opened
  }

  async connect(more: Partial<ImapClientOptions> = {}): Promise<ImapClient> {
    const { options } = await this.target()
    return ImapClient.connect({ ...options, ...more })
  }

  /** Runs `body` with a client in a new mailbox that has these messages; the same client as before, unless that failed. */
  async inMailbox(
    bodies: readonly (string | Uint8Array)[],
    body: (client: ImapClient, mailbox: string) => Promise<void>,
  ): Promise<void> {
    const client = this.#kept ?? (await this.connect())
    this.#kept = undefined
    try {
      this.#mailboxes += 1
      const mailbox = `Suite${this.#mailboxes}`
      await client.create(mailbox)
      if (bodies.length > 0)
        await client.appendAll(
          mailbox,
          bodies.map((each) => ({ body: each })),
        )
      await client.select(mailbox)
      await body(client, mailbox)
      await client.unselect()
      await client.delete(mailbox)
      this.#kept = client
    } finally {
      if (this.#kept === undefined) await client.logout()
    }
  }

  async end(): Promise<void> {
    await this.#kept?.logout()
    await (await this.#opened)?.[Symbol.asyncDispose]()
  }
}

/** Everything up to an event that is wanted. */
export async function eventually(
  events: AsyncIterator<MailboxEvent>,
  wanted: (event: MailboxEvent) => boolean,
): Promise<MailboxEvent[]> {
  const seen: MailboxEvent[] = []
  const timer = setTimeout(() => {
    events.return?.().catch(() => undefined)
  }, PATIENCE_MS)
  try {
    for (;;) {
      const { done, value } = await events.next()
      assert.ok(done !== true, `it did not come; seen: ${JSON.stringify(seen)}`)
      seen.push(value)
      if (wanted(value)) return seen
    }
  } finally {
    clearTimeout(timer)
  }
}
