/** A maildrop of POP3 that is only read: sessions as short as can be, as most servers let one in at a time. @module */
import { setTimeout as pause } from 'node:timers/promises'
import { AuthenticationError, Pop3Client, type Pop3ClientOptions, RefusedError } from '#client/index.ts'
import type { MessageNumber } from '#mail/ids.ts'
import { isUniqueId } from '#wire/pop3/listings.ts'
import { Spooled } from '../collect/spool.ts'
import { type HeaderMark, markOfHeader } from './header-mark.ts'

/** A message as the maildrop lists it. */
export interface DropEntry {
  /** Unique in the listing, and the same in every one: the unique-id, with ` 2` behind a second one of the same. */
  readonly id: string
  /** What it can be kept under; `undefined`: two messages have it, or it is none (RFC 1939 §7). */
  readonly uidl: string | undefined
  /** As the server says. */
  readonly octets: number
}

/** The maildrop has no unique-ids. */
export class NoUniqueIds extends Error {
  override readonly name = 'NoUniqueIds'
}

/** Headers asked for ahead. */
const WINDOW = 32
/** A session of somebody else ends at some time. */
const TRIES = 5
const BUSY_MS = 2_000
const BUSY: ReadonlySet<string> = new Set(['IN-USE', 'INUSE', 'UNAVAILABLE', 'SYS/TEMP'])

/** See the module. */
export class Maildrop implements AsyncDisposable {
  readonly #options: Pop3ClientOptions
  #client: Pop3Client | undefined
  #numbers: ReadonlyMap<string, MessageNumber> = new Map()
  #topless = false

  constructor(options: Pop3ClientOptions) {
    this.#options = options
  }

  /** Everything there is, in a new session. @throws {NoUniqueIds} */
  async list(): Promise<readonly DropEntry[]> {
    await this.release()
    const client = await this.#connect()
    this.#client = client
    const numbers = new Map<string, MessageNumber>()
    const entries: DropEntry[] = []
    for (const { message, octets, uniqueId } of await client.maildrop()) {
      if (uniqueId === undefined) throw new NoUniqueIds('The maildrop has no unique-ids')
      let id = uniqueId
      for (let copy = 2; numbers.has(id); copy += 1) id = `${uniqueId} ${copy}`
      numbers.set(id, message)
      entries.push({ id, octets, uidl: id === uniqueId && isUniqueId(uniqueId) ? uniqueId : undefined })
    }
    this.#numbers = numbers
    return entries
  }

  /** Marks by id, of those that the server gives. */
  async marks(ids: readonly string[]): Promise<Map<string, HeaderMark>> {
    const marks = new Map<string, HeaderMark>()
    const client = await this.#session()
    const ahead: { readonly id: string; readonly asked: Promise<Uint8Array | undefined> }[] = []
    const take = async (): Promise<void> => {
      const first = ahead.shift()
      const header = await first?.asked
      if (first !== undefined && header !== undefined) marks.set(first.id, markOfHeader(header))
    }
    for (const id of ids) {
      const asked = this.#header(client, id)
      // heard in its turn
      asked.catch(() => undefined)
      ahead.push({ id, asked })
      if (ahead.length >= (client.supports('PIPELINING') ? WINDOW : 1)) await take()
    }
    while (ahead.length > 0) await take()
    return marks
  }

  /** Whole messages, in this order; the body is `undefined` where the server does not give it. */
  async *messages(
    ids: readonly string[],
  ): AsyncGenerator<{ readonly id: string; readonly body?: Spooled }, void, void> {
    const client = await this.#session()
    const wanted = ids.flatMap((id) => {
      const number = this.#numbers.get(id)
      return number === undefined ? [] : [{ id, number }]
    })
    const left = wanted.values()
    for await (const { body } of client.retrieveAll(wanted.map(({ number }) => number))) {
      const { id = '' } = left.next().value ?? {}
      if (body === undefined) yield { id }
      else {
        await using spooled = await Spooled.of(body)
        yield { id, body: spooled }
      }
    }
  }

  /** Ends the session, if there is one; nothing is deleted, as nothing was marked. */
  async release(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    try {
      await client?.quit()
    } catch (error) {
      if (!(error instanceof Error)) throw error
      // it was of no more use anyway
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }

  async #session(): Promise<Pop3Client> {
    if (this.#client === undefined) await this.list()
    if (this.#client === undefined) throw new Error('A maildrop that was listed is open')
    return this.#client
  }

  async #header(client: Pop3Client, id: string): Promise<Uint8Array | undefined> {
    const number = this.#numbers.get(id)
    if (number === undefined) return undefined
    try {
      if (!this.#topless) return await (await client.top(number)).bytes()
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      this.#topless = !client.supports('TOP')
      if (!this.#topless) return undefined
    }
    // a server without TOP gives headers with the rest alone
    try {
      return await (await client.retrieve(number)).bytes()
    } catch (error) {
      if (error instanceof RefusedError) return undefined
      throw error
    }
  }

  async #connect(): Promise<Pop3Client> {
    for (let left = TRIES; ; left -= 1) {
      try {
        return await Pop3Client.connect(this.#options)
      } catch (error) {
        const busy = error instanceof AuthenticationError && error.code !== undefined && BUSY.has(error.code)
        if (!busy || left === 1) throw error
        await pause(BUSY_MS)
      }
    }
  }
}
