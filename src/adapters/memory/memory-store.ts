/** The store in memory: for tests, and the plainest reading of the port. @module */
import { type Clock, systemClock } from '#lib/clock.ts'
import { Listeners } from '#lib/listeners.ts'
import { type Result, refused } from '#lib/result.ts'
import type { AccountId, EmailKey, MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import { LARGEST_UID } from '#mail/ids.ts'
import { type AclEntry, rightsOf } from '#store/acl.ts'
import type { ColumnSlice, NumberColumn, TextColumn } from '#store/columns.ts'
import type { DeletedCursor, DeletedMessage, EmailPlace, GoneMailbox, MessageEvent, OwnedEmail } from '#store/gone.ts'
import type { AccountImage, EmailImage } from '#store/image.ts'
import { MAX_FOR_ANYONE } from '#store/limits.ts'
import type { BodyStage, MailStore, StoredBody } from '#store/mail-store.ts'
import { canonicalMailboxName, compareMailboxNames } from '#store/mailbox-name.ts'
import type {
  AccountRef,
  AccountState,
  BodyPlace,
  Change,
  ChangesCursor,
  EmailFields,
  EmailRow,
  ImprintPart,
  IndexableEmail,
  MailboxChanges,
  MailboxInfo,
  MaildropPage,
  MessagePage,
  MetadataEntry,
  SharedMailbox,
  StagedBody,
  StagedBytes,
  UidSet,
} from '#store/types.ts'
import type { Delivered, DeliverRefusal, DeliverRequest, Unavailable, WriteKind, Writes } from '#store/writes.ts'
import { forgetPeople, setAcl } from './acl.ts'
import { Bodies } from './bodies.ts'
import type { Commit, Handler } from './commit.ts'
import { deletedOf, emailsWith, goneMailboxesOf, placesOf, tracedWith, undelete } from './gone.ts'
import * as images from './image.ts'
import { indexableOf, uidsWhere } from './index-reads.ts'
import * as mailboxWrites from './mailbox-writes.ts'
import * as messageWrites from './message-writes.ts'
import { metadataOf, setMetadata } from './metadata.ts'
import { changesAfter, columnsOf, emailRow, messagesAfter, noChanges } from './reads.ts'
import { type Account, infoOf, type Knobs, type Mailbox, rowsIn } from './state.ts'

export interface MemoryStoreOptions extends Partial<Knobs> {
  /** The system's where it is missing. */
  readonly clock?: Clock
  /** Asked at each write, counted from 1: a reason makes it fail, leaving nothing behind. */
  readonly failing?: (nth: number, kind: WriteKind | 'deliver') => Unavailable['reason'] | undefined
}

/** Opens an empty store. Every answer takes a turn of the event loop, and writes queued in one turn commit together. */
export function openMemoryStore(options: MemoryStoreOptions = {}): MailStore {
  return new MemoryStore(options)
}

const HANDLERS: { readonly [K in WriteKind]: Handler<K> } = {
  openAccount: mailboxWrites.openAccount,
  removeAccount: mailboxWrites.removeAccount,
  setLimits: mailboxWrites.setLimits,
  createMailbox: mailboxWrites.createMailbox,
  deleteMailbox: mailboxWrites.deleteMailbox,
  renameMailbox: mailboxWrites.renameMailbox,
  subscribe: mailboxWrites.subscribe,
  setAcl,
  forgetPeople,
  setMetadata,
  append: messageWrites.append,
  changeFlags: messageWrites.changeFlags,
  copy: messageWrites.copy,
  move: messageWrites.move,
  replace: messageWrites.replace,
  expunge: messageWrites.expunge,
  applyMaildrop: messageWrites.applyMaildrop,
  keepImprint: mailboxWrites.keepImprint,
  undelete,
  freeze: images.freeze,
  beginRestore: images.beginRestore,
  restoreEmails: images.restoreEmails,
  restoreMessages: images.restoreMessages,
  endRestore: images.endRestore,
  settleRestore: images.settleRestore,
}

const WHEN_FROZEN: ReadonlySet<WriteKind> = new Set(['freeze', 'removeAccount', 'forgetPeople', 'settleRestore'])
const SLICE = 1_000
const MAILDROP_SLICE = 5_000

class MemoryStore implements MailStore {
  readonly #accounts = new Map<number, Account>()
  readonly #arriving = new Map<number, images.Arriving>()
  /** Where the accounts are said to be; here it makes no difference. */
  readonly #refs = new Map<number, AccountRef>()
  readonly #bodies = new Bodies()
  readonly #listeners = new Listeners<AccountId, Change>()
  readonly #ofAll = new Listeners<undefined, Change>()
  readonly #ofRights = new Listeners<string, Change>()
  readonly #knobs: Knobs
  readonly #failing: NonNullable<MemoryStoreOptions['failing']>
  /** What has queued since the last commit. */
  #queue: (() => { readonly answer: () => void; readonly announced: readonly Change[] })[] = []
  #idle: Promise<void> = Promise.resolve()
  #writes = 0
  #closed = false

  constructor(options: MemoryStoreOptions) {
    this.#knobs = {
      clock: options.clock ?? systemClock,
      sliceRows: options.sliceRows ?? SLICE,
      maxTombstones: options.maxTombstones ?? 10_000,
      retentionMs: options.retentionMs ?? 30 * 86_400_000,
      mostForAnyone: options.mostForAnyone ?? MAX_FOR_ANYONE,
      largestUid: options.largestUid ?? LARGEST_UID,
    }
    this.#failing = options.failing ?? (() => undefined)
  }

  // --- reading ---

  commits(): undefined {
    return undefined
  }

  async state(account: AccountRef): Promise<AccountState | undefined> {
    const found = await this.#account(account)
    if (found === undefined) return undefined
    const { modseq, limits, storageBytes, messages, byKey, lastKey } = found
    const usage = { storageBytes, messages, mailboxes: byKey.size }
    return { modseq, limits, usage, lastEmail: lastKey as EmailKey | 0 }
  }

  async mailboxes(account: AccountRef): Promise<readonly MailboxInfo[]> {
    const found = await this.#account(account)
    const infos = [...(found?.byKey.values() ?? [])].map(infoOf)
    return infos.sort((a, b) => compareMailboxNames(a.name, b.name))
  }

  async mailbox(account: AccountRef, key: MailboxKey): Promise<MailboxInfo | undefined> {
    const found = (await this.#account(account))?.byKey.get(key)
    return found === undefined ? undefined : infoOf(found)
  }

  async mailboxByName(account: AccountRef, name: string): Promise<MailboxInfo | undefined> {
    const found = (await this.#account(account))?.byName.get(canonicalMailboxName(name))
    return found === undefined ? undefined : infoOf(found)
  }

  async subscriptions(account: AccountRef): Promise<readonly string[]> {
    return [...((await this.#account(account))?.subscriptions ?? [])].sort(compareMailboxNames)
  }

  async keywordSets(account: AccountRef, first: number): Promise<readonly (readonly string[])[]> {
    return (await this.#account(account))?.keywordSets.slice(first) ?? []
  }

  async acl(account: AccountRef, mailbox: MailboxKey): Promise<readonly AclEntry[]> {
    const found = (await this.#account(account))?.byKey.get(mailbox)
    const entries = [...(found?.acl ?? [])].map(([identifier, rights]) => ({ identifier, rights }))
    return entries.sort((a, b) => (a.identifier < b.identifier ? -1 : 1))
  }

  async sharedWith(address: string): Promise<readonly SharedMailbox[]> {
    await turn()
    const found: SharedMailbox[] = []
    for (const [id, ref] of this.#refs) {
      const boxes = [...(this.#accounts.get(id)?.byKey.values() ?? [])]
      for (const { key, name, acl } of boxes.sort((a, b) => compareMailboxNames(a.name, b.name))) {
        const rights = rightsOf(
          [...acl].map(([identifier, rights]) => ({ identifier, rights })),
          address,
        )
        if (rights !== '') found.push({ account: ref, mailbox: key, name, rights })
      }
    }
    return found.sort((a, b) => a.account.id - b.account.id)
  }

  async metadata(
    account: AccountRef,
    mailbox: MailboxKey | undefined,
    user: AccountId,
  ): Promise<readonly MetadataEntry[]> {
    const found = await this.#account(account)
    const place = mailbox === undefined ? found : found?.byKey.get(mailbox)
    return place === undefined ? [] : metadataOf(place.metadata, user)
  }

  async deleted(
    account: AccountRef,
    since: number,
    after?: DeletedCursor,
    limit = SLICE,
  ): Promise<readonly DeletedMessage[]> {
    const found = await this.#account(account)
    return found === undefined ? [] : deletedOf(found, since, after).slice(0, limit)
  }

  async goneMailboxes(account: AccountRef): Promise<readonly GoneMailbox[]> {
    const found = await this.#account(account)
    return found === undefined ? [] : goneMailboxesOf(found)
  }

  async places(account: AccountRef, email: EmailKey): Promise<readonly EmailPlace[]> {
    const found = await this.#account(account)
    return found === undefined ? [] : placesOf(found, email)
  }

  async emailsByMessageId(account: AccountRef, messageId: string, newest?: number): Promise<readonly EmailKey[]> {
    const found = await this.#account(account)
    return found === undefined ? [] : emailsWith(found, messageId, newest)
  }

  async emailsByTrace(texts: readonly string[], since: number): Promise<readonly OwnedEmail[]> {
    return Array.from(this.#accounts.values()).flatMap((account) => tracedWith(account, texts, since))
  }

  async events(account: AccountRef, after: number, limit = SLICE): Promise<readonly MessageEvent[]> {
    const found = await this.#account(account)
    return found?.events.filter(({ sequence }) => sequence > after).slice(0, limit) ?? []
  }

  async imprint(account: AccountRef, mailbox: MailboxKey, part: number): Promise<ImprintPart | undefined> {
    return (await this.#account(account))?.byKey.get(mailbox)?.imprint.get(part)
  }

  async unseen(account: AccountRef, mailbox: MailboxKey, guest: AccountId): Promise<number> {
    const found = (await this.#account(account))?.byKey.get(mailbox)
    if (found === undefined) return 0
    return found.messages - [...(found.seenBy.get(guest)?.values() ?? [])].filter(({ seen }) => seen).length
  }

  async messages(
    account: AccountRef,
    mailbox: MailboxKey,
    after: Uid | 0,
    limit = 5_000,
    guest?: AccountId,
  ): Promise<MessagePage> {
    const found = (await this.#account(account))?.byKey.get(mailbox)
    if (found === undefined) return noChanges(0 as Modseq).changed
    return messagesAfter(found, after, limit, guest)
  }

  async changes(
    account: AccountRef,
    mailbox: MailboxKey,
    since: Modseq | 0,
    cursor?: ChangesCursor,
    guest?: AccountId,
  ): Promise<MailboxChanges> {
    const found = await this.#account(account)
    const box = found?.byKey.get(mailbox)
    if (found === undefined || box === undefined) return noChanges(found?.modseq ?? (since as Modseq))
    return changesAfter(found, box, since, cursor, this.#knobs.sliceRows, guest)
  }

  async *emails(
    account: AccountRef,
    mailbox: MailboxKey,
    uids: UidSet,
    fields: EmailFields,
  ): AsyncGenerator<readonly EmailRow[], void, void> {
    const box = this.#box(await this.#account(account), mailbox)
    if (box === undefined) return
    let slice: EmailRow[] = []
    for (const row of rowsIn(box, uids)) {
      slice.push(emailRow(row, fields))
      if (slice.length < this.#knobs.sliceRows) continue
      yield slice
      slice = []
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
    const box = this.#box(await this.#account(account), mailbox)
    const rows = box === undefined ? [] : [...rowsIn(box, uids)]
    for (let at = 0; at < rows.length; at += this.#knobs.sliceRows)
      yield columnsOf(rows.slice(at, at + this.#knobs.sliceRows), numbers, texts)
  }

  async *maildrop(account: AccountRef, mailbox: MailboxKey): AsyncGenerator<MaildropPage, void, void> {
    const box = (await this.#account(account))?.byKey.get(mailbox)
    const rows = (box?.rows ?? []).filter((row) => row.goneAt === undefined)
    for (let at = 0; at < rows.length; at += MAILDROP_SLICE) {
      const slice = rows.slice(at, at + MAILDROP_SLICE)
      yield {
        uids: Uint32Array.from(slice, (row) => row.uid),
        sizes: Float64Array.from(slice, (row) => row.email.size),
        uidls: slice.map((row) => row.uidl),
        downloaded: Float64Array.from(slice, (row) => row.downloadedAt),
      }
    }
  }

  body(_account: AccountRef, place: BodyPlace): StoredBody {
    return this.#bodies.open(place)
  }

  async image(account: AccountRef): Promise<AccountImage | undefined> {
    const found = await this.#account(account)
    return found === undefined ? undefined : structuredClone(images.imageOf(found))
  }

  async imageEmails(account: AccountRef, after: EmailKey | 0, limit = SLICE): Promise<readonly EmailImage[]> {
    const found = await this.#account(account)
    return found === undefined ? [] : images.emailsOf(found, after, limit)
  }

  async indexable(account: AccountRef, after: EmailKey | 0, limit = SLICE): Promise<readonly IndexableEmail[]> {
    const found = await this.#account(account)
    return found === undefined ? [] : indexableOf(found, after, limit)
  }

  async uidsOfEmails(account: AccountRef, mailbox: MailboxKey, emails: Uint32Array): Promise<Uint32Array<ArrayBuffer>> {
    const wanted = new Set(emails)
    return uidsWhere(this.#box(await this.#account(account), mailbox), (key) => wanted.has(key))
  }

  async uidsOfEmailsAfter(
    account: AccountRef,
    mailbox: MailboxKey,
    after: EmailKey | 0,
  ): Promise<Uint32Array<ArrayBuffer>> {
    return uidsWhere(this.#box(await this.#account(account), mailbox), (key) => key > after)
  }

  async heldRestores(): Promise<readonly AccountId[]> {
    await turn()
    return [...this.#arriving].filter(([, { held }]) => held).map(([id]) => id as AccountId)
  }

  async frozenAccounts(): Promise<readonly AccountId[]> {
    await turn()
    return [...this.#accounts.values()].filter(({ frozen }) => frozen).map(({ id }) => id)
  }

  // --- writing ---

  stage(shard: number): BodyStage {
    return this.#bodies.stage(shard)
  }

  restage(body: StagedBody, shard: number): Promise<StagedBody> {
    return this.#bodies.restage(body, shard)
  }

  stagedBytes(body: StagedBody): StagedBytes {
    return { kind: 'bytes', bytes: this.#bodies.staged(body) }
  }

  write<K extends WriteKind>(
    kind: K,
    request: Writes[K]['request'],
  ): Promise<Result<Writes[K]['value'], Writes[K]['refusal']>> {
    // Requests are data that other adapters send to another thread: what cannot be cloned must fail here too.
    const asked = structuredClone(request)
    this.#refs.set(asked.account.id, asked.account)
    const handler: Handler<K> = HANDLERS[kind]
    return this.#enqueue<Result<Writes[K]['value'], Writes[K]['refusal']>>(
      kind,
      (reason) => refused({ kind: 'unavailable', reason }),
      (announced) =>
        this.#accounts.get(asked.account.id)?.frozen === true && !WHEN_FROZEN.has(kind)
          ? refused({ kind: 'unavailable', reason: 'moving' })
          : handler(this.#commit(asked.by, asked.account.shard, announced), asked),
    )
  }

  deliver(request: DeliverRequest): Promise<readonly Result<Delivered, DeliverRefusal>[]> {
    const asked = structuredClone(request)
    return this.#enqueue<readonly Result<Delivered, DeliverRefusal>[]>(
      'deliver',
      (reason) => asked.recipients.map(() => refused({ kind: 'unavailable', reason })),
      (announced) => messageWrites.deliver(this.#commit(asked.by, asked.shard, announced), asked),
    )
  }

  // --- announcements ---

  watch(account: AccountId, listener: (change: Change) => void): () => void {
    return this.#listeners.add(account, listener)
  }

  watchAll(listener: (change: Change) => void): () => void {
    return this.#ofAll.add(undefined, listener)
  }

  watchRights(identifier: string, listener: (change: Change) => void): () => void {
    return this.#ofRights.add(identifier, listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#idle
    this.#listeners.clear()
    this.#ofAll.clear()
    this.#ofRights.clear()
  }

  async #account(account: AccountRef): Promise<Account | undefined> {
    await turn()
    return this.#accounts.get(account.id)
  }

  #box(account: Account | undefined, mailbox: MailboxKey): Mailbox | undefined {
    return account?.byKey.get(mailbox) ?? account?.goneMailboxes.get(mailbox)
  }

  #commit(by: string, shard: number, announced: Change[]): Commit {
    return {
      accounts: this.#accounts,
      arriving: this.#arriving,
      knobs: this.#knobs,
      now: this.#knobs.clock.now(),
      by,
      keepBody: (body) => this.#bodies.keep(body, shard),
      announced,
    }
  }

  #enqueue<T>(
    kind: WriteKind | 'deliver',
    fail: (reason: Unavailable['reason']) => T,
    run: (announced: Change[]) => T,
  ): Promise<T> {
    if (this.#closed) return turn().then(() => fail('closing'))
    this.#writes += 1
    const reason = this.#failing(this.#writes, kind)
    return new Promise<T>((resolve, reject) => {
      this.#queue.push(() => {
        const announced: Change[] = []
        try {
          const answer = reason === undefined ? run(announced) : fail(reason)
          return { answer: () => resolve(answer), announced }
        } catch (fault) {
          return { answer: () => reject(fault), announced: [] }
        }
      })
      if (this.#queue.length === 1) this.#idle = turn().then(() => this.#commitQueue())
    })
  }

  /** Commits all that queued, then answers all, then announces all. */
  #commitQueue(): void {
    const queue = this.#queue
    this.#queue = []
    const done = queue.map((run) => run())
    for (const { answer } of done) answer()
    for (const { announced } of done)
      for (const change of announced) {
        this.#listeners.tell(change.account, change)
        this.#ofAll.tell(undefined, change)
        if (change.rightsOf !== undefined) this.#ofRights.tell(change.rightsOf, change)
      }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
