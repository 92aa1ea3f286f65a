/** A POP3 client (RFC 1939, RFC 2449, RFC 2595, RFC 5034, RFC 6856). @module */
import type { MessageNumber } from '#mail/ids.ts'
import type { Capabilities } from '#wire/pop3/capabilities.ts'
import { type DropListing, parseDropListing, parseScanListing, parseUniqueIdListing } from '#wire/pop3/listings.ts'
import { type ConnectOptions, resolveEndpoint } from '../connect-options.ts'
import { dial } from '../dial.ts'
import { ConnectionError, ProtocolError, RefusedError } from '../errors.ts'
import { ANSWER_MS } from '../limits.ts'
import type { Credentials } from '../sasl.ts'
import { Pop3Channel } from './channel.ts'
import { MESSAGE_OCTETS, RETRIEVE_WINDOW } from './limits.ts'
import { logIn, readCapabilities, secure } from './login.ts'
import type { MessageBody } from './message-body.ts'

const PORTS = { protocol: 'pop3', tlsPort: 995, plainPort: 110 } as const

export interface Pop3ClientOptions extends ConnectOptions {
  readonly credentials: Credentials
  /** Ask for UTF8 where it is offered (RFC 6856), so that messages come as they are stored. Default `true`. */
  readonly utf8?: boolean
  /** Octets of one message above which the server is not believed; default 1 GiB. */
  readonly messageOctets?: number
}

/** One message of the maildrop. */
export interface MaildropEntry {
  readonly message: MessageNumber
  /** As the server says; some count otherwise than they send. */
  readonly octets: number
  /**
   * `undefined` where the server has no UIDL. The same for the same message in every session; identical messages may
   * share one (RFC 1939 §7).
   */
  readonly uniqueId: string | undefined
}

/** A message that was asked for: its body, or why there is none. */
export type Retrieved =
  | { readonly message: MessageNumber; readonly body: MessageBody; readonly refusal?: never }
  | { readonly message: MessageNumber; readonly body?: never; readonly refusal: RefusedError }

/**
 * A session with a maildrop, logged in. Commands may be called without waiting for the ones before: they go out in one
 * piece where the server has PIPELINING, else in turn. Deletions happen at {@link quit} alone (RFC 1939 §6): a
 * connection that ends otherwise deletes nothing.
 *
 * @example
 * ```ts
 * await using client = await Pop3Client.connect({ host: 'pop.example.org', credentials: { login, password } })
 * for (const { message, uniqueId } of await client.maildrop()) {
 *   const { body } = await client.retrieve(message)
 *   for await (const chunk of body) file.write(chunk)
 *   await client.delete(message)
 * }
 * await client.quit()
 * ```
 */
export class Pop3Client implements AsyncDisposable {
  readonly #channel: Pop3Channel
  readonly #messageOctets: number
  #capabilities: Capabilities | undefined

  private constructor(channel: Pop3Channel, messageOctets: number) {
    this.#channel = channel
    this.#messageOctets = messageOctets
  }

  /**
   * Connects and logs in.
   * @throws {ConnectionError}, {AuthenticationError}, {RefusedError} where the server does not want us, {ProtocolError}
   */
  static async connect(options: Pop3ClientOptions): Promise<Pop3Client> {
    const connection = await dial(options, PORTS)
    const channel = new Pop3Channel(connection)
    const client = new Pop3Client(channel, options.messageOctets ?? MESSAGE_OCTETS)
    try {
      const greeting = await channel.greeting()
      if (greeting.status === '-ERR') throw new RefusedError('the connection', greeting.code, greeting.text)
      connection.expect(options.answerMs ?? ANSWER_MS)
      const { security } = resolveEndpoint(options, PORTS)
      let capabilities = await readCapabilities(channel)
      await secure(channel, security, capabilities)
      // what was said in the clear could be somebody else's word (RFC 2595 §4)
      if (security === 'starttls') capabilities = await readCapabilities(channel)
      // only before the login (RFC 6856 §2); without it, headers come in another form
      if (options.utf8 !== false && capabilities?.has('UTF8') === true) await askForUtf8(channel)
      await logIn(channel, options.credentials, options.allowPlaintext ?? false, capabilities)
      // some are only told, or told otherwise, to somebody (RFC 2449 §5)
      if (capabilities !== undefined) capabilities = (await readCapabilities(channel)) ?? capabilities
      client.#capabilities = capabilities
      channel.pipelining = capabilities?.has('PIPELINING') ?? false
      return client
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  /** TLS protects it. */
  get secure(): boolean {
    return this.#channel.connection.secure
  }

  /** What the server says it can do, with parameters; empty where it does not know CAPA. */
  get capabilities(): Capabilities {
    return this.#capabilities ?? NONE
  }

  /** @param tag Such as `UIDL`, `TOP`, `PIPELINING`. */
  supports(tag: string): boolean {
    return this.capabilities.has(tag)
  }

  /** Octets received, as on the wire. */
  get received(): number {
    return this.#channel.connection.received
  }

  /** How many messages there are and how large they are together (STAT). */
  async stat(): Promise<DropListing> {
    const { text } = await this.#channel.ask({ name: 'STAT' })
    return parseDropListing(text) ?? this.#nonsense('STAT')
  }

  /** Every message, in the server's order, which is that of arrival nearly everywhere (LIST and UIDL). */
  async maildrop(): Promise<MaildropEntry[]> {
    const [scans, ids] = await settled([this.#channel.listing({ name: 'LIST', message: undefined }), this.#uniqueIds()])
    const entries: MaildropEntry[] = []
    const seen = new Set<MessageNumber>()
    for (const line of scans) {
      const scan = parseScanListing(line) ?? this.#nonsense('LIST')
      // what it stands for twice could be deleted for having been read once
      if (seen.has(scan.message)) this.#nonsense('LIST')
      seen.add(scan.message)
      entries.push({ ...scan, uniqueId: ids?.get(scan.message) })
    }
    return entries
  }

  /** Unique-ids by message number; `undefined` where the server has none (UIDL). */
  async #uniqueIds(): Promise<Map<MessageNumber, string> | undefined> {
    let lines: string[]
    try {
      lines = await this.#channel.listing({ name: 'UIDL', message: undefined })
    } catch (error) {
      if (error instanceof RefusedError && !this.supports('UIDL')) return undefined
      throw error
    }
    const ids = new Map<MessageNumber, string>()
    for (const line of lines) {
      const { message, uniqueId } = parseUniqueIdListing(line) ?? this.#nonsense('UIDL')
      if (ids.has(message)) this.#nonsense('UIDL')
      ids.set(message, uniqueId)
    }
    return ids
  }

  /**
   * One message (RETR). Its body must be read to its end, or drained, before anything else of the session is answered.
   * @throws {RefusedError} where there is no such message
   */
  async retrieve(message: MessageNumber): Promise<MessageBody> {
    return this.#channel.message({ name: 'RETR', message }, this.#messageOctets)
  }

  /**
   * Several messages in this order, asked for ahead where the server has PIPELINING. What is left of a body when the
   * next one is asked for is read away. Until the loop is over no other command can be given: its answer would stand
   * behind messages that nobody reads.
   */
  async *retrieveAll(messages: Iterable<MessageNumber>): AsyncGenerator<Retrieved, void, void> {
    const channel = this.#channel
    const ahead: Promise<Retrieved>[] = []
    const window = channel.pipelining ? RETRIEVE_WINDOW : 1
    channel.reserved = true
    try {
      for (const message of messages) {
        ahead.push(this.#ask(message))
        if (ahead.length >= window) yield* shift(ahead)
      }
      while (ahead.length > 0) yield* shift(ahead)
    } finally {
      // what was asked for is on its way
      for (const asked of ahead) {
        const retrieved = await asked.catch(() => undefined)
        await retrieved?.body?.drain().catch(() => undefined)
      }
      channel.reserved = false
    }
  }

  #ask(message: MessageNumber): Promise<Retrieved> {
    const asked = this.#channel.message({ name: 'RETR', message }, this.#messageOctets, true).then(
      (body): Retrieved => ({ message, body }),
      (error: unknown): Retrieved => {
        if (error instanceof RefusedError) return { message, refusal: error }
        throw error
      },
    )
    // it is looked at later, when its turn comes
    asked.catch(() => undefined)
    return asked
  }

  /**
   * The header of a message, and the first lines of its body (TOP).
   * @throws {RefusedError} also where the server has no TOP
   */
  async top(message: MessageNumber, lines = 0): Promise<MessageBody> {
    return this.#channel.message({ name: 'TOP', message, lines }, this.#messageOctets)
  }

  /** Marks a message: it is deleted by {@link quit} (DELE). */
  async delete(message: MessageNumber): Promise<void> {
    await this.#channel.ask({ name: 'DELE', message })
  }

  /** Takes every mark of {@link delete} back (RSET). */
  async reset(): Promise<void> {
    await this.#channel.ask({ name: 'RSET' })
  }

  /** Keeps the session alive (NOOP). */
  async noop(): Promise<void> {
    await this.#channel.ask({ name: 'NOOP' })
  }

  /**
   * Ends the session; the server deletes what was marked (RFC 1939 §6).
   * @throws {RefusedError} when it could not delete all of it
   * @throws {ConnectionError} with `maybeDone` when nobody knows whether it did
   */
  async quit(): Promise<void> {
    try {
      await this.#channel.ask({ name: 'QUIT' })
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error
      const { trouble, message } = error
      throw new ConnectionError(trouble, `${message}; whether messages were deleted is not known`, {
        cause: error,
        maybeDone: true,
      })
    } finally {
      await this.#channel.connection.close()
    }
  }

  /** Ends the connection without {@link quit}: nothing is deleted. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.connection.destroy()
  }

  #nonsense(command: string): never {
    const { connection } = this.#channel
    connection.destroy()
    throw new ProtocolError(`${connection.where} answered ${command} with what is no listing`)
  }
}

async function askForUtf8(channel: Pop3Channel): Promise<void> {
  try {
    await channel.ask({ name: 'UTF8' })
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
  }
}

const NONE: Capabilities = new Map()

/** The first of those that were asked for; what was left of it is read away before it comes back for more. */
async function* shift(ahead: Promise<Retrieved>[]): AsyncGenerator<Retrieved, void, void> {
  const retrieved = await ahead.shift()
  if (retrieved === undefined) return
  try {
    yield retrieved
  } finally {
    await retrieved.body?.drain()
  }
}

/** Both answers; when one fails the other is waited for too, so that nothing rejects unheard. */
async function settled<A, B>(both: readonly [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(both)
  return Promise.all(both)
}
