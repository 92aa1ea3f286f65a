/** Where a mailbox comes from, over IMAP and POP3 or one of them, as a side that is only read. @module */
import { AuthenticationError, ImapClient, type ImapClientOptions, type Pop3ClientOptions } from '#client/index.ts'
import type { Clock } from '#lib/clock.ts'
import { ImapMailbox } from '../sync/imap-mailbox.ts'
import { ImapSide } from '../sync/imap-side.ts'
import { type Carried, type OpenMailbox, type Side, type SideMailbox, SideRefusal } from '../sync/side.ts'
import { Tags } from './inbox-key.ts'
import { InboxListing, type InboxMessage, type KnownInbox, type MaildropReport } from './inbox-listing.ts'
import { Maildrop, NoUniqueIds } from './maildrop.ts'
import { MaildropInbox } from './maildrop-inbox.ts'

export interface SourceOptions {
  readonly imap: ImapClientOptions | undefined
  readonly pop3: Pop3ClientOptions | undefined
  /** POP3 was found there and not asked for: a person whom it does not let in has no programs on it. */
  readonly pop3Guessed: boolean
  /** The person's own, there. */
  readonly login: string
  readonly known: () => KnownInbox
  readonly clock: Clock
}

/** What POP3 did not give. */
export type Pop3Trouble = 'refused' | 'no-unique-ids'

const INBOX: SideMailbox = { name: 'INBOX', path: ['INBOX'], role: 'inbox', subscribed: true, mark: undefined }

/** See the module. */
export class SourceSide implements Side {
  readonly name = 'source'
  readonly #options: SourceOptions
  readonly #imap: ImapSide | undefined
  readonly #tags: Tags
  #superseded: ReadonlySet<string> = new Set()
  /** Of the INBOX, as it was listed last. */
  inbox: readonly InboxMessage[] | undefined
  maildrop: MaildropReport | undefined
  trouble: Pop3Trouble | undefined

  private constructor(options: SourceOptions, imap: ImapSide | undefined) {
    this.#options = options
    this.#tags = new Tags(options.login)
    this.#imap = imap
  }

  /** @throws {ClientError} */
  static async connect(options: SourceOptions): Promise<SourceSide> {
    const reached = options.imap === undefined ? undefined : { ...options.imap, reconnect: false }
    const imap = reached === undefined ? undefined : await ImapSide.connect('source', () => ImapClient.connect(reached))
    return new SourceSide(options, imap)
  }

  /** INBOX is always opened: what POP3 shows may change where IMAP says that nothing did. */
  async list(): Promise<readonly SideMailbox[]> {
    if (this.#imap === undefined) return [INBOX]
    const listed = await this.#imap.list()
    return listed.map((mailbox) => (isInbox(mailbox) ? { ...mailbox, mark: undefined } : mailbox))
  }

  level(level: string): string {
    return level
  }

  create(): Promise<never> {
    return Promise.reject(new SideRefusal('A source is only read'))
  }

  async open(mailbox: SideMailbox): Promise<OpenMailbox> {
    if (isInbox(mailbox)) return this.#openInbox(mailbox.name)
    if (this.#imap === undefined) throw new SideRefusal('POP3 has an INBOX only')
    return new Tagged(await this.#imap.open(mailbox, true), this.#tags)
  }

  /** It was brought before its unique-id was known, and comes again with it. */
  superseded(mailbox: SideMailbox, key: string): boolean {
    return isInbox(mailbox) && this.#superseded.has(key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#imap?.[Symbol.asyncDispose]()
  }

  /** On a connection of its own, as headers are asked for too. */
  async #openInbox(name: string): Promise<OpenMailbox> {
    const { imap: options, pop3, known, clock } = this.#options
    const client = options === undefined ? undefined : await ImapClient.connect({ ...options, reconnect: false })
    const give = async (): Promise<void> => client?.logout()
    const maildrop = pop3 === undefined || this.trouble !== undefined ? undefined : new Maildrop(pop3)
    try {
      await client?.select(name, { readOnly: true })
      const imap = client === undefined ? undefined : { client, mailbox: new ImapMailbox(client, name, true, give) }
      const listing = new InboxListing(imap, maildrop, known())
      const { messages, report, superseded } = await listing.read()
      // it may be long before a body is wanted, and none may be
      await maildrop?.release()
      this.inbox = messages
      this.#superseded = superseded
      this.maildrop = report
      return new MaildropInbox(imap, maildrop, messages, this.#tags, clock)
    } catch (error) {
      await maildrop?.release()
      await give()
      const trouble = this.#bearable(error)
      if (trouble === undefined) throw error
      this.trouble = trouble
      return this.#openInbox(name)
    }
  }

  /** Whether it goes on without POP3. */
  #bearable(error: unknown): Pop3Trouble | undefined {
    if (this.#options.imap === undefined || this.trouble !== undefined) return undefined
    if (error instanceof NoUniqueIds) return 'no-unique-ids'
    if (!this.#options.pop3Guessed || !(error instanceof AuthenticationError)) return undefined
    return error.trouble === 'refused' && !TEMPORARY.has(error.code ?? '') ? 'refused' : undefined
  }
}

const TEMPORARY: ReadonlySet<string> = new Set(['IN-USE', 'INUSE', 'LOGIN-DELAY', 'UNAVAILABLE', 'SYS/TEMP'])

function isInbox({ path }: SideMailbox): boolean {
  return path.length === 1 && path[0] === 'INBOX'
}

/** A mailbox whose messages carry what they are kept under, so that none comes twice. */
class Tagged implements OpenMailbox {
  readonly #inner: OpenMailbox
  readonly #tags: Tags

  constructor(inner: OpenMailbox, tags: Tags) {
    this.#inner = inner
    this.#tags = tags
  }

  get validity(): string {
    return this.#inner.validity
  }

  messages(): Promise<Map<string, readonly string[]>> {
    return this.#inner.messages()
  }

  keeps(flag: string): boolean {
    return this.#inner.keeps(flag)
  }

  sizes(keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#inner.sizes(keys)
  }

  identities(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.#inner.identities(keys)
  }

  async *fetch(keys: readonly string[]): AsyncGenerator<Carried, void, void> {
    for await (const carried of this.#inner.fetch(keys))
      yield { ...carried, uidl: this.#tags.imap(this.validity, carried.key) }
  }

  append(): Promise<never> {
    return Promise.reject(new TypeError('A source is only read'))
  }

  changeFlags(): Promise<never> {
    return Promise.reject(new TypeError('A source is only read'))
  }

  remove(): Promise<never> {
    return Promise.reject(new TypeError('A source is only read'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]()
  }
}
