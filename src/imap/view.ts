/**
 * One session's view of its selected mailbox: what its client has been told.
 *
 * Invariants: `#shown` is what the client knows, message by message; it changes only in {@link View.sync} and in
 * {@link View.resolve} of UIDs that the client cannot know yet, together with what is written. It is a snapshot that all
 * sessions share, except while expunges are held back: then it is the latest one with those messages put back in. A
 * session that has idled for long on a large mailbox remembers the UIDs alone, until something happens.
 * Nobody but the session's own commands, which run one after the other, calls anything here.
 * @module
 */
import { Turns } from '#lib/turns.ts'
import { type AccountId, LARGEST_UID, type MailboxKey, type Modseq, type Uid } from '#mail/ids.ts'
import { normaliseUidSet, type UidSet, uidSetOf } from '#mail/uid-set.ts'
import type { AccountKeywords } from '#services/account-keywords.ts'
import { RememberedMailbox } from '#services/remembered-mailbox.ts'
import { Snapshot } from '#services/snapshot.ts'
import { difference } from '#services/snapshot-difference.ts'
import { numbersWithin, uidsWithin } from '#services/snapshot-sets.ts'
import { SnapshotWalk } from '#services/snapshot-walk.ts'
import { type SnapshotHandle, snapshotsOf } from '#services/snapshots.ts'
import { changeableFlags } from '#store/acl.ts'
import { keywordSetId, SYSTEM_FLAG_NAMES, SYSTEM_FLAGS } from '#store/flags.ts'
import type { AccountRef, ChangedFlags } from '#store/types.ts'
import type { Guest } from '#store/writes.ts'
import type { MessageSet, SetNumber } from '#wire/imap/message-set.ts'
import { type Announcement, type Answered, writeAnnouncement, writeFlags } from './announcement.ts'
import type { By, Context } from './command.ts'
import { MAILBOX_GONE, READ_WITHDRAWN } from './completion.ts'
import { Farewell } from './connection.ts'
import { REST_MESSAGES, REST_MS } from './limits.ts'
import { EVERYTHING, type SelectedEvents } from './notify/registration.ts'
import { announceAdded, ownChanges } from './notify/selected.ts'
import { formatOtherName } from './other-names.ts'
import type { Output } from './output.ts'
import { guestIn, othersAccount, type Reached, rightsNow } from './resolve.ts'
import { SearchUpdates } from './search/updates.ts'
import type { SelectedView } from './selected.ts'

/** Opens a view of the mailbox as it is now; `undefined` when the mailbox went meanwhile. */
export async function openView(
  context: Context,
  reached: Reached,
  { readOnly }: { readonly readOnly: boolean },
): Promise<View | undefined> {
  const { store } = context
  const { account, info } = reached
  const handle = snapshotsOf(store).open(account, info.key, reached.user)
  try {
    const snapshot = await handle.refresh(0, performance.now())
    // SELECT tells all keywords of the account: those of later ones are news.
    if (snapshot !== undefined) {
      await handle.keywords.load(store, account)
      return new View(context, reached, handle, snapshot, readOnly)
    }
  } catch (error) {
    handle.close()
    throw error
  }
  handle.close()
  return undefined
}

/** Of views whose person is the owner: they ask the account. */
const NO_NAMES = new Map<string, string>()
const NO_UIDS: UidSet = []

/** See the module. */
export class View implements SelectedView {
  readonly account: AccountRef
  readonly mailbox: MailboxKey
  readonly readOnly: boolean
  /** The search result variable `$` (RFC 9051 §6.4.4.1); expunged messages drop out when it is used. */
  saved: UidSet = NO_UIDS
  readonly #context: Context
  /** With the rights as they were looked at last. */
  #reached: Reached
  readonly #handle: SnapshotHandle
  #shown: Snapshot
  /** The shared snapshot up to which everything was told, apart from what is held back. */
  #synced: Snapshot
  #holding = false
  /** NOTIFY wants no news of the mailbox, and some was passed over. */
  #frozen = false
  /** The client knows every change up to here; a value that STATUS would say too. */
  #complete: number
  #expected: Modseq | 0 = 0
  #knownKeywords: number
  /** Of the mailbox, by their lower case, for who is not the owner. */
  readonly #ofMailbox: Map<string, string>
  /** Of the command at work: it speaks of UIDs; it must keep message numbers; what it did to flags. */
  #byUid = false
  #keepNumbers = false
  /** The command names no messages: it can only be after news. */
  #polling = true
  #answered: Answered | undefined
  /** Messages that the command itself made or expunged. */
  #own: UidSet = NO_UIDS
  /** Something was told while the command began. */
  #toldBefore = false
  #idling = false
  /** When there was something to tell last. */
  #newsAt: number
  /** What the client knows while `#shown` is empty. */
  #remembered: RememberedMailbox | undefined
  #updates: SearchUpdates | undefined

  constructor(context: Context, reached: Reached, handle: SnapshotHandle, snapshot: Snapshot, readOnly: boolean) {
    const { account, info } = reached
    this.account = account
    this.mailbox = info.key
    this.readOnly = readOnly
    this.#context = context
    this.#reached = reached
    this.#handle = handle
    this.#ofMailbox = reached.user === undefined ? NO_NAMES : new Map()
    this.#shown = snapshot
    this.#synced = snapshot
    this.#complete = Math.min(info.highestModseq, snapshot.modseq)
    this.#knownKeywords = handle.keywords.count
    this.#newsAt = context.clock.now()
    if (reached.user !== undefined) this.#noteKeywords(undefined)
  }

  /** What the client knows. */
  get shown(): Snapshot {
    return this.#shown
  }

  get keywords(): AccountKeywords {
    return this.#handle.keywords
  }

  get messages(): number {
    return this.#shown.size
  }

  get modseq(): Modseq {
    return Math.max(1, this.#complete) as Modseq
  }

  get uidNext(): Uid {
    return this.#synced.uidNext
  }

  /** Everything committed up to here was told, 0 where something was kept from the client. */
  get told(): Modseq | 0 {
    return this.#holding || this.#frozen ? 0 : this.#synced.modseq
  }

  /** It must be brought up to date before a command names messages. */
  get resting(): boolean {
    return this.#remembered !== undefined
  }

  /** Searches whose results are kept up to date (RFC 5267 §4.3). */
  get updates(): SearchUpdates {
    this.#updates ??= new SearchUpdates(this.#context)
    return this.#updates
  }

  get #events(): SelectedEvents {
    return this.#context.session.notifier?.selected ?? EVERYTHING
  }

  get others(): AccountId | undefined {
    return othersAccount(this.#reached)
  }

  /** As whom the store writes here: `undefined` for the owner. */
  get guest(): Guest | undefined {
    return guestIn(this.#reached)
  }

  /** Whether the person has the right here. */
  may(right: string): boolean {
    return this.#reached.rights.includes(right)
  }

  keywordNames(): Iterable<string> {
    return this.guest === undefined ? this.keywords.names() : this.#ofMailbox.values()
  }

  /** Notes the keywords of these messages, `undefined`: of all; whether there are new ones. */
  #noteKeywords(uids: UidSet | undefined): boolean {
    const before = this.#ofMailbox.size
    let last: number | undefined
    for (const walk = new SnapshotWalk(this.#shown, uids); walk.next(); ) {
      const set = keywordSetId(walk.flags)
      if (set === last) continue
      last = set
      for (const name of this.keywords.of(walk.flags)) {
        const lower = name.toLowerCase()
        if (!this.#ofMailbox.has(lower)) this.#ofMailbox.set(lower, name)
      }
    }
    return this.#ofMailbox.size > before
  }

  /** Whether what is about to be told has keywords that the client was not told of. */
  #hasNewKeywords({ changed, added }: Pick<Announcement, 'changed' | 'added'>): boolean {
    if (added === 0 && changed.uids.length === 0) return false
    if (this.guest !== undefined) {
      const first = added === 0 ? undefined : this.#shown.uidAt(this.#shown.size - added + 1)
      const come = first === undefined ? [] : [[first, LARGEST_UID] as const]
      return this.#noteKeywords(normaliseUidSet([...uidSetOf(changed.uids), ...come]))
    }
    const { count } = this.keywords
    const more = count > this.#knownKeywords
    this.#knownKeywords = count
    return more
  }

  /** Flags that the person may change for good, as PERMANENTFLAGS lists them (RFC 4314 §5.1.1). */
  permanentFlags(keywords: Iterable<string>): string {
    if (this.readOnly) return ''
    const system = changeableFlags(this.#reached.rights)
    const names = SYSTEM_FLAGS.filter(([, bit]) => (system & bit) !== 0).map(([name]) => name)
    return [...names, ...(this.may('w') ? [...keywords, '\\*'] : [])].join(' ')
  }

  /**
   * Looks at the rights to a mailbox of somebody else again: commands go by what they are, not by what they were.
   * @throws {Farewell} when the person may not read there any more
   */
  async checkRights(out: Output): Promise<void> {
    if (this.#reached.user === undefined) return
    const { store } = this.#context
    const rights = await rightsNow(this.#context, this.account, { key: this.mailbox })
    if (!rights.includes('r')) {
      const there = (await store.mailbox(this.account, this.mailbox)) !== undefined
      throw new Farewell(there ? READ_WITHDRAWN : MAILBOX_GONE)
    }
    if (rights === this.#reached.rights) return
    this.#reached = { ...this.#reached, rights }
    const keywords = [...this.keywordNames()]
    out.text(`* FLAGS (${[...SYSTEM_FLAG_NAMES, ...keywords].join(' ')})\r\n`)
    out.text(`* OK [PERMANENTFLAGS (${this.permanentFlags(keywords)})] `).line('Your rights have changed')
  }

  /** The mailbox as it is now; `undefined` when it is no more. */
  async reached(): Promise<Reached | undefined> {
    const info = await this.#context.store.mailbox(this.account, this.mailbox)
    if (info === undefined) return undefined
    const { user, owner } = this.#reached
    const name = user === undefined ? info.name : formatOtherName({ owner, path: info.name })
    return { ...this.#reached, name, info }
  }

  isOf({ account, info }: Pick<Reached, 'account' | 'info'>): boolean {
    return info.key === this.mailbox && account.id === this.account.id
  }

  numberOf(uid: Uid): number | undefined {
    return this.#shown.numberOf(uid)
  }

  firstUnseen(): number | undefined {
    return this.#shown.firstUnseen()
  }

  /**
   * The messages that a command names, those of the view alone; done once, at its top. Also tells the view how this
   * command speaks of messages.
   * @returns `undefined` when a message number is beyond the last (RFC 9051 §9 seq-number: BAD).
   */
  async resolve(out: Output, set: MessageSet, by: By): Promise<UidSet | undefined> {
    this.speak(by)
    // A client may have a UID from elsewhere (APPENDUID, COPYUID) before this session told it.
    if (
      by === 'uid' &&
      set !== '$' &&
      set.some((range) => range.some((end) => end !== '*' && end > this.#shown.lastUid))
    )
      await this.#catchUp(out)
    return this.among(set, by)
  }

  /** The command at work is the UID form or not: {@link resolve} says it, too (RFC 9051 §6.4.9). */
  speak(by: By): void {
    this.#byUid = by === 'uid'
    this.#polling = false
  }

  async #catchUp(out: Output): Promise<void> {
    const before = this.#synced
    await this.#bring(out, false, undefined)
    this.#toldBefore = this.#synced !== before
  }

  /** The messages of a set as {@link resolve} gives them, without bringing anything up to date. */
  among(set: MessageSet, by: By): UidSet | undefined {
    if (set === '$') return this.present(this.saved)
    const last = by === 'uid' ? this.#shown.lastUid : this.#shown.size
    const value = (number: SetNumber): number => (number === '*' ? last : number)
    const ranges: [number, number][] = []
    for (const [a, b] of set) {
      const [from, to] = [Math.min(value(a), value(b)), Math.max(value(a), value(b))]
      if (by === 'uid') {
        if (last > 0) ranges.push([from, to])
      } else {
        const [first, end] = [this.#shown.uidAt(from), this.#shown.uidAt(to)]
        if (first === undefined || end === undefined) return undefined
        ranges.push([first, end])
      }
    }
    return this.present(normaliseUidSet(ranges))
  }

  /** Those of the set that the view has. */
  present(set: UidSet): UidSet {
    return uidsWithin(this.#shown, set)
  }

  /** Numbers of the messages, as a set. */
  numbers(uids: UidSet): UidSet {
    return numbersWithin(this.#shown, uids)
  }

  /** The command must not change message numbers although its form would allow it. */
  keepNumbers(): void {
    this.#keepNumbers = true
  }

  /** The command changed flags: {@link sync} answers accordingly. */
  answer(answered: Answered): void {
    // To the client, flags told during a silent STORE are those after it: it must hear of the real ones.
    const retell = this.#toldBefore && answered.kind === 'store'
    this.#answered = retell ? { ...answered, believed: undefined } : answered
  }

  /** The owner's command changed flags so. */
  took(changed: ChangedFlags): void {
    this.#handle.took(changed)
  }

  expect(modseq: Modseq | 0, own: UidSet = []): void {
    if (modseq > this.#expected) this.#expected = modseq
    if (own.length > 0) this.#own = own
  }

  async sync(out: Output, { holdExpunge }: { readonly holdExpunge: boolean }): Promise<boolean> {
    if (this.#idling && this.guest !== undefined) await this.checkRights(out)
    const answered = this.#answered
    const hold = holdExpunge || this.#keepNumbers
    try {
      return await this.#bring(out, hold, answered)
    } finally {
      this.#byUid = false
      this.#keepNumbers = false
      this.#polling = true
      this.#toldBefore = false
      this.#answered = undefined
      this.#own = NO_UIDS
    }
  }

  /**
   * Brings the flags of messages up to the store without a word about these, which FETCH is about to say itself; tells
   * of all else that it comes across.
   */
  async absorb(out: Output, quiet: UidSet): Promise<boolean> {
    return this.#bring(out, true, { kind: 'fetch', uids: quiet })
  }

  async writeChangedSince(out: Output, since: Modseq, among: (uid: Uid) => boolean): Promise<void> {
    const how = { uid: true, modseq: true, uidOnly: this.#context.enabled.uidOnly, keywords: this.keywords }
    const turns = new Turns()
    for (const walk = new SnapshotWalk(this.#shown, undefined, since); walk.next(); ) {
      if (!among(walk.uid)) continue
      writeFlags(out, walk, how)
      if (out.due) await out.flush()
      if (turns.over) await turns.share()
    }
  }

  whenChanged(wake: (() => void) | undefined): void {
    this.#idling = wake !== undefined
    this.#handle.listen(wake)
  }

  close(): void {
    this.#handle.close()
  }

  async #bring(out: Output, hold: boolean, answered: Answered | undefined): Promise<boolean> {
    if (this.#remembered !== undefined && (await this.#nothingNew(this.#remembered))) return true
    // Commands that came in one piece are answered from one read: it began after all of them were here.
    const since = this.#polling && !this.#idling ? this.#context.session.connection.receivedAt : undefined
    const latest = this.#handle.ready(this.#expected, since) ?? (await this.#handle.refresh(this.#expected, since))
    if (latest === undefined) return false
    if (this.#remembered !== undefined) {
      this.#shown = this.#remembered.recall(latest)
      this.#remembered = undefined
    }
    const { messages } = this.#events
    const changed = latest !== this.#synced
    const released = this.#holding && !hold
    if (changed || released || answered !== undefined || (this.#frozen && messages)) {
      if (messages) await this.#announce(out, latest, hold, answered)
      else await this.#announceOwn(out, latest, answered)
    }
    if (this.#idling) this.#rest()
    if (released && messages) await this.#tellHighest(out, latest)
    else if (this.#holding && this.#context.enabled.qresync && (changed || !this.#idling))
      // The client must not think that it knows what is held back (RFC 7162 §3.2, §6).
      out.text(`* OK [HIGHESTMODSEQ ${this.modseq}] `).line('Expunges are held back')
    return true
  }

  /** Lets go of a large mailbox in which nothing happens. */
  #rest(): void {
    if (this.#shown.size < REST_MESSAGES || this.#holding || this.#frozen) return
    if (this.#context.clock.now() - this.#newsAt < REST_MS) return
    this.#remembered = new RememberedMailbox(this.#shown)
    this.#shown = Snapshot.empty(this.#shown.modseq, this.#shown.uidNext)
    this.#synced = this.#shown
    this.#handle.rest()
  }

  /** Whether it can go on resting; once its client speaks again, it cannot. */
  async #nothingNew({ modseq }: RememberedMailbox): Promise<boolean> {
    if (!this.#idling) return false
    const info = await this.#context.store.mailbox(this.account, this.mailbox)
    return info !== undefined && info.highestModseq <= modseq
  }

  async #announce(out: Output, latest: Snapshot, hold: boolean, answered: Answered | undefined): Promise<void> {
    const news = difference(this.#shown, latest)
    if (news.added > 0 || news.gone.uids.length > 0 || news.changed.uids.length > 0)
      this.#newsAt = this.#context.clock.now()
    const holding = hold && news.gone.uids.length > 0
    const next = holding ? latest.apply(news.gone, [], latest.modseq, latest.uidNext) : latest
    this.#shown = next
    this.#synced = latest
    this.#holding = holding
    this.#frozen = false
    if (!holding) this.#complete = Math.max(this.#complete, latest.highest)
    await this.#write(out, { ...news, gone: hold ? undefined : news.gone }, answered)
    if (news.added > 0) await announceAdded(this.#context, this.#events.items, news.added, this.#own)
  }

  /** Of a mailbox of which NOTIFY wants no news: what the command at work has done, and no more. */
  async #announceOwn(out: Output, latest: Snapshot, answered: Answered | undefined): Promise<void> {
    const before = this.#shown
    this.#shown = ownChanges(before, latest, answered, this.#own)
    this.#synced = latest
    this.#frozen = true
    await this.#write(out, difference(before, this.#shown), answered)
  }

  async #write(
    out: Output,
    news: Pick<Announcement, 'gone' | 'changed' | 'added'>,
    answered: Answered | undefined,
  ): Promise<void> {
    const newKeywords = this.#hasNewKeywords(news) ? [...this.keywordNames()] : undefined
    const { enabled, session } = this.#context
    const updates = this.#updates?.active === true ? this.#updates : undefined
    if (news.gone !== undefined) updates?.gone(news.gone)
    await writeAnnouncement(out, {
      ...news,
      snapshot: this.#shown,
      answered,
      newKeywords,
      flags: this.#events.flags,
      permanentFlags: this.readOnly ? undefined : this.permanentFlags(this.keywordNames()),
      vanished: enabled.qresync || enabled.uidOnly,
      // RFC 9051 §7.5.2, RFC 5465 §5.1: what was not asked for has the UID; RFC 7162 §3.1 wants it with MODSEQ too
      how: {
        uid: this.#byUid || enabled.condstore || enabled.rev2 || session.notifier !== undefined,
        modseq: enabled.condstore,
        uidOnly: enabled.uidOnly,
        keywords: this.keywords,
      },
    })
    await updates?.changed(this.#shown, news.changed.uids, news.added)
  }

  /** What was held back was told: from now on the client may count on later changes again. */
  async #tellHighest(out: Output, latest: Snapshot): Promise<void> {
    const { store, enabled } = this.#context
    if (!enabled.qresync) return
    const info = await store.mailbox(this.account, this.mailbox)
    this.#complete = Math.max(this.#complete, Math.min(info?.highestModseq ?? 0, latest.modseq))
    out.text(`* OK [HIGHESTMODSEQ ${this.modseq}] `).line('Nothing is held back')
  }
}
