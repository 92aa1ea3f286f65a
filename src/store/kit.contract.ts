/** What the contract suites share: people with accounts of their own in one store, and what must always hold. @module */
import assert from 'node:assert/strict'
import type { Result } from '#lib/result.ts'
import type { AccountId, MailboxKey, Uid } from '#mail/ids.ts'
import type { PreparedEmail } from '#mail/prepare.ts'
import { normaliseUidSet, uidsOf } from '#mail/uid-set.ts'
import { DELETED, flagNames, flagsOf, keywordSetId, SEEN, systemFlags } from './flags.ts'
import type { MailStore } from './mail-store.ts'
import type {
  AccountRef,
  EmailFields,
  EmailRow,
  MailboxInfo,
  NewMessage,
  QuotaLimits,
  SpecialUse,
  StagedBody,
  UidSet,
} from './types.ts'
import type { Appended, Asked, FlagsChanged, Recipient, WriteKind, Writes } from './writes.ts'

/** A store to be tried, and how to open and close it again. */
export interface OpenedStore {
  readonly store: MailStore
  /** Default 1. */
  readonly shards?: number
  /** Closes the store and opens what it left; only of adapters that keep anything. */
  readonly reopen?: () => Promise<MailStore>
  /** Closes the store, whichever was opened last, and removes what it left. */
  close(): PromiseLike<void>
}

/** Octets in UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Octets that differ from place to place, so that a wrong offset shows. */
export function patternOf(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = seed >>> 0 || 1
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

/** Ranges or single UIDs as a set. */
export function uids(...parts: readonly (number | readonly [number, number])[]): UidSet {
  return normaliseUidSet(parts.map((part) => (typeof part === 'number' ? [part, part] : part)))
}

/** A set as plain numbers. */
export function numbersOf(set: UidSet): number[] {
  return [...uidsOf(set)].map(Number)
}

/** What a scan would prepare; the store must keep it as it is and look into none of its octets. */
export function preparedOf(size: number, own: Partial<PreparedEmail> = {}): PreparedEmail {
  return {
    size,
    lines: 3,
    envelope: bytesOf(`(NIL "envelope of ${size} octets")`),
    bodyStructure: bytesOf(`("TEXT" "PLAIN" NIL NIL NIL "7BIT" ${size} 3)`),
    parts: Uint8Array.of(0, 1, 2, 253, 254, 255),
    headerSize: 20,
    header: bytesOf('Subject: contract\r\n\r\n'),
    fields: Uint8Array.of(9, 8, 7, 0),
    preview: 'Prévisualisation 日本 \u{1f4ec}',
    hasAttachment: false,
    subject: 'contract',
    from: 'Ann <ann@example.org>',
    to: 'Bob <bob@example.org>',
    cc: '',
    sentAt: 1_600_000_000_000,
    sentDay: 18_518,
    messageId: undefined,
    references: [],
    baseSubject: 'CONTRACT',
    ...own,
  }
}

/** What differs from an ordinary message. */
export interface MessageParts {
  readonly body?: Uint8Array | string
  readonly staged?: StagedBody
  readonly flags?: readonly string[]
  readonly trace?: string
  readonly uidl?: string
  readonly internalDate?: number
  readonly internalZone?: number
  readonly email?: Partial<PreparedEmail>
}

/** A message ready to be appended; its body must be small unless it is staged. */
export function messageOf(parts: MessageParts = {}): NewMessage {
  const { body = 'Subject: contract\r\n\r\nbody\r\n' } = parts
  const bytes = typeof body === 'string' ? bytesOf(body) : body
  const staged = parts.staged ?? { kind: 'bytes', bytes }
  return {
    body: staged,
    email: preparedOf(staged.kind === 'big' ? staged.size : staged.bytes.length, parts.email),
    trace: bytesOf(parts.trace ?? ''),
    flags: flagsOf(parts.flags ?? []),
    internalDate: parts.internalDate ?? 1_700_000_000_000,
    internalZone: parts.internalZone ?? 0,
    uidl: parts.uidl,
  }
}

/** `count` small messages that differ in size. */
export function someMessages(count: number, parts: MessageParts = {}): NewMessage[] {
  return Array.from({ length: count }, (_, index) => messageOf({ body: 'x'.repeat(10 + (index % 7)), ...parts }))
}

/** A message as a view sees it; flags by name, sorted. */
export interface SeenMessage {
  readonly uid: number
  readonly flags: readonly string[]
  readonly modseq: number
}

type Own<K extends WriteKind> = Omit<Writes[K]['request'], keyof Asked>

/** An account of its own, with short words for what tests do with it. */
export class Person {
  readonly ref: AccountRef
  readonly #world: World

  constructor(world: World, ref: AccountRef) {
    this.#world = world
    this.ref = ref
  }

  get store(): MailStore {
    return this.#world.store
  }

  write<K extends WriteKind>(kind: K, own: Own<K>): Promise<Result<Writes[K]['value'], Writes[K]['refusal']>> {
    // The compiler cannot put a generic request together from two halves; Own says that these are all of it.
    const request = { ...own, account: this.ref, by: 'contract' } as unknown as Writes[K]['request']
    return this.store.write(kind, request)
  }

  /** Writes what cannot be refused. */
  async must<K extends WriteKind>(kind: K, own: Own<K>): Promise<Writes[K]['value']> {
    const answer = await this.write(kind, own)
    assert.ok(answer.ok, `${kind} was refused: ${JSON.stringify(answer)}`)
    return answer.value
  }

  /** Writes what must be refused, without a trace; gives the refusal. */
  async refused<K extends WriteKind>(kind: K, own: Own<K>): Promise<Writes[K]['refusal']> {
    const before = await this.picture()
    const answer = await this.write(kind, own)
    assert.ok(!answer.ok, `${kind} was not refused`)
    assert.deepEqual(await this.picture(), before, `${kind} was refused and yet left something behind`)
    return answer.error
  }

  /** All that a reader can see of the account but the bodies. */
  async picture(): Promise<unknown> {
    const mailboxes = await this.store.mailboxes(this.ref)
    return {
      state: await this.store.state(this.ref),
      mailboxes,
      subscriptions: await this.store.subscriptions(this.ref),
      messages: await Promise.all(mailboxes.map((mailbox) => this.messages(mailbox.key))),
    }
  }

  async modseq(): Promise<number> {
    return (await this.state()).modseq
  }

  async state(): Promise<NonNullable<Awaited<ReturnType<MailStore['state']>>>> {
    const state = await this.store.state(this.ref)
    assert.ok(state, 'the account is gone')
    return state
  }

  /** The mailbox as it is now. */
  async box(of: string | MailboxKey): Promise<MailboxInfo> {
    const found =
      typeof of === 'string' ? await this.store.mailboxByName(this.ref, of) : await this.store.mailbox(this.ref, of)
    assert.ok(found, `there is no mailbox ${of}`)
    return found
  }

  inbox(): Promise<MailboxInfo> {
    return this.box('INBOX')
  }

  async make(name: string, specialUse?: SpecialUse): Promise<MailboxInfo> {
    return (await this.must('createMailbox', { name, specialUse })).mailbox
  }

  async names(): Promise<string[]> {
    return (await this.store.mailboxes(this.ref)).map((mailbox) => mailbox.name)
  }

  add(mailbox: MailboxKey, messages: readonly NewMessage[]): Promise<Appended> {
    return this.must('append', { mailbox, messages })
  }

  /** Changes flags named as in IMAP. */
  flag(
    mailbox: MailboxKey,
    set: UidSet,
    action: 'add' | 'remove' | 'replace',
    names: readonly string[],
    unchangedSince?: number,
  ): Promise<FlagsChanged> {
    return this.must('changeFlags', {
      mailbox,
      uids: set,
      action,
      flags: flagsOf(names),
      unchangedSince: unchangedSince as FlagsChanged['modseq'] | undefined,
    })
  }

  /** Flag names of packed flags, sorted. */
  async flagNames(packed: Iterable<number>): Promise<string[][]> {
    const sets = await this.store.keywordSets(this.ref, 0)
    return Array.from(packed, (flags) => {
      const keywords = sets[keywordSetId(flags)]
      assert.ok(keywords, `keyword set ${keywordSetId(flags)} is not told of`)
      return flagNames({ system: systemFlags(flags), keywords }).sort()
    })
  }

  /** All messages of a mailbox, read in slices. */
  async messages(mailbox: MailboxKey, slice = 5_000): Promise<SeenMessage[]> {
    const all: SeenMessage[] = []
    for (;;) {
      const page = await this.store.messages(this.ref, mailbox, (all.at(-1)?.uid ?? 0) as Uid | 0, slice)
      const names = await this.flagNames(page.flags)
      assert.equal(page.flags.length, page.uids.length)
      assert.equal(page.modseqs.length, page.uids.length)
      for (const [index, uid] of page.uids.entries())
        all.push({ uid, flags: names[index] ?? [], modseq: page.modseqs[index] ?? 0 })
      if (page.uids.length < slice) return all
    }
  }

  async uidsIn(mailbox: MailboxKey): Promise<number[]> {
    return (await this.messages(mailbox)).map((message) => message.uid)
  }

  /** Rows of emails, `set` 1:* where it is not given. */
  async emails(
    mailbox: MailboxKey,
    set: UidSet = uids([1, 4_294_967_295]),
    fields: EmailFields = 0,
  ): Promise<EmailRow[]> {
    const rows: EmailRow[] = []
    for await (const slice of this.store.emails(this.ref, mailbox, set, fields)) rows.push(...slice)
    return rows
  }

  async email(mailbox: MailboxKey, uid: number, fields: EmailFields = 0): Promise<EmailRow> {
    const [row, ...more] = await this.emails(mailbox, uids(uid), fields)
    assert.ok(row, `no row of UID ${uid}`)
    assert.deepEqual(more, [])
    return row
  }

  /** All octets of an email, without trace. */
  async body(row: Pick<EmailRow, 'place'>): Promise<Uint8Array> {
    const body = this.store.body(this.ref, row.place)
    const chunks: Uint8Array[] = []
    for await (const chunk of body.stream(0, body.size)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  /** What a delivery says of this recipient. */
  recipient(mailbox = 'INBOX', own: Partial<Recipient> = {}): Recipient {
    return {
      account: this.ref,
      mailbox,
      trace: bytesOf(`Delivered-To: ${this.ref.id}@example.org\r\n`),
      flags: flagsOf([]),
      internalDate: 1_700_000_000_000,
      internalZone: 0,
      ...own,
    }
  }

  /** Counters and MODSEQs of everything agree with each other. */
  async check(): Promise<void> {
    const state = await this.store.state(this.ref)
    if (state === undefined) return
    const usage = { storageBytes: 0, messages: 0, mailboxes: 0 }
    for (const mailbox of await this.store.mailboxes(this.ref)) {
      const messages = await this.messages(mailbox.key)
      const rows = (await this.emails(mailbox.key)).filter((row) => !row.gone)
      const sets = messages.map((message) => flagsOf(message.flags).system)
      const size = rows.reduce((total, row) => total + row.size, 0)
      const where = `counters of "${mailbox.name}"`
      assert.deepEqual(
        { messages: mailbox.messages, unseen: mailbox.unseen, deleted: mailbox.deleted, size: mailbox.size },
        {
          messages: messages.length,
          unseen: sets.filter((system) => (system & SEEN) === 0).length,
          deleted: sets.filter((system) => (system & DELETED) !== 0).length,
          size,
        },
        where,
      )
      assert.deepEqual(
        rows.map((row) => row.uid as number),
        messages.map((message) => message.uid),
        `rows of "${mailbox.name}"`,
      )
      for (const { uid, modseq } of messages) {
        assert.ok(uid < mailbox.uidNext, where)
        assert.ok(modseq >= 1 && modseq <= mailbox.highestModseq, where)
      }
      assert.ok(mailbox.highestModseq >= 1 && mailbox.highestModseq <= state.modseq, where)
      usage.storageBytes += size
      usage.messages += messages.length
      usage.mailboxes += 1
    }
    assert.deepEqual(state.usage, usage, 'usage of the account')
  }
}

/** No limits. */
export const UNLIMITED: QuotaLimits = { storageBytes: undefined, messages: undefined }

/** One store that tests share, each with people of its own. */
export class World {
  #opened: OpenedStore
  #store: MailStore
  #lastId = 0
  #people: Person[] = []

  constructor(opened: OpenedStore) {
    this.#opened = opened
    this.#store = opened.store
  }

  get store(): MailStore {
    return this.#store
  }

  get shards(): number {
    return this.#opened.shards ?? 1
  }

  /** Somebody without an account yet, in the next shard or in that one. */
  stranger(shard?: number): Person {
    this.#lastId += 1
    const id = this.#lastId as AccountId
    const person = new Person(this, { id, shard: shard ?? (id - 1) % this.shards })
    this.#people.push(person)
    return person
  }

  /** Somebody with an INBOX. */
  async person(limits: QuotaLimits = UNLIMITED, shard?: number): Promise<Person> {
    const person = this.stranger(shard)
    await person.must('openAccount', { mailboxes: [], limits })
    return person
  }

  /** Checks everybody made since the last call. */
  async check(): Promise<void> {
    const people = this.#people
    this.#people = []
    for (const person of people) await person.check()
  }

  async reopen(): Promise<void> {
    assert.ok(this.#opened.reopen)
    this.#store = await this.#opened.reopen()
  }

  close(): PromiseLike<void> {
    return this.#opened.close()
  }
}

/** Stages octets, in chunks as they would come from the network. */
export async function stage(store: MailStore, shard: number, bytes: Uint8Array, chunk = 65_536): Promise<StagedBody> {
  const stage = store.stage(shard)
  // One buffer for all chunks: who keeps a reference instead of the octets is found out.
  const buffer = new Uint8Array(Math.min(chunk, Math.max(1, bytes.length)))
  for (let at = 0; at < bytes.length; at += buffer.length) {
    const part = bytes.subarray(at, at + buffer.length)
    buffer.set(part)
    await stage.write(buffer.subarray(0, part.length))
  }
  return stage.finish()
}
