/** The embedded store as one thread sees it: reads on connections of its own, writes by message to the writers. @module */
import { availableParallelism } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MessagePort } from 'node:worker_threads'
import { type Clock, systemClock } from '#lib/clock.ts'
import { Listeners } from '#lib/listeners.ts'
import { type Result, refused } from '#lib/result.ts'
import type { AccountId, EmailKey, MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { AclEntry } from '#store/acl.ts'
import type { ColumnSlice, NumberColumn, TextColumn } from '#store/columns.ts'
import type { DeletedCursor, DeletedMessage, EmailPlace, GoneMailbox, MessageEvent, OwnedEmail } from '#store/gone.ts'
import type { AccountImage, EmailImage } from '#store/image.ts'
import type { BodyStage, MailStore, StoredBody } from '#store/mail-store.ts'
import { compareMailboxNames } from '#store/mailbox-name.ts'
import {
  type AccountRef,
  type AccountState,
  type BodyPlace,
  type Change,
  type ChangesCursor,
  type EmailFields,
  type EmailRow,
  ENVELOPE,
  HEADER,
  type ImprintPart,
  type IndexableEmail,
  type MailboxChanges,
  type MailboxInfo,
  type MaildropPage,
  type MessagePage,
  type MetadataEntry,
  NARROW,
  PARTS,
  PREVIEW,
  type SharedMailbox,
  STRUCTURE,
  type StagedBody,
  type StagedBytes,
} from '#store/types.ts'
import type { Delivered, DeliverRefusal, DeliverRequest, Unavailable, WriteKind, Writes } from '#store/writes.ts'
import { Arrivals } from './arrivals.ts'
import { CommitCounts } from './commit-counts.ts'
import { emailsByTrace } from './gone-reads.ts'
import { accountImage, imageEmails } from './image-reads.ts'
import { imprintPart } from './imprint-reads.ts'
import { indexableEmails, uidsOfEmails, uidsOfEmailsAfter } from './index-reads.ts'
import { Interest } from './interest.ts'
import { type ShardPaths, shardPaths } from './layout.ts'
import type { EmbeddedConnection } from './options.ts'
import type { AnyRequest } from './pack.ts'
import type { PortMessage } from './protocol.ts'
import { ShardReader } from './reader.ts'
import { FROZEN, HELD } from './schema/arriving.ts'
import { SegmentReader } from './segment-reader.ts'
import { bigBytes, copyBig, EmbeddedStage } from './stage.ts'
import { WriterLine } from './writer-line.ts'

const WIDE = ENVELOPE | STRUCTURE | PARTS | HEADER | PREVIEW | NARROW
/** Rows of a slice, without and with prepared columns: a few milliseconds. */
const SLICE = 500
const WIDE_SLICE = 250
/** The same of columns, without texts and with them. */
const NUMBERS_SLICE = 4_000
const TEXTS_SLICE = 1_000
/** Deleted mail and events of a slice. */
const GONE_SLICE = 1_000
/** A reader of many slices lets others have the thread after so long. */
const TURN_MS = 5

/**
 * Opens a connection in the thread that will use it: reads go straight to the shards through read-only connections,
 * writes go to the writers. Dispose it before its thread ends; the host and other threads go on.
 */
export function openEmbeddedStore(connection: EmbeddedConnection, clock: Clock = systemClock): MailStore {
  return new EmbeddedStore(connection, clock)
}

interface Shard {
  readonly paths: ShardPaths
  readonly reader: ShardReader
  readonly files: SegmentReader
  readonly writer: WriterLine
}

class EmbeddedStore implements MailStore {
  readonly #shards: Shard[]
  readonly #host: MessagePort
  readonly #sync: boolean
  readonly #commits: CommitCounts
  readonly #interest: Interest
  /** See {@link EmbeddedStage}. */
  readonly #inDoubt = new WeakSet<StagedBody>()
  readonly #arrivals = new Arrivals(availableParallelism() === 1)
  readonly #listeners = new Listeners<AccountId, Change>()
  readonly #ofAll = new Listeners<undefined, Change>()
  readonly #ofRights = new Listeners<string, Change>()
  #closed = false

  constructor(connection: EmbeddedConnection, clock: Clock) {
    const ports = [...connection.ports]
    const host = ports.pop()
    if (host === undefined || ports.length !== connection.shards) throw new Error('This connection is not whole')
    this.#host = host
    this.#sync = connection.durability === 'full'
    this.#commits = new CommitCounts(connection.commits)
    this.#interest = new Interest(connection.interest)
    this.#shards = ports.map((port, shard) => {
      const paths = shardPaths(connection.directory, shard)
      const files = new SegmentReader(paths)
      const told = (changes: readonly Change[], closed: readonly number[]): void => {
        for (const segment of closed) files.forget(segment)
        for (const change of changes) this.#announce(change)
      }
      return { paths, reader: new ShardReader(paths), files, writer: new WriterLine(port, clock, told) }
    })
    host.on('message', ({ shard, port }: PortMessage) => this.#shards[shard]?.writer.replace(port))
    host.unref()
  }

  #shard(number: number): Shard {
    const shard = this.#shards[number]
    if (shard === undefined) throw new RangeError(`There is no shard ${number}`)
    return shard
  }

  #reader(account: AccountRef): ShardReader {
    return this.#shard(account.shard).reader
  }

  // --- reading ---

  commits(account: AccountRef): number | undefined {
    return this.#commits.of(account.id)
  }

  async state(account: AccountRef): Promise<AccountState | undefined> {
    return this.#reader(account).state(account.id)
  }

  async mailboxes(account: AccountRef): Promise<readonly MailboxInfo[]> {
    return this.#reader(account).mailboxes(account.id)
  }

  async mailbox(account: AccountRef, key: MailboxKey): Promise<MailboxInfo | undefined> {
    return this.#reader(account).mailbox(account.id, key)
  }

  async mailboxByName(account: AccountRef, name: string): Promise<MailboxInfo | undefined> {
    return this.#reader(account).mailboxByName(account.id, name)
  }

  async subscriptions(account: AccountRef): Promise<readonly string[]> {
    return this.#reader(account).subscriptions(account.id)
  }

  async keywordSets(account: AccountRef, first: number): Promise<readonly (readonly string[])[]> {
    return this.#reader(account).keywordSets(account.id, first)
  }

  async acl(account: AccountRef, mailbox: MailboxKey): Promise<readonly AclEntry[]> {
    return this.#reader(account).acl(account.id, mailbox)
  }

  async sharedWith(address: string, limit = 10_000): Promise<readonly SharedMailbox[]> {
    const found = this.#shards.flatMap(({ reader }, shard) => reader.sharedWith(address, shard, limit))
    return found.sort((a, b) => a.account.id - b.account.id || compareMailboxNames(a.name, b.name))
  }

  async metadata(
    account: AccountRef,
    mailbox: MailboxKey | undefined,
    user: AccountId,
  ): Promise<readonly MetadataEntry[]> {
    return this.#reader(account).metadata(account.id, mailbox, user)
  }

  async deleted(
    account: AccountRef,
    since: number,
    after?: DeletedCursor,
    limit = GONE_SLICE,
  ): Promise<readonly DeletedMessage[]> {
    return this.#reader(account).deleted(account.id, since, after, limit)
  }

  async goneMailboxes(account: AccountRef): Promise<readonly GoneMailbox[]> {
    return this.#reader(account).goneMailboxes(account.id)
  }

  async places(account: AccountRef, email: EmailKey): Promise<readonly EmailPlace[]> {
    return this.#reader(account).places(account.id, email)
  }

  async emailsByMessageId(account: AccountRef, messageId: string, newest?: number): Promise<readonly EmailKey[]> {
    return this.#reader(account).emailsByMessageId(account.id, messageId, newest)
  }

  async emailsByTrace(texts: readonly string[], since: number): Promise<readonly OwnedEmail[]> {
    const all: OwnedEmail[] = []
    for (const { reader } of this.#shards)
      for (let after: number | undefined = -1; after !== undefined; await nextTurn()) {
        const { found, next } = emailsByTrace(reader.sql, after, texts, since)
        all.push(...found)
        after = next
      }
    return all
  }

  async events(account: AccountRef, after: number, limit = GONE_SLICE): Promise<readonly MessageEvent[]> {
    return this.#reader(account).events(account.id, after, limit)
  }

  async messages(
    account: AccountRef,
    mailbox: MailboxKey,
    after: Uid | 0,
    limit = 5_000,
    guest?: AccountId,
  ): Promise<MessagePage> {
    return this.#reader(account).messages(account.id, mailbox, after, limit, guest)
  }

  async imprint(account: AccountRef, mailbox: MailboxKey, part: number): Promise<ImprintPart | undefined> {
    return imprintPart(this.#reader(account).sql, account.id, mailbox, part)
  }

  async unseen(account: AccountRef, mailbox: MailboxKey, guest: AccountId): Promise<number> {
    return this.#reader(account).unseen(account.id, mailbox, guest)
  }

  async changes(
    account: AccountRef,
    mailbox: MailboxKey,
    since: Modseq | 0,
    cursor?: ChangesCursor,
    guest?: AccountId,
  ): Promise<MailboxChanges> {
    return this.#reader(account).changes(account.id, mailbox, since, cursor, guest)
  }

  async *emails(
    account: AccountRef,
    mailbox: MailboxKey,
    uids: UidSet,
    fields: EmailFields,
  ): AsyncGenerator<readonly EmailRow[], void, void> {
    const reader = this.#reader(account)
    const limit = (fields & WIDE) === 0 ? SLICE : WIDE_SLICE
    let slice: EmailRow[] = []
    let begun = performance.now()
    for (const [first, last] of uids) {
      let from: number = first
      while (from <= last) {
        const { rows, next } = reader.emails(account.id, mailbox, [from as Uid, last], fields, limit - slice.length)
        for (const row of rows) slice.push(row)
        from = next
        if (slice.length >= limit) {
          yield slice
          slice = []
        }
        if (performance.now() - begun > TURN_MS) {
          await nextTurn()
          begun = performance.now()
        }
      }
    }
    if (slice.length > 0) yield slice
  }

  async *columns(
    account: AccountRef,
    mailbox: MailboxKey,
    uids: UidSet,
    numbers: readonly NumberColumn[],
    texts: readonly TextColumn[],
  ): AsyncGenerator<ColumnSlice, void, void> {
    const reader = this.#reader(account)
    const limit = texts.length === 0 ? NUMBERS_SLICE : TEXTS_SLICE
    let begun = performance.now()
    for (const [first, last] of uids) {
      let from: number = first
      while (from <= last) {
        const { slice, next } = reader.columns(account.id, mailbox, [from as Uid, last], numbers, texts, limit)
        from = next
        if (slice !== undefined && slice.uids.length > 0) yield slice
        if (performance.now() - begun > TURN_MS) {
          await nextTurn()
          begun = performance.now()
        }
      }
    }
  }

  async *maildrop(account: AccountRef, mailbox: MailboxKey): AsyncGenerator<MaildropPage, void, void> {
    let after = 0
    for (;;) {
      const page = this.#reader(account).maildrop(account.id, mailbox, after)
      if (page === undefined) return
      after = page.uids.at(-1) ?? after
      yield page
      await nextTurn()
    }
  }

  body(account: AccountRef, place: BodyPlace): StoredBody {
    return this.#shard(account.shard).files.body(place)
  }

  async indexable(account: AccountRef, after: EmailKey | 0, limit = SLICE): Promise<readonly IndexableEmail[]> {
    return indexableEmails(this.#reader(account).sql, account.id, after, limit)
  }

  async uidsOfEmails(account: AccountRef, mailbox: MailboxKey, emails: Uint32Array): Promise<Uint32Array<ArrayBuffer>> {
    return gathered(uidsOfEmails(this.#reader(account).sql, account.id, mailbox, emails))
  }

  async uidsOfEmailsAfter(
    account: AccountRef,
    mailbox: MailboxKey,
    after: EmailKey | 0,
  ): Promise<Uint32Array<ArrayBuffer>> {
    return gathered(uidsOfEmailsAfter(this.#reader(account).sql, account.id, mailbox, after))
  }

  async image(account: AccountRef): Promise<AccountImage | undefined> {
    return accountImage(this.#reader(account).sql, account.id)
  }

  async imageEmails(account: AccountRef, after: EmailKey | 0, limit = SLICE): Promise<readonly EmailImage[]> {
    return imageEmails(this.#reader(account).sql, account.id, after, limit)
  }

  async heldRestores(shard: number): Promise<readonly AccountId[]> {
    const { sql } = this.#shard(shard).reader
    return sql.all('SELECT id FROM arriving WHERE held = ? ORDER BY id', HELD).map(([id]) => id as AccountId)
  }

  async frozenAccounts(shard: number): Promise<readonly AccountId[]> {
    const { sql } = this.#shard(shard).reader
    return sql.all('SELECT id FROM arriving WHERE held = ? ORDER BY id', FROZEN).map(([id]) => id as AccountId)
  }

  // --- writing ---

  stage(shard: number): BodyStage {
    return this.#stage(shard)
  }

  #stage(shard: number): EmbeddedStage {
    return new EmbeddedStage(shard, this.#shard(shard).paths, this.#sync, this.#inDoubt, this.#arrivals)
  }

  async restage(body: StagedBody, shard: number): Promise<StagedBody> {
    if (body.kind === 'bytes' || body.shard === shard) return body
    return copyBig(body, this.#shard(body.shard).paths, this.#stage(shard))
  }

  stagedBytes(body: StagedBody): StagedBytes {
    return body.kind === 'bytes' ? body : bigBytes(body, this.#shard(body.shard).paths)
  }

  async write<K extends WriteKind>(
    kind: K,
    request: Writes[K]['request'],
  ): Promise<Result<Writes[K]['value'], Writes[K]['refusal']>> {
    const answer = await this.#ask(request.account.shard, { kind, request })
    return (answer ?? refused(this.#unavailable())) as Result<Writes[K]['value'], Writes[K]['refusal']>
  }

  async deliver(request: DeliverRequest): Promise<readonly Result<Delivered, DeliverRefusal>[]> {
    if (!this.#closed) await this.#arrivals.together()
    const answer = await this.#ask(request.shard, { kind: 'deliver', request })
    return (
      (answer as readonly Result<Delivered, DeliverRefusal>[] | undefined) ??
      request.recipients.map(() => refused(this.#unavailable()))
    )
  }

  /** `undefined` when the writer could not be asked, or died. */
  async #ask(shard: number, asked: AnyRequest): Promise<unknown> {
    const { writer } = this.#shard(shard)
    const answer = this.#closed ? undefined : await writer.ask(asked)
    if (isInDoubt(answer)) for (const body of bodiesOf(asked)) this.#inDoubt.add(body)
    return answer
  }

  #unavailable(): Unavailable {
    return { kind: 'unavailable', reason: this.#closed ? 'closing' : 'failed' }
  }

  // --- announcements ---

  watch(account: AccountId, listener: (change: Change) => void): () => void {
    return both(this.#interest.inAccount(account), this.#listeners.add(account, listener))
  }

  watchAll(listener: (change: Change) => void): () => void {
    return both(this.#interest.inEverything(), this.#ofAll.add(undefined, listener))
  }

  watchRights(identifier: string, listener: (change: Change) => void): () => void {
    return both(this.#interest.inRights(), this.#ofRights.add(identifier, listener))
  }

  #announce(change: Change): void {
    this.#listeners.tell(change.account, change)
    this.#ofAll.tell(undefined, change)
    if (change.rightsOf !== undefined) this.#ofRights.tell(change.rightsOf, change)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all(this.#shards.map(({ writer }) => writer.close()))
    for (const { reader, files } of this.#shards) {
      reader.close()
      files.close()
    }
    this.#listeners.clear()
    this.#ofAll.clear()
    this.#ofRights.clear()
    this.#host.close()
  }
}

function both(one: () => void, other: () => void): () => void {
  return () => {
    one()
    other()
  }
}

/** Slices of UIDs as one, ascending, read in turns. */
async function gathered(slices: Iterable<readonly number[]>): Promise<Uint32Array<ArrayBuffer>> {
  const all: number[] = []
  let begun = performance.now()
  for (const slice of slices) {
    for (const uid of slice) all.push(uid)
    if (performance.now() - begun > TURN_MS) {
      await nextTurn()
      begun = performance.now()
    }
  }
  return Uint32Array.from(all).sort()
}

/** Whether nobody knows if a request was carried out: the writer died over it, or its disk failed. */
function isInDoubt(answer: unknown): boolean {
  if (answer === undefined) return true
  if (Array.isArray(answer)) return answer.some(isInDoubt)
  const { ok, error } = answer as { readonly ok: boolean; readonly error?: Partial<Unavailable> }
  return !ok && error?.kind === 'unavailable' && error.reason === 'failed'
}

/** Those that a request names. */
function bodiesOf({ kind, request }: AnyRequest): readonly StagedBody[] {
  switch (kind) {
    case 'deliver':
      return [request.body]
    case 'append':
      return (request as Writes['append']['request']).messages.map(({ body }) => body)
    case 'replace':
      return [(request as Writes['replace']['request']).message.body]
    case 'restoreEmails':
      return (request as Writes['restoreEmails']['request']).emails.map(({ body }) => body)
    default:
      return []
  }
}
