/** An IMAP client (RFC 9051, RFC 3501) in one object; what it does is in `commands/`. @module */
import type { Uid } from '#mail/ids.ts'
import type { NotifyGroup } from '#wire/imap/notify-request.ts'
import type { QuotaLimit } from '#wire/imap/quota-resources.ts'
import type { StatusValues } from '#wire/imap/responses.ts'
import type { StatusItem } from '#wire/imap/status-items.ts'
import type { ThreadList } from '#wire/imap/thread-list.ts'
import { deleteAcl, type GrantableRights, getAcl, listRights, myRights, setAcl } from './commands/acl.ts'
import { type Appended, append, type NewMessage } from './commands/append.ts'
import { type Copied, copy, move } from './commands/copy.ts'
import { FetchStream } from './commands/fetch.ts'
import { type ListQuery, list } from './commands/list.ts'
import {
  create,
  type Namespaces,
  namespace,
  remove,
  rename,
  type SpecialUse,
  subscribe,
  unsubscribe,
} from './commands/mailboxes.ts'
import {
  getMetadata,
  type Metadata,
  type MetadataChanges,
  type MetadataOptions,
  setMetadata,
} from './commands/metadata.ts'
import { type Quota, quotaOf, setQuota } from './commands/quota.ts'
import { type SearchOptions, type SearchResult, type SortBy, searchAll, sort, thread } from './commands/search.ts'
import type { SelectOptions } from './commands/select.ts'
import { noop } from './commands/session-commands.ts'
import { status, statusItems } from './commands/status.ts'
import { expunge, type FlagChange, type StoreResult, store } from './commands/store.ts'
import type { MailboxEvent } from './events.ts'
import type { FetchedMessage, FetchOptions, FetchQuery } from './fetch-query.ts'
import { POLL_MS } from './limits.ts'
import { Link } from './link.ts'
import type { ListedMailbox, MailboxRole } from './listed-mailbox.ts'
import type { Uids } from './message-sets.ts'
import type { ImapClientOptions } from './options.ts'
import type { SearchQuery } from './search-query.ts'
import type { SelectedMailbox } from './selected-mailbox.ts'
import { specialMailboxes } from './special-names.ts'
import { Watching } from './watching.ts'

/**
 * A client that is logged in. Its methods may be called without awaiting each other: commands go out in that order and
 * without waiting where the protocol allows it.
 *
 * Messages are named by UID everywhere. Every method may throw a `ConnectionError` or a `ProtocolError`, and a
 * `RefusedError` where the server says no.
 * @example
 * await using client = await ImapClient.connect({ host, credentials: { login, password } })
 * await client.select('INBOX')
 * for await (const { uid, envelope } of client.fetch('1:*', { envelope: true })) console.log(uid, envelope.subject)
 */
export class ImapClient implements AsyncDisposable {
  readonly #link: Link
  readonly #watching: Watching

  private constructor(options: ImapClientOptions) {
    this.#link = new Link(options, {
      tell: (event) => this.#watching.tell(event),
      renewed: (session) => this.#watching.renew(session),
      over: (error) => this.#watching.end(error),
    })
    this.#watching = new Watching(this.#link, options.pollMs ?? POLL_MS)
  }

  /**
   * Connects, logs in and switches on what both ends have.
   * @throws {AuthenticationError}
   */
  static async connect(options: ImapClientOptions): Promise<ImapClient> {
    const client = new ImapClient(options)
    await client.#link.connect()
    return client
  }

  /** What the server can, in upper case. */
  get capabilities(): ReadonlySet<string> {
    return this.#link.current?.capabilities.names ?? new Set()
  }

  /** What ENABLE switched on, in upper case. */
  get enabled(): ReadonlySet<string> {
    return this.#link.current?.enabled ?? new Set()
  }

  /** What the server says of itself (RFC 2971). */
  get serverId(): ReadonlyMap<string, string> {
    return this.#link.serverId
  }

  /** Whether TLS protects the connection. */
  get secure(): boolean {
    return this.#link.current?.connection.secure ?? false
  }

  /** Whether both ends deflate. */
  get compressed(): boolean {
    return this.#link.current?.connection.compressed ?? false
  }

  /** The mailbox that is selected; it keeps itself up to date. */
  get mailbox(): SelectedMailbox | undefined {
    return this.#link.mailbox
  }

  /** Opens a mailbox; the one that was open is left. */
  async select(name: string, options: SelectOptions = {}): Promise<SelectedMailbox> {
    return (await this.#link.open(name, options)).mailbox
  }

  /** Leaves the mailbox and keeps what is marked `\Deleted`; a server without UNSELECT takes it away. */
  unselect(): Promise<void> {
    return this.#link.leave(false)
  }

  /** Takes away what is marked `\Deleted` and leaves the mailbox. */
  close(): Promise<void> {
    return this.#link.leave(true)
  }

  /** Mailboxes, in the server's order. */
  list(query: ListQuery = {}): Promise<readonly ListedMailbox[]> {
    return list(this.#link, query)
  }

  /** The mailbox for each role, as the server says or else by its name in many languages. */
  async specialMailboxes(): Promise<ReadonlyMap<MailboxRole, ListedMailbox>> {
    return specialMailboxes(await this.list())
  }

  /** Figures of a mailbox; default: all that are usual and that the server knows. */
  async status(name: string, items?: readonly StatusItem[]): Promise<StatusValues> {
    const session = this.#link.now ?? (await this.#link.ready())
    return this.#link.run(() => status(name, items ?? statusItems(session.capabilities)))
  }

  /** Makes a mailbox; gives its id where the server has such (RFC 8474). */
  create(name: string, specialUse?: SpecialUse): Promise<string | undefined> {
    return this.#link.run((session) => create(session, name, specialUse))
  }

  delete(name: string): Promise<void> {
    return this.#link.run(() => remove(name))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#link.run(() => rename(from, to))
  }

  subscribe(name: string): Promise<void> {
    return this.#link.run(() => subscribe(name))
  }

  unsubscribe(name: string): Promise<void> {
    return this.#link.run(() => unsubscribe(name))
  }

  namespaces(): Promise<Namespaces> {
    return this.#link.run((session) => namespace(session))
  }

  /** The quotas that hold for a mailbox. */
  quota(mailbox = 'INBOX'): Promise<readonly Quota[]> {
    return this.#link.run((session) => quotaOf(session, mailbox))
  }

  /** Sets limits; only administrators can. */
  setQuota(root: string, limits: readonly QuotaLimit[]): Promise<readonly Quota[]> {
    return this.#link.run((session) => setQuota(session, root, limits))
  }

  /** Annotations (METADATA): entries such as `/private/comment`; mailbox empty: those of the server. */
  metadata(mailbox: string, entries: readonly string[], options: MetadataOptions = {}): Promise<Metadata> {
    return this.#link.run((session) => getMetadata(session, mailbox, entries, options))
  }

  /** Annotates: text, bytes, or `undefined` to take an entry away. */
  setMetadata(mailbox: string, entries: MetadataChanges): Promise<void> {
    return this.#link.run((session) => setMetadata(session, mailbox, entries))
  }

  /** Who has which rights to a mailbox, by identifier (ACL). */
  acl(mailbox: string): Promise<ReadonlyMap<string, string>> {
    return this.#link.run((session) => getAcl(session, mailbox))
  }

  /** Gives rights: `lrs` in place of what somebody has, `+t` besides, `-t` without it. */
  setAcl(mailbox: string, identifier: string, rights: string): Promise<void> {
    return this.#link.run((session) => setAcl(session, mailbox, identifier, rights))
  }

  /** Takes every right of somebody. */
  deleteAcl(mailbox: string, identifier: string): Promise<void> {
    return this.#link.run((session) => deleteAcl(session, mailbox, identifier))
  }

  /** Rights that can be given to somebody. */
  grantableRights(mailbox: string, identifier: string): Promise<GrantableRights> {
    return this.#link.run((session) => listRights(session, mailbox, identifier))
  }

  /** One's own rights to a mailbox. */
  rights(mailbox: string): Promise<string> {
    return this.#link.run((session) => myRights(session, mailbox))
  }

  /**
   * Messages as they come, one by one. A body is to be read, or skipped, before the next message is asked for. Other
   * commands may be run within the loop.
   */
  fetch<const Q extends FetchQuery>(
    uids: Uids,
    query: Q,
    options: FetchOptions = {},
  ): AsyncIterableIterator<FetchedMessage<Q>> {
    return new FetchStream(this.#link, uids, query, options)
  }

  /** One message; `undefined`: there is none of this UID. A body of it is to be read before anything else. */
  async fetchOne<const Q extends FetchQuery>(uid: number, query: Q): Promise<FetchedMessage<Q> | undefined> {
    const { value } = await this.fetch(uid, query).next()
    return value
  }

  search(query: SearchQuery, options: SearchOptions = {}): Promise<SearchResult> {
    const bound = this.#link.mailbox
    return searchAll((make) => this.#link.run(make, bound), query, options)
  }

  /** UIDs in their order (SORT). */
  sort(by: readonly SortBy[], query: SearchQuery = {}): Promise<readonly Uid[]> {
    return this.#link.run((session) => sort(session, by, query))
  }

  /** Conversations of UIDs (THREAD). */
  thread(algorithm: 'REFERENCES' | 'REFS' | 'ORDEREDSUBJECT', query: SearchQuery = {}): Promise<readonly ThreadList[]> {
    return this.#link.run((session) => thread(session, algorithm, query))
  }

  /** Changes flags. */
  store(uids: Uids, change: FlagChange): Promise<StoreResult> {
    return store(this.#link, uids, change)
  }

  copy(uids: Uids, mailbox: string): Promise<Copied | undefined> {
    return copy(this.#link, uids, mailbox)
  }

  /** A server without MOVE copies, marks and expunges; where others' messages are marked too, the originals stay marked. */
  move(uids: Uids, mailbox: string): Promise<Copied | undefined> {
    return move(this.#link, uids, mailbox)
  }

  /** Takes messages marked `\Deleted` away: these, or all. */
  expunge(uids?: Uids): Promise<void> {
    return expunge(this.#link, uids)
  }

  /** Adds a message; tells its UID where the server does (UIDPLUS). */
  async append(mailbox: string, message: NewMessage): Promise<Appended | undefined> {
    const [appended] = await append(this.#link, mailbox, [message])
    return appended
  }

  /** Adds messages, as many at once as the server takes. */
  appendAll(mailbox: string, messages: readonly NewMessage[]): Promise<readonly (Appended | undefined)[]> {
    return append(this.#link, mailbox, messages)
  }

  /** Asks for news of the selected mailbox. */
  noop(): Promise<void> {
    return this.#link.run(() => noop())
  }

  /**
   * What happens in the selected mailbox and to the connection, as it happens: by IDLE, or by asking from time to time.
   * Other commands may be run meanwhile. Leaving the loop, or the signal, ends it.
   */
  watch(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<MailboxEvent> {
    return this.#watching.watch(options.signal)
  }

  /**
   * What happens in many mailboxes (NOTIFY). A server without it is asked for figures from time to time. One at a time:
   * a second call ends the first.
   */
  notify(
    groups: readonly NotifyGroup[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<AsyncIterableIterator<MailboxEvent>> {
    return this.#watching.notify(groups, options.signal)
  }

  /** Says goodbye and closes. What waits for an answer fails. */
  logout(): Promise<void> {
    return this.#link.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.logout()
  }
}
