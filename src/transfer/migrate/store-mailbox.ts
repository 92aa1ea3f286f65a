/** A mailbox of an account here, as one of a synchronisation; keys are UIDs. @module */
import type { MailboxKey, Uid } from '#mail/ids.ts'
import { prepareEmail } from '#mail/prepare.ts'
import { MessageScanner } from '#mail/scanner.ts'
import { type UidSet, uidSetOf } from '#mail/uid-set.ts'
import { flagNames, flagsOf, keywordSetId, NO_FLAGS, SYSTEM_FLAG_NAMES, systemFlags } from '#store/flags.ts'
import { MAX_KEYWORD_OCTETS } from '#store/limits.ts'
import type { BodyStage, MailStore } from '#store/mail-store.ts'
import { type AccountRef, type EmailRow, HEADER, type NewMessage as StoredMessage } from '#store/types.ts'
import { identityOfBytes, identityOfHeader } from '../sync/identity.ts'
import type { Carried, FlagsChange, NewMessage, OpenMailbox, Placed } from '../sync/side.ts'
import { isTag } from './inbox-key.ts'
import { withUidl } from './maildrop-inbox.ts'

export const BY = 'migrate'

export interface StoreMailboxOptions {
  readonly store: MailStore
  readonly account: AccountRef
  readonly mailbox: MailboxKey
  readonly uidValidity: number
  /** A message that is not taken keeps those behind it out too: in a maildrop order counts. */
  readonly inOrder: boolean
}

/** The store cannot write now. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

const SLICE = 5_000
const SYSTEM: ReadonlySet<string> = new Set(SYSTEM_FLAG_NAMES.map((name) => name.toLowerCase()))

/** See the module. Messages go in one batch after the other, in the order in which they were given. */
export class StoreMailbox implements OpenMailbox {
  readonly validity: string
  readonly #options: StoreMailboxOptions
  #sizes: ReadonlyMap<string, number> = new Map()
  /** What each message is kept under, and the reverse. */
  readonly #uidls = new Map<string, string>()
  readonly #byUidl = new Map<string, string>()
  #tail: Promise<unknown> = Promise.resolve()
  #closed: string | undefined

  constructor(options: StoreMailboxOptions) {
    this.#options = options
    this.validity = String(options.uidValidity)
  }

  async messages(): Promise<Map<string, readonly string[]>> {
    const { store, account, mailbox } = this.#options
    await this.#readMaildrop()
    const sets = [...(await store.keywordSets(account, 0))]
    const found = new Map<string, readonly string[]>()
    for (let after: Uid | 0 = 0; ; ) {
      const page = await store.messages(account, mailbox, after, SLICE)
      for (const [n, uid] of page.uids.entries()) {
        const packed = page.flags[n] ?? 0
        const set = keywordSetId(packed)
        if (set >= sets.length) sets.push(...(await store.keywordSets(account, sets.length)))
        found.set(String(uid), flagNames({ system: systemFlags(packed), keywords: sets[set] ?? [] }))
      }
      if (page.uids.length < SLICE) return found
      after = page.uids[page.uids.length - 1] as Uid
    }
  }

  keeps(flag: string): boolean {
    if (flag.startsWith('\\')) return SYSTEM.has(flag.toLowerCase())
    return Buffer.byteLength(flag) <= MAX_KEYWORD_OCTETS
  }

  async sizes(keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (keys.some((key) => !this.#sizes.has(key))) await this.#readMaildrop()
    return new Map(keys.flatMap((key) => [[key, this.#sizes.get(key) ?? 0] as const]))
  }

  async identities(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>()
    for await (const { row, key } of this.#rows(keys, HEADER)) {
      const uidl = this.#uidls.get(key)
      const kept = this.#options.inOrder && uidl !== undefined && !isTag(uidl) ? uidl : undefined
      const header = await this.#bytes(row, row.headerSize ?? row.place.length)
      const identity = identityOfHeader(header, row.size)
      found.set(key, withUidl(identity ?? identityOfBytes(await this.#bytes(row, row.place.length)), kept))
    }
    return found
  }

  async *fetch(keys: readonly string[]): AsyncGenerator<Carried, void, void> {
    for await (const { row, key } of this.#rows(keys, 0)) {
      const { internalDate: time, internalZone: zone, size } = row
      yield { key, flags: [], date: { time, zone }, size, body: this.#stream(row) }
    }
  }

  append(messages: readonly NewMessage[]): Promise<readonly Placed[]> {
    const appending = this.#tail.then(() => this.#append(messages))
    this.#tail = appending.catch(() => undefined)
    return appending
  }

  async changeFlags(keys: readonly string[], { add, remove }: FlagsChange): Promise<void> {
    const { store, account, mailbox } = this.#options
    for (const [action, flags] of [
      ['add', add],
      ['remove', remove],
    ] as const) {
      if (flags.length === 0) continue
      const request = { account, by: BY, mailbox, uids: uidsOf(keys), action, flags: flagsOf(flags) }
      const answer = await store.write('changeFlags', { ...request, unchangedSince: undefined })
      // more keywords than a message can have: the mail matters more
      if (!answer.ok && answer.error.kind !== 'too-many-keywords') throw new StoreUnavailable(answer.error.kind)
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    const { store, account, mailbox } = this.#options
    const answer = await store.write('expunge', { account, by: BY, mailbox, uids: uidsOf(keys), which: 'any' })
    if (!answer.ok) throw new StoreUnavailable(answer.error.kind)
  }

  /** What was given is answered before: who opens it again sees all of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail
  }

  async #append(messages: readonly NewMessage[]): Promise<readonly Placed[]> {
    const outcomes: Placed[] = []
    let batch: { readonly at: number; readonly message: StoredMessage; readonly stage: BodyStage }[] = []
    for (const [at, message] of messages.entries()) {
      const there = message.uidl === undefined ? undefined : this.#byUidl.get(message.uidl)
      // a run that died had brought it
      if (there !== undefined && (await this.#isSame(there, message))) outcomes[at] = { key: there }
      else if (this.#closed !== undefined) outcomes[at] = { refusal: 'behind' }
      // another one, as of somebody else's maildrop: the message matters more than what it was known by
      else batch.push({ at, ...(await this.#stage(there === undefined ? message : { ...message, uidl: undefined })) })
    }
    const whole = await this.#write(batch.map(({ message }) => message))
    if (typeof whole !== 'string') {
      for (const [n, { at, message }] of batch.entries()) outcomes[at] = this.#placed(whole[n], message)
      return outcomes
    }
    for (const { at, message, stage } of batch) {
      const alone = this.#closed === undefined ? await this.#writeOne(message) : 'behind'
      if (typeof alone === 'string') {
        await stage.abandon()
        if (this.#options.inOrder) this.#closed ??= alone
        outcomes[at] = { refusal: alone }
      } else outcomes[at] = this.#placed(alone[0], message)
    }
    batch = []
    return outcomes
  }

  /** By its bytes, where they are all there; of what streams by their number. */
  async #isSame(key: string, { body, size }: NewMessage): Promise<boolean> {
    for await (const { row } of this.#rows([key], 0)) {
      if (!(body instanceof Uint8Array)) return row.size === size
      return row.size === body.length && (await this.#bytes(row, row.place.length)).equals(body)
    }
    return false
  }

  #placed(uid: Uid | undefined, { uidl }: StoredMessage): Placed {
    if (uid === undefined) throw new Error('The store gave no UID for a message')
    const key = String(uid)
    if (uidl !== undefined) {
      this.#byUidl.set(uidl, key)
      this.#uidls.set(key, uidl)
    }
    return { key }
  }

  async #stage({ body, flags, date, uidl }: NewMessage): Promise<{ message: StoredMessage; stage: BodyStage }> {
    const { store, account } = this.#options
    const stage = store.stage(account.shard)
    const scanner = new MessageScanner()
    try {
      for await (const chunk of body instanceof Uint8Array ? [body] : body) {
        scanner.push(chunk)
        await stage.write(chunk)
      }
      const message = {
        body: await stage.finish(),
        email: prepareEmail(scanner.end()),
        trace: new Uint8Array(),
        flags: flagsOf(flags.filter((flag) => this.keeps(flag))),
        internalDate: date.time,
        internalZone: date.zone,
        uidl,
      }
      return { message, stage }
    } catch (error) {
      await stage.abandon()
      throw error
    }
  }

  async #writeOne(message: StoredMessage): Promise<readonly Uid[] | string> {
    const answer = await this.#write([message])
    if (answer !== 'too-many-keywords') return answer
    // the mail matters more than its keywords
    const flags = { ...NO_FLAGS, system: message.flags.system }
    return this.#write([{ ...message, flags }])
  }

  /** UIDs, or why not. */
  async #write(messages: readonly StoredMessage[]): Promise<readonly Uid[] | string> {
    if (messages.length === 0) return []
    const { store, account, mailbox } = this.#options
    const answer = await store.write('append', { account, by: BY, mailbox, messages })
    if (answer.ok) return answer.value.uids
    switch (answer.error.kind) {
      case 'over-quota':
      case 'too-many-keywords':
      case 'uidl-taken':
      case 'uids-exhausted':
        return answer.error.kind
      case 'no-such-account':
      case 'no-such-mailbox':
      case 'unavailable':
        throw new StoreUnavailable(answer.error.kind)
    }
  }

  async #readMaildrop(): Promise<void> {
    const { store, account, mailbox } = this.#options
    const sizes = new Map<string, number>()
    this.#uidls.clear()
    this.#byUidl.clear()
    for await (const { uids, sizes: octets, uidls } of store.maildrop(account, mailbox)) {
      for (const [n, uid] of uids.entries()) {
        const key = String(uid)
        sizes.set(key, octets[n] ?? 0)
        const uidl = uidls[n]
        if (uidl === undefined) continue
        this.#uidls.set(key, uidl)
        this.#byUidl.set(uidl, key)
      }
    }
    this.#sizes = sizes
  }

  async *#rows(keys: readonly string[], fields: number): AsyncGenerator<{ row: EmailRow; key: string }, void, void> {
    const { store, account, mailbox } = this.#options
    for await (const rows of store.emails(account, mailbox, uidsOf(keys), fields))
      for (const row of rows) if (!row.gone) yield { row, key: String(row.uid) }
  }

  async *#stream({ trace, place }: EmailRow): AsyncGenerator<Uint8Array, void, void> {
    if (trace.length > 0) yield trace
    yield* this.#options.store.body(this.#options.account, place).stream(0, place.length)
  }

  /** Trace lines, and so many octets of the body. */
  async #bytes({ trace, place }: EmailRow, end: number): Promise<Buffer> {
    const chunks: Uint8Array[] = [trace]
    for await (const chunk of this.#options.store.body(this.#options.account, place).stream(0, end)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }
}

function uidsOf(keys: readonly string[]): UidSet {
  return uidSetOf(keys.map(Number).sort((a, b) => a - b))
}
