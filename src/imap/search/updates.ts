/**
 * Searches of the selected mailbox whose client hears what comes into their results and what goes: RETURN (UPDATE)
 * (RFC 5267 §4.3). The view tells them what it tells its client; only those messages are looked at again.
 * @module
 */
import type { Uid } from '#mail/ids.ts'
import { formatUidSet, normaliseUidSet, type UidSet, uidSetHas, uidSetOf } from '#mail/uid-set.ts'
import { intersectUidSets, subtractUidSets } from '#mail/uid-set-arithmetic.ts'
import { searchMailbox } from '#services/mailbox-search.ts'
import type { Snapshot } from '#services/snapshot.ts'
import type { Difference } from '#services/snapshot-difference.ts'
import { numbersWithin } from '#services/snapshot-sets.ts'
import type { MessageSet } from '#wire/imap/message-set.ts'
import type { SearchKey } from '#wire/imap/search-program.ts'
import type { By, Context } from '../command.ts'
import { UPDATED_SEARCHES } from '../limits.ts'
import { messageLimit } from '../message-limit.ts'
import { criterionOf } from './criterion.ts'
import { anyKey } from './program.ts'
import { type Searched, selectedMailbox } from './run.ts'

interface Updated {
  readonly by: By
  /** Without message numbers and `$`: these are what they were when the search came (§4.3). */
  readonly keys: readonly SearchKey[]
  /** What the client knows. */
  results: UidSet
}

/** Of one view. */
export class SearchUpdates {
  readonly #context: Context
  readonly #byTag = new Map<string, Updated>()

  constructor(context: Context) {
    this.#context = context
  }

  get active(): boolean {
    return this.#byTag.size > 0
  }

  /** Whether a search of that tag is kept up to date. */
  has(tag: string): boolean {
    return this.#byTag.has(tag)
  }

  /**
   * Keeps the search of the command at work up to date.
   * @returns `false`: refused (§4.3.1), as these are too many, or the passing of time would change the results.
   */
  add(by: By, keys: readonly SearchKey[], results: UidSet, searched: Searched): boolean {
    const { size } = searched.snapshot
    if (this.#byTag.size >= UPDATED_SEARCHES || size > messageLimit(this.#context) || anyKey(keys, isOfNow))
      return false
    this.#byTag.set(this.#context.tag, { by, keys: keys.map((key) => fixed(key, searched)), results })
    return true
  }

  /** @returns `false` when no such search is kept up to date. */
  cancel(tag: string): boolean {
    return this.#byTag.delete(tag)
  }

  /** Before EXPUNGE or VANISHED tells of them: numbers still count (§4.3.4). */
  gone({ uids, numbers }: Difference['gone']): void {
    if (uids.length === 0) return
    for (const [tag, updated] of this.#byTag) {
      const there = updated.results
      const places = [...uids.keys()].filter((at) => uidSetHas(there, uids[at] ?? 0))
      if (places.length === 0) continue
      updated.results = subtractUidSets(there, uidSetOf(uids))
      this.#write(
        tag,
        updated,
        'REMOVEFROM',
        uidSetOf(places.map((at) => (updated.by === 'uid' ? uids : numbers)[at] ?? 0)),
      )
    }
  }

  /** After EXISTS and FETCH told of them (§4.3.3). */
  async changed(shown: Snapshot, changed: Uint32Array, added: number): Promise<void> {
    const first = added === 0 ? undefined : shown.uidAt(shown.size - added + 1)
    const news = first === undefined ? [] : [[first, shown.lastUid] as const]
    const among = normaliseUidSet([...uidSetOf(changed), ...news])
    if (among.length === 0) return
    const { store, searchIndex: index, signal, out } = this.#context
    for (const [tag, updated] of this.#byTag) {
      const { account, mailbox, snapshot, ground } = selectedMailbox(this.#context)
      const criterion = criterionOf(updated.keys, ground)
      const meeting = await searchMailbox({ store, index, account, mailbox, snapshot, criterion, among, signal })
      const before = intersectUidSets(updated.results, among)
      const [lost, won] = [subtractUidSets(before, meeting), subtractUidSets(meeting, before)]
      updated.results = normaliseUidSet([...subtractUidSets(updated.results, lost), ...won])
      const told = (uids: UidSet): UidSet => (updated.by === 'uid' ? uids : numbersWithin(snapshot, uids))
      if (lost.length > 0) this.#write(tag, updated, 'REMOVEFROM', told(lost))
      if (won.length > 0) this.#write(tag, updated, 'ADDTO', told(won))
      if (out.due) await out.flush()
    }
  }

  /** At position 0: the client knows the order of the mailbox. */
  #write(tag: string, { by }: Updated, what: 'ADDTO' | 'REMOVEFROM', set: UidSet): void {
    const { out } = this.#context
    out
      .text('* ESEARCH (TAG ')
      .string(tag)
      .text(`)${by === 'uid' ? ' UID' : ''} ${what} (0 ${formatUidSet(set)})\r\n`)
  }
}

/** RFC 5032: what it finds is another thing a second later. */
function isOfNow({ kind }: SearchKey): boolean {
  return kind === 'OLDER' || kind === 'YOUNGER'
}

function fixed(key: SearchKey, searched: Searched): SearchKey {
  const inner = (one: SearchKey): SearchKey => fixed(one, searched)
  switch (key.kind) {
    case 'SET':
      return { kind: 'UID', set: setOf(searched.ground.uidsOf(key.set, 'number')) }
    case 'UID':
      return key.set === '$' ? { kind: 'UID', set: setOf(searched.ground.uidsOf('$', 'uid')) } : key
    case 'NOT':
    case 'FUZZY':
      return { kind: key.kind, key: inner(key.key) }
    case 'OR':
      return { kind: 'OR', left: inner(key.left), right: inner(key.right) }
    case 'AND':
      return { kind: 'AND', keys: key.keys.map(inner) }
    default:
      return key
  }
}

function setOf(uids: UidSet): MessageSet {
  return uids.map(([first, last]): readonly [Uid, Uid] => [first, last])
}
