/** A mailbox of IMAP as a source. @module */
import { ImapClient } from '#client/imap/imap-client.ts'
import type { ImapClientOptions } from '#client/imap/options.ts'
import type { Uid } from '#mail/ids.ts'
import type { CollectSource, Fetched, Listed } from './source.ts'

/** Opens a session. @throws {ClientError} */
export async function openImapSource(
  name: string,
  options: ImapClientOptions,
  mailbox: string,
): Promise<CollectSource> {
  const client = await ImapClient.connect({ ...options, reconnect: false })
  try {
    const { uidValidity } = await client.select(mailbox)
    return await ImapSource.open(name, client, uidValidity)
  } catch (error) {
    await client[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * Waits for mail, by IDLE where the server has it, by asking else; lasts through lost connections.
 * @returns At each sign of something new, and once at the beginning.
 */
export async function* arrivals(
  options: ImapClientOptions,
  mailbox: string,
  signal: AbortSignal,
): AsyncGenerator<void, void, void> {
  await using client = await ImapClient.connect(options)
  await client.select(mailbox, { readOnly: true })
  yield
  for await (const { kind } of client.watch({ signal })) {
    if (kind === 'exists' || kind === 'resumed' || kind === 'reset' || kind === 'overflow') yield
  }
}

class ImapSource implements CollectSource {
  readonly name: string
  readonly lastingIds = true
  readonly #client: ImapClient
  readonly #uids: ReadonlyMap<string, Uid>
  readonly #listed: readonly Listed[]

  private constructor(name: string, client: ImapClient, uids: ReadonlyMap<string, Uid>, listed: readonly Listed[]) {
    this.name = name
    this.#client = client
    this.#uids = uids
    this.#listed = listed
  }

  static async open(name: string, client: ImapClient, uidValidity: number): Promise<ImapSource> {
    const uids = new Map<string, Uid>()
    const listed: Listed[] = []
    for await (const { uid, size, emailId } of client.fetch('1:*', { size: true, emailId: true })) {
      const id = distinct(uids, uidValidity, uid, emailId)
      uids.set(id, uid)
      listed.push({ id, octets: size })
    }
    return new ImapSource(name, client, uids, listed)
  }

  async list(): Promise<readonly Listed[]> {
    return this.#listed
  }

  async *fetch(messages: readonly Listed[]): AsyncGenerator<Fetched, void, void> {
    const wanted = new Map(messages.map((message) => [this.#uid(message), message]))
    for await (const { uid, body } of this.#client.fetch([...wanted.keys()], { body: true })) {
      const message = wanted.get(uid)
      if (message === undefined) continue
      wanted.delete(uid)
      yield body === undefined ? { message, refusal: 'The server has no bytes of it' } : { message, body }
    }
    // somebody else took them away meanwhile
    for (const message of wanted.values()) yield { message, refusal: 'It is not there any more' }
  }

  async remove(messages: readonly Listed[]): Promise<void> {
    const uids = messages.map((message) => this.#uid(message)).sort((a, b) => a - b)
    await this.#client.store(uids, { add: ['\\Deleted'] })
    await this.#client.expunge(uids)
  }

  async finish(): Promise<void> {
    await this.#client.logout()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]()
  }

  #uid({ id }: Listed): Uid {
    const uid = this.#uids.get(id)
    if (uid === undefined) throw new Error(`Message "${id}" is not in the mailbox`)
    return uid
  }
}

/**
 * EMAILID outlives a new UIDVALIDITY (RFC 8474 §5.1), and several copies in one mailbox have the same; where the server
 * has none, mail is taken again after its mailbox was made anew: twice is better than never.
 */
function distinct(taken: ReadonlyMap<string, Uid>, uidValidity: number, uid: Uid, emailId: string | undefined): string {
  if (emailId === undefined) return `${uidValidity} ${uid}`
  let id = emailId
  for (let copy = 2; taken.has(id); copy += 1) id = `${emailId} ${copy}`
  return id
}
