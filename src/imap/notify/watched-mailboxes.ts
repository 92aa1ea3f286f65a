/**
 * Mailboxes that are watched without being selected: what their client knows of each, and what it has yet to hear
 * (RFC 5465 §5). Hints of the store say where to look; what is told comes from the store alone, so that a hundred hints of
 * one mailbox are one STATUS. Commits of an account are announced in their order: a state that holds nothing later than
 * the last hint, and no hint of another session's, is the client's own doing and not told (§5).
 * @module
 */
import type { MailboxKey, Modseq } from '#mail/ids.ts'
import type { AccountRef, Change, MailboxInfo } from '#store/types.ts'
import type { Context } from '../command.ts'
import { NOTIFY_ANNOTATED, NOTIFY_MAILBOXES, NOTIFY_PENDING } from '../limits.ts'
import { attributesOf, writeList } from '../list-response.ts'
import { type MailboxNode, mailboxTree, treeOf } from '../mailbox-tree.ts'
import { isOfOthers } from '../other-names.ts'
import { mailboxesOfOthers, type Reached } from '../resolve.ts'
import {
  ANNOTATIONS,
  FLAGS,
  MESSAGES,
  NAMES,
  type Registration,
  SERVER_ANNOTATIONS,
  SUBSCRIPTIONS,
  type Wanted,
} from './registration.ts'
import { affectedNames, type Named } from './tree-changes.ts'
import { type Place, WatchedAnnotations, writeChangedAnnotations } from './watched-annotations.ts'

/** What the client was told last. */
interface Known extends Named {
  /** Without `r`, only what the name is told for. */
  wanted: Wanted
  readable: boolean
  uidValidity: number
  uidNext: number
  messages: number
  unseen: number
  modseq: number
}

/** Another session had a hand in it. */
const OTHERS = 0

/** See the module. */
export class WatchedMailboxes {
  /** Whose they are. */
  readonly account: AccountRef
  readonly #context: Context
  readonly #registration: Registration
  readonly #known = new Map<MailboxKey, Known>()
  /** Mailboxes to look at, and up to which MODSEQ the client knows of them; {@link OTHERS}: it must hear. */
  readonly #pending = new Map<MailboxKey, number>()
  /** UIDVALIDITY of mailboxes that went: another one in the place of one is news (§5.1). */
  readonly #gone = new Map<string, number>()
  #subscribed: ReadonlySet<string> = new Set()
  /** `undefined` where nobody asks for them. */
  readonly #annotations: WatchedAnnotations | undefined
  /** The tree or annotations changed, by whom. */
  #tree: 'own' | 'others' | undefined
  /** The last MODSEQ announced, by whomever… */
  #heard = 0
  /** …and by others in the mailbox that is selected. */
  #heardInSelected = 0
  #overflow = false
  /** Before it, every hint may be of something that was not read yet. */
  #began = false

  constructor(context: Context, registration: Registration, of: AccountRef) {
    this.account = of
    this.#context = context
    this.#registration = registration
    const ofServer = this.#isOwn ? SERVER_ANNOTATIONS : 0
    const asked = (registration.any & (ANNOTATIONS | ofServer)) !== 0
    this.#annotations = asked ? new WatchedAnnotations(context) : undefined
  }

  /** Whether {@link tell} has something to look at. */
  get pending(): boolean {
    return this.#overflow || this.#tree !== undefined || this.#pending.size > 0
  }

  /**
   * Begins: what the store has now is what the client knows.
   * @param status Says so with STATUS (RFC 5465 §3.1).
   * @returns `false` when these are too many mailboxes.
   */
  async begin(status: boolean): Promise<boolean> {
    const { out } = this.#context
    const nodes = await this.#nodes()
    this.#subscribed = subscribedOf(nodes)
    for (const { name, box, subscribed } of nodes) {
      if (box === undefined) continue
      const { info } = box
      const all = this.#registration.wanted(name, subscribed, this.#isOwn)
      if (!this.#isKept(all)) continue
      if (this.#known.size === NOTIFY_MAILBOXES) return false
      const readable = isReadable(box)
      const wanted = readable ? all : all & OF_NAMES
      this.#known.set(info.key, { name, wanted, readable, ...stateOf(info), unseen: await this.#unseen(info) })
      // In sight and not to be read (RFC 5465 §3.1).
      if (!readable && all !== 0) writeList(out, 'LIST', [NO_ACCESS], name)
      if (!status || (wanted & MESSAGES) === 0 || this.#isSelected(info.key)) continue
      const unseen = await this.#unseen(info)
      const items = [`MESSAGES ${info.messages}`, `UIDNEXT ${info.uidNext}`, `UIDVALIDITY ${info.uidValidity}`]
      if ((wanted & FLAGS) !== 0) items.push(`UNSEEN ${unseen}`, `HIGHESTMODSEQ ${info.highestModseq}`)
      this.#writeStatus(name, items)
      if (out.due) await out.flush()
    }
    this.#began = true
    const places = this.#annotated()
    if (places.length > NOTIFY_ANNOTATED) return false
    await this.#annotations?.changes(places)
    return true
  }

  /** Begins with an owner whose mailboxes the client does not know of: all of them are news (RFC 5465 §5.4). */
  beginWithNothing(): void {
    this.#began = true
    this.#tree = 'others'
  }

  /** The mailboxes in sight: the person's own, or those of somebody else with `l`. */
  async #nodes(): Promise<readonly MailboxNode[]> {
    if (this.#isOwn) return (await mailboxTree(this.#context)).nodes
    const { store, account } = this.#context
    const boxes = (await mailboxesOfOthers(this.#context)).filter((box) => box.account.id === this.account.id)
    const byName = new Map(boxes.map((box) => [box.name, box]))
    const subscribed = (await store.subscriptions(account)).filter((name) => byName.has(name))
    return treeOf(byName, subscribed).nodes
  }

  get #isOwn(): boolean {
    return this.account.id === this.#context.account.id
  }

  #isSelected(mailbox: MailboxKey): boolean {
    const { selected } = this.#context.session
    return selected?.mailbox === mailbox && selected.account.id === this.account.id
  }

  /** For the person, who has `\Seen` of their own where they are not the owner. */
  async #unseen(info: MailboxInfo): Promise<number> {
    const { store, account } = this.#context
    return this.#isOwn ? info.unseen : store.unseen(this.account, info.key, account.id)
  }

  /** Something that mailboxes of others depend on may have changed: subscriptions. */
  look(): void {
    this.#tree ??= 'own'
  }

  /** A hint of the store. */
  hear({ mailbox, modseq, by }: Change): void {
    const own = by === this.#context.actor
    this.#heard = Math.max(this.#heard, modseq)
    if (mailbox === undefined) {
      if (!own) this.#tree = 'others'
      else this.#tree ??= 'own'
      return
    }
    // What is selected is told by its view.
    if (this.#isSelected(mailbox)) {
      if (!own) this.#heardInSelected = modseq
      return
    }
    const known = this.#known.get(mailbox)
    if (
      known !== undefined
        ? known.modseq >= modseq || (known.wanted & MESSAGES) === 0
        : this.#began && this.#tree === undefined
    )
      return
    const before = this.#pending.get(mailbox)
    if (own) this.#set(mailbox, before === OTHERS ? OTHERS : Math.max(before ?? 0, modseq))
    else if (before === undefined || before < modseq) this.#set(mailbox, OTHERS)
  }

  /** The mailbox is no longer selected; what others did up to `told` the client has heard. */
  left(mailbox: MailboxKey, told: Modseq | 0): void {
    if (this.#known.has(mailbox)) this.#set(mailbox, this.#heardInSelected > told ? OTHERS : Math.max(1, told))
    this.#heardInSelected = 0
  }

  #set(mailbox: MailboxKey, modseq: number): void {
    if (this.#pending.size >= NOTIFY_PENDING && !this.#pending.has(mailbox)) {
      this.#overflow = true
      this.#pending.clear()
    } else if (!this.#overflow) this.#pending.set(mailbox, modseq)
  }

  /**
   * Writes what is new.
   * @returns `false` when it is too much (RFC 5465 §5.8).
   */
  async tell(): Promise<boolean> {
    if (this.#overflow) return false
    if (this.#tree !== undefined && !(await this.#tellTree())) return false
    const { out, store } = this.#context
    const { account } = this
    const pending = [...this.#pending]
    this.#pending.clear()
    const all = pending.length > ONE_BY_ONE ? await store.mailboxes(account) : undefined
    const infos = new Map(all?.map((info) => [info.key, info]))
    for (const [key, upTo] of pending) {
      const known = this.#known.get(key)
      if (known === undefined || (known.wanted & MESSAGES) === 0 || this.#isSelected(key)) continue
      const there = all === undefined ? await store.mailbox(account, key) : infos.get(key)
      const info = there === undefined || this.#isOwn ? there : { ...there, unseen: await this.#unseen(there) }
      // A mailbox that went is told with the tree.
      if (info === undefined) continue
      // Nobody else did anything that is in it.
      const silent = upTo !== OTHERS && info.highestModseq <= Math.max(upTo, this.#heard)
      const items = silent ? [] : this.#news(known, info)
      Object.assign(known, stateOf(info))
      if (items.length > 0) this.#writeStatus(known.name, items)
      if (out.due) await out.flush()
    }
    return true
  }

  /** RFC 5465 §5.1 to §5.3. */
  #news(known: Known, info: MailboxInfo): string[] {
    const { condstore } = this.#context.enabled
    const unseen = (known.wanted & FLAGS) !== 0 && info.unseen !== known.unseen ? [`UNSEEN ${info.unseen}`] : []
    const validity = `UIDVALIDITY ${info.uidValidity}`
    const modseq = condstore ? [`HIGHESTMODSEQ ${info.highestModseq}`] : []
    if (info.uidValidity !== known.uidValidity || info.uidNext !== known.uidNext || info.messages !== known.messages)
      return [`MESSAGES ${info.messages}`, `UIDNEXT ${info.uidNext}`, validity, ...unseen, ...modseq]
    if ((known.wanted & FLAGS) === 0 || info.highestModseq <= known.modseq) return []
    // Without CONDSTORE only what UNSEEN counts can be told.
    return condstore || unseen.length > 0 ? [validity, ...unseen, ...modseq] : []
  }

  /** RFC 5465 §5.4, §5.5, §5.9: LIST for every name concerned. */
  async #tellTree(): Promise<boolean> {
    const { store, out } = this.#context
    const by = this.#tree
    this.#tree = undefined
    const nodes = await this.#nodes()
    const state = await store.state(this.account)
    const silent = by === 'own' && (state?.modseq ?? 0) <= this.#heard
    const names = affectedNames(this.#known, nodes)
    const opened = this.#otherAccess(nodes)
    const subscribed = subscribedOf(nodes)
    // Subscriptions are told with the person's own mailboxes.
    const subscriptions = this.#isOwn ? symmetricDifference(this.#subscribed, subscribed) : new Set<string>()
    const was = this.#subscribed
    this.#subscribed = subscribed
    if (!this.#follow(nodes, silent)) return false
    const places = this.#annotated()
    if (places.length > NOTIFY_ANNOTATED) return false
    const annotations = await this.#annotations?.changes(places)
    if (silent) return true
    const all = [...subscriptions].some(isOfOthers) ? (await mailboxTree(this.#context, true)).nodes : nodes
    const byName = new Map(all.map((node) => [node.name, node]))
    const tell: { readonly name: string; readonly oldName: string | undefined }[] = []
    for (const name of new Set([...names.keys(), ...subscriptions, ...opened])) {
      const oldName = names.get(name)
      const before = this.#registration.wanted(oldName ?? name, was.has(oldName ?? name), this.#isOwn)
      const wanted = before | this.#registration.wanted(name, subscribed.has(name), this.#isOwn)
      const bits = (names.has(name) ? NAMES : 0) | (subscriptions.has(name) ? SUBSCRIPTIONS : 0)
      if ((wanted & bits) !== 0 || (wanted !== 0 && opened.has(name))) tell.push({ name, oldName })
    }
    if (tell.length > NOTIFY_PENDING) return false
    for (const { name, oldName } of tell) {
      const node = byName.get(name) ?? { name, box: undefined, subscribed: false, hasChildren: false }
      const attributes = attributesOf(node, { nonExistent: true, subscribed: true })
      if (node.box !== undefined && !isReadable(node.box)) attributes.unshift(NO_ACCESS)
      writeList(out, 'LIST', attributes, name, { oldName })
      if (out.due) await out.flush()
    }
    for (const change of annotations ?? []) writeChangedAnnotations(this.#context, change)
    return true
  }

  /**
   * Names of mailboxes that can be read now and could not, or the reverse (RFC 5465 §5.9). One that lost `l` is gone
   * (§5.4), and no word more is said of it: whoever must not see it is not to learn whether it is there (RFC 4314 §6).
   */
  #otherAccess(nodes: readonly MailboxNode[]): ReadonlySet<string> {
    const names = new Set<string>()
    for (const { name, box } of nodes) {
      const known = box === undefined ? undefined : this.#known.get(box.info.key)
      if (box !== undefined && known !== undefined && known.readable !== isReadable(box)) names.add(name)
    }
    return names
  }

  #annotated(): readonly Place[] {
    if (this.#annotations === undefined) return []
    const { account } = this
    const places: Place[] = []
    if (this.#isOwn && (this.#registration.any & SERVER_ANNOTATIONS) !== 0)
      places.push({ name: '', account, mailbox: undefined })
    for (const [mailbox, { name, wanted }] of this.#known)
      if ((wanted & ANNOTATIONS) !== 0) places.push({ name, account, mailbox })
    return places
  }

  /** Takes over names, and mailboxes that came or went. */
  #follow(nodes: readonly MailboxNode[], silent: boolean): boolean {
    const there = new Set<MailboxKey>()
    for (const { box } of nodes) if (box !== undefined) there.add(box.info.key)
    for (const [key, { name, wanted, uidValidity }] of this.#known)
      if (!there.has(key)) {
        if ((wanted & FLAGS) !== 0 && this.#gone.size < NOTIFY_PENDING) this.#gone.set(name, uidValidity)
        this.#known.delete(key)
        this.#pending.delete(key)
      }
    for (const { name, box, subscribed } of nodes) {
      if (box === undefined) continue
      const { info } = box
      const all = this.#registration.wanted(name, subscribed, this.#isOwn)
      const readable = isReadable(box)
      const wanted = readable ? all : all & OF_NAMES
      const known = this.#known.get(info.key)
      if (!this.#isKept(all)) this.#known.delete(info.key)
      else if (known !== undefined) {
        // What happened while it could not be read is news once it can be.
        if (readable && !known.readable) this.#set(info.key, OTHERS)
        Object.assign(known, { name, wanted, readable })
      } else {
        if (this.#known.size >= NOTIFY_MAILBOXES) return false
        const { uidValidity, highestModseq } = info
        const before = this.#gone.get(name) ?? uidValidity
        this.#gone.delete(name)
        const empty = { uidValidity: before, uidNext: 1, messages: 0, unseen: 0, modseq: highestModseq }
        // What came into it since it was made is news.
        this.#known.set(info.key, { name, wanted, readable, ...(silent ? stateOf(info) : empty) })
        if (!silent && readable && (before !== uidValidity || info.uidNext > 1)) this.#set(info.key, OTHERS)
      }
    }
    return true
  }

  #isKept(wanted: Wanted): boolean {
    return wanted !== 0 || (this.#registration.any & NAMES) !== 0
  }

  #writeStatus(name: string, items: readonly string[]): void {
    this.#context.out
      .text('* STATUS ')
      .mailbox(name)
      .text(` (${items.join(' ')})\r\n`)
  }
}

/** What can be told of a mailbox without reading it. */
const OF_NAMES = NAMES | SUBSCRIPTIONS
/** RFC 5465 §3.1, §5.9 */
const NO_ACCESS = '\\NoAccess'

function isReadable({ rights }: Reached): boolean {
  return rights.includes('r')
}

/** Above this, all mailboxes of the account are read in one go. */
const ONE_BY_ONE = 8

function stateOf(info: MailboxInfo): Omit<Known, 'name' | 'wanted' | 'readable'> {
  const { uidValidity, uidNext, messages, unseen, highestModseq } = info
  return { uidValidity, uidNext, messages, unseen, modseq: highestModseq }
}

function subscribedOf(nodes: readonly MailboxNode[]): ReadonlySet<string> {
  return new Set(nodes.filter((node) => node.subscribed).map((node) => node.name))
}

function symmetricDifference(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...[...a].filter((name) => !b.has(name)), ...[...b].filter((name) => !a.has(name))])
}
