/** A maildrop of POP3 as a source. @module */
import { type MaildropEntry, Pop3Client, type Pop3ClientOptions } from '#client/pop3/client.ts'
import type { MessageNumber } from '#mail/ids.ts'
import type { CollectSource, Fetched, Listed } from './source.ts'

/** Opens a session. @throws {ClientError} */
export async function openPop3Source(name: string, options: Pop3ClientOptions): Promise<CollectSource> {
  const client = await Pop3Client.connect(options)
  try {
    return new Pop3Source(name, client, await client.maildrop())
  } catch (error) {
    await client[Symbol.asyncDispose]()
    throw error
  }
}

class Pop3Source implements CollectSource {
  readonly name: string
  readonly lastingIds: boolean
  readonly #client: Pop3Client
  readonly #numbers = new Map<string, MessageNumber>()
  readonly #listed: readonly Listed[]

  constructor(name: string, client: Pop3Client, maildrop: readonly MaildropEntry[]) {
    this.name = name
    this.#client = client
    this.lastingIds = maildrop.every(({ uniqueId }) => uniqueId !== undefined)
    this.#listed = maildrop.map(({ message, octets, uniqueId }) => {
      const id = this.#distinct(uniqueId ?? `${message}/${octets}`)
      this.#numbers.set(id, message)
      return { id, octets }
    })
  }

  /**
   * Servers may give identical copies one unique-id (RFC 1939 §7), and broken ones give it to others too: the second
   * one with it is a message of its own all the same. No unique-id has a space.
   */
  #distinct(uniqueId: string): string {
    let id = uniqueId
    for (let copy = 2; this.#numbers.has(id); copy += 1) id = `${uniqueId} ${copy}`
    return id
  }

  async list(): Promise<readonly Listed[]> {
    return this.#listed
  }

  async *fetch(messages: readonly Listed[]): AsyncGenerator<Fetched, void, void> {
    const left = messages.values()
    for await (const { body, refusal } of this.#client.retrieveAll(messages.map((message) => this.#number(message)))) {
      const { value: message } = left.next()
      if (message === undefined) return
      yield body === undefined ? { message, refusal: refusal.text } : { message, body }
    }
  }

  async remove(messages: readonly Listed[]): Promise<void> {
    await Promise.all(messages.map((message) => this.#client.delete(this.#number(message))))
  }

  async finish(): Promise<void> {
    await this.#client.quit()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]()
  }

  #number({ id }: Listed): MessageNumber {
    const number = this.#numbers.get(id)
    if (number === undefined) throw new Error(`Message "${id}" is not in the maildrop`)
    return number
  }
}
