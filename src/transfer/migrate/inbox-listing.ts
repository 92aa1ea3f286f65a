/** The INBOX over IMAP and POP3 at once: which keys its messages have, in the order in which a client of POP3 sees them. @module */
import { AuthenticationError, type ImapClient } from '#client/index.ts'
import type { OpenMailbox } from '../sync/side.ts'
import type { MessagePair } from '../sync/state.ts'
import { type HeaderMark, markOfHeader } from './header-mark.ts'
import { formatInboxKey, parseInboxKey } from './inbox-key.ts'
import type { DropEntry, Maildrop } from './maildrop.ts'
import { matchMaildrop } from './match-maildrop.ts'

/** INBOX over IMAP. */
export interface InboxOverImap {
  readonly client: ImapClient
  readonly mailbox: OpenMailbox
}

/** What was recorded at the runs before. */
export interface KnownInbox {
  readonly validity: string | undefined
  readonly pairs: readonly Pick<MessagePair, 'left' | 'flags'>[]
}

/** A message with all that is known of it now. */
export interface InboxMessage {
  readonly key: string
  readonly uid: number | undefined
  readonly entry: DropEntry | undefined
  readonly flags: readonly string[]
}

/** How the two protocols agree. */
export interface MaildropReport {
  /** Messages in the maildrop. */
  readonly listed: number
  /** Found over IMAP in this run: by the UID in the unique-id, by the header, and of these where order decided. */
  readonly byName: number
  readonly byHeader: number
  readonly ambiguous: number
  /** POP3 shows them and IMAP does not, and the reverse. */
  readonly pop3Only: number
  readonly imapOnly: number
  /** Unique-ids that cannot be kept, as two messages have them or as they are none. */
  readonly unusable: readonly string[]
}

/** The server has given its messages other unique-ids than at the run before: nothing here would be recognised. */
export class UniqueIdsChanged extends Error {
  override readonly name = 'UniqueIdsChanged'
  readonly messages: number

  constructor(messages: number) {
    super(`The server gave ${messages} messages other unique-ids`)
    this.messages = messages
  }
}

/** Sessions of POP3 that are tried, as messages come in between. */
const LOOKS = 2
const MOST_NAMED = 100

export class InboxListing {
  readonly #imap: InboxOverImap | undefined
  readonly #maildrop: Maildrop | undefined
  readonly #known: KnownInbox
  readonly #dropMarks = new Map<string, HeaderMark>()
  readonly #heldMarks = new Map<number, HeaderMark>()
  readonly #sizes = new Map<number, number>()

  constructor(imap: InboxOverImap | undefined, maildrop: Maildrop | undefined, known: KnownInbox) {
    this.#imap = imap
    this.#maildrop = maildrop
    this.#known = known
  }

  /** @throws {UniqueIdsChanged} */
  async read(): Promise<{
    readonly messages: readonly InboxMessage[]
    readonly report: MaildropReport | undefined
    /** Keys of records that have another one from now on. */
    readonly superseded: ReadonlySet<string>
  }> {
    const first = await this.#maildrop?.list()
    // after the maildrop, so that all of it can be there
    const flags = (await this.#imap?.mailbox.messages()) ?? new Map<string, readonly string[]>()
    for (let look = 1, drop = first; ; look += 1) {
      const { late, ...found } = await this.#match(drop, flags)
      if (!late || look === LOOKS || this.#maildrop === undefined) return found
      try {
        drop = await this.#maildrop.list()
      } catch (error) {
        // some let nobody in twice in so short a time (RFC 2449 §8.1.1)
        if (!(error instanceof AuthenticationError)) throw error
        return found
      }
    }
  }

  async #match(drop: readonly DropEntry[] | undefined, flags: ReadonlyMap<string, readonly string[]>) {
    const validity = this.#imap?.mailbox.validity ?? ''
    const uids = [...flags.keys()].map(Number).sort((a, b) => a - b)
    const known = this.#knownKeys(validity, drop, flags)
    const fresh = (drop ?? []).filter(({ id }) => !known.uidOf.has(id))
    const taken = new Set(known.uidOf.values())
    const free = fresh.length === 0 ? [] : uids.filter((uid) => !taken.has(uid))
    // last, one whose unique-id was not listed this time: it may have got another
    const open = [...free.filter((uid) => !known.idOf.has(uid)), ...free.filter((uid) => known.idOf.has(uid))]
    const sizes = await this.#sizesOf(open)
    const match = await matchMaildrop({
      drop: fresh,
      held: open.map((uid) => ({ uid, size: sizes.get(uid) ?? 0 })),
      uidValidity: Number(validity),
      dropMarks: (ids) => this.#marksOfDrop(ids),
      heldMarks: (wanted) => this.#marksOfHeld(wanted),
    })
    const changed = [...match.uids].filter(([id, uid]) => (known.idOf.get(uid) ?? id) !== id)
    if (changed.length > 0) throw new UniqueIdsChanged(changed.length)
    const uidOf = new Map([...known.uidOf, ...match.uids].filter(([, uid]) => flags.has(String(uid))))
    const messages = this.#inOrder(drop, uidOf, uids, flags, known)
    const matched = new Set(uidOf.values())
    const imapOnly = uids.filter((uid) => !matched.has(uid))
    let highest = 0
    for (const uid of matched) highest = Math.max(highest, uid)
    const report: MaildropReport | undefined =
      drop === undefined
        ? undefined
        : {
            listed: drop.length,
            byName: match.byName,
            byHeader: match.byHeader,
            ambiguous: match.ambiguous,
            pop3Only: drop.filter(({ id }) => !uidOf.has(id)).length,
            imapOnly: imapOnly.length,
            unusable: drop.flatMap(({ id, uidl }) => (uidl === undefined ? [id] : [])).slice(0, MOST_NAMED),
          }
    const superseded = new Set<string>()
    for (const [id, uid] of match.uids) {
      const before = known.keyOfUid.get(uid)?.left
      if (before !== undefined && !known.keyOfId.has(id)) superseded.add(before)
    }
    return { messages, superseded, late: drop !== undefined && imapOnly.some((uid) => uid > highest), report }
  }

  /** What the records say of what is there; nothing once UIDs mean something else. */
  #knownKeys(validity: string, drop: readonly DropEntry[] | undefined, flags: ReadonlyMap<string, unknown>): Known {
    const known: Known = { uidOf: new Map(), idOf: new Map(), keyOfId: new Map(), keyOfUid: new Map() }
    const listed = new Set((drop ?? []).map(({ id }) => id))
    if (this.#known.validity !== undefined && this.#known.validity !== validity) {
      const ids = this.#known.pairs.flatMap(({ left }) => parseInboxKey(left).id ?? [])
      if (ids.length > 0 && listed.size > 0 && !ids.some((id) => listed.has(id))) throw new UniqueIdsChanged(ids.length)
      return known
    }
    for (const pair of this.#known.pairs) {
      const { uid, id } = parseInboxKey(pair.left)
      if (id !== undefined) known.keyOfId.set(id, pair)
      if (uid === undefined || !flags.has(String(uid))) continue
      known.keyOfUid.set(uid, pair)
      if (id === undefined) continue
      known.idOf.set(uid, id)
      if (listed.has(id)) known.uidOf.set(id, uid)
    }
    return known
  }

  /** As the maildrop has them; what it does not show stands where it does over IMAP. */
  #inOrder(
    drop: readonly DropEntry[] | undefined,
    uidOf: ReadonlyMap<string, number>,
    uids: readonly number[],
    flags: ReadonlyMap<string, readonly string[]>,
    known: Known,
  ): readonly InboxMessage[] {
    const found: InboxMessage[] = []
    const shown = new Set(uidOf.values())
    const others = uids.filter((uid) => !shown.has(uid))
    const flagsOf = (uid: number): readonly string[] => flags.get(String(uid)) ?? []
    let next = 0
    const overImap = (below: number): void => {
      for (let uid = others[next]; uid !== undefined && uid < below; uid = others[(next += 1)]) {
        const key = known.keyOfUid.get(uid)?.left ?? formatInboxKey({ uid, id: undefined })
        found.push({ key, uid, entry: undefined, flags: flagsOf(uid) })
      }
    }
    for (const entry of drop ?? []) {
      const { id } = entry
      const uid = uidOf.get(id)
      if (uid !== undefined) overImap(uid)
      const before = known.keyOfId.get(id)
      const key = before?.left ?? formatInboxKey({ uid, id })
      found.push({ key, uid, entry, flags: uid === undefined ? (before?.flags ?? []) : flagsOf(uid) })
    }
    overImap(Infinity)
    if (drop !== undefined) return found
    // without POP3 nobody can say that what only it shows is gone
    for (const { left, flags: last } of this.#known.pairs)
      if (parseInboxKey(left).uid === undefined)
        found.push({ key: left, uid: undefined, entry: undefined, flags: last })
    return found
  }

  async #sizesOf(uids: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const missing = uids.filter((uid) => !this.#sizes.has(uid))
    if (missing.length === 0 || this.#imap === undefined) return this.#sizes
    for (const [uid, size] of await this.#imap.mailbox.sizes(missing.map(String))) this.#sizes.set(Number(uid), size)
    return this.#sizes
  }

  async #marksOfDrop(ids: readonly string[]): Promise<ReadonlyMap<string, HeaderMark>> {
    const missing = ids.filter((id) => !this.#dropMarks.has(id))
    const marks = missing.length === 0 ? [] : ((await this.#maildrop?.marks(missing)) ?? [])
    for (const [id, mark] of marks) this.#dropMarks.set(id, mark)
    return this.#dropMarks
  }

  async #marksOfHeld(uids: readonly number[]): Promise<ReadonlyMap<number, HeaderMark>> {
    const missing = uids.filter((uid) => !this.#heldMarks.has(uid))
    if (missing.length === 0 || this.#imap === undefined) return this.#heldMarks
    for await (const { uid, headers } of this.#imap.client.fetch(missing, { headers: true }))
      if (headers !== undefined) this.#heldMarks.set(uid, markOfHeader(headers))
    return this.#heldMarks
  }
}

interface Known {
  /** UIDs by id, of what both list. */
  readonly uidOf: Map<string, number>
  readonly idOf: Map<number, string>
  readonly keyOfId: Map<string, Pick<MessagePair, 'left' | 'flags'>>
  readonly keyOfUid: Map<number, Pick<MessagePair, 'left' | 'flags'>>
}
