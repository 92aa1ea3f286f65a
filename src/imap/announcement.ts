/** What a view tells its client of changes, in the order of RFC 9051 §7.5 and RFC 7162 §3.2.10. @module */
import { Turns } from '#lib/turns.ts'
import { formatUidSet, normaliseUidSet, type UidSet, uidSetHas, uidSetOf } from '#mail/uid-set.ts'
import type { AccountKeywords } from '#services/account-keywords.ts'
import type { Snapshot } from '#services/snapshot.ts'
import type { Difference } from '#services/snapshot-difference.ts'
import { SnapshotWalk } from '#services/snapshot-walk.ts'
import { type PackedFlags, SYSTEM_FLAG_NAMES } from '#store/flags.ts'
import { fetchHead } from './message-commands.ts'
import type { Output } from './output.ts'
import type { BelievedFlags } from './silent-store.ts'

/** How FETCH lines of flags look. */
export interface FlagLines {
  readonly uid: boolean
  readonly modseq: boolean
  /** UIDFETCH. */
  readonly uidOnly: boolean
  readonly keywords: AccountKeywords
}

/** What the command at work did to flags. */
export type Answered =
  | {
      readonly kind: 'store'
      /** Named by the command and stored. */
      readonly uids: UidSet
      /** What the client of a silent STORE believes; `undefined` where it wants to be told. */
      readonly believed: BelievedFlags | undefined
      /** UNCHANGEDSINCE: it must hear the MODSEQ of each message (RFC 7162 §3.1.3). */
      readonly conditional: boolean
      /** Refused by UNCHANGEDSINCE: told in full, so that it can try again. */
      readonly modified: UidSet
    }
  /** FETCH says the flags of these itself. */
  | { readonly kind: 'fetch'; readonly uids: UidSet }

/** Everything about one announcement. */
export interface Announcement extends Pick<Difference, 'changed' | 'added'> {
  /** `undefined` while held back. */
  readonly gone: Difference['gone'] | undefined
  /** What the client knows afterwards. */
  readonly snapshot: Snapshot
  readonly answered: Answered | undefined
  /** All keywords, where there are new ones. */
  readonly newKeywords: Iterable<string> | undefined
  /** Flags that others changed are told (RFC 5465 §5.1: FlagChange). */
  readonly flags: boolean
  /** As PERMANENTFLAGS lists them; `undefined`: none. */
  readonly permanentFlags: string | undefined
  /** VANISHED instead of EXPUNGE. */
  readonly vanished: boolean
  readonly how: FlagLines
}

/** Writes it: what went, how many there are, new keywords, flags. */
export async function writeAnnouncement(out: Output, news: Announcement): Promise<void> {
  if (news.gone !== undefined) await writeGone(out, news.gone, news.vanished)
  if (news.added > 0) out.text(`* ${news.snapshot.size} EXISTS\r\n`)
  if (news.newKeywords !== undefined) writeKeywords(out, news.newKeywords, news)
  await writeChanged(out, news)
}

async function writeGone(out: Output, gone: Difference['gone'], vanished: boolean): Promise<void> {
  if (gone.uids.length === 0) return
  if (vanished) {
    out.text(`* VANISHED ${formatUidSet(uidSetOf(gone.uids))}\r\n`)
    return
  }
  // From the last one on, so that the numbers are those that the client has.
  for (let at = gone.numbers.length - 1; at >= 0; at -= 1) {
    out.text(`* ${gone.numbers[at]} EXPUNGE\r\n`)
    if (out.due) await out.flush()
  }
}

function writeKeywords(out: Output, keywords: Iterable<string>, { permanentFlags }: Announcement): void {
  const flags = [...SYSTEM_FLAG_NAMES, ...keywords].join(' ')
  out.text(`* FLAGS (${flags})\r\n`)
  if (permanentFlags !== undefined)
    out.text(`* OK [PERMANENTFLAGS (${permanentFlags})] `).line('New keywords are welcome')
}

async function writeChanged(out: Output, { snapshot, changed, answered, flags, how }: Announcement): Promise<void> {
  const told = answered === undefined ? [] : toTell(answered)
  if (changed.uids.length === 0 && told.length === 0) return
  const turns = new Turns()
  let at = 0
  for (const walk = new SnapshotWalk(snapshot, union(uidSetOf(changed.uids), told)); walk.next(); ) {
    while ((changed.uids[at] ?? Number.POSITIVE_INFINITY) < walk.uid) at += 1
    const before = changed.uids[at] === walk.uid ? ((changed.flagsBefore[at] ?? 0) as PackedFlags) : undefined
    if (!flags && (answered === undefined || !isAbout(answered, walk.uid))) continue
    const line = lineFor(walk, before, answered)
    if (line === 'flags') writeFlags(out, walk, how)
    else if (line === 'modseq' && how.modseq)
      out.text(`${fetchHead(walk, how.uidOnly)}${how.uidOnly ? '' : `UID ${walk.uid} `}MODSEQ (${walk.modseq}))\r\n`)
    if (out.due) await out.flush()
    if (turns.over) await turns.share()
  }
}

/** Messages that are told of even where nothing changed. */
function toTell(answered: Answered): UidSet {
  if (answered.kind === 'fetch') return []
  if (answered.believed !== undefined && !answered.conditional) return answered.modified
  return union(answered.uids, answered.modified)
}

/** @param before Flags that the client knew, `undefined` where nothing changed. */
function lineFor(
  { uid, flags }: SnapshotWalk,
  before: PackedFlags | undefined,
  answered: Answered | undefined,
): 'flags' | 'modseq' | 'nothing' {
  const same = before === undefined ? 'nothing' : 'modseq'
  if (answered === undefined || !isAbout(answered, uid))
    return before === undefined || before === flags ? same : 'flags'
  if (answered.kind === 'fetch') return 'nothing'
  if (uidSetHas(answered.modified, uid) || answered.believed === undefined) return 'flags'
  if (!answered.believed.matches(before ?? flags, flags)) return 'flags'
  return answered.conditional ? 'modseq' : same
}

function isAbout(answered: Answered, uid: number): boolean {
  return uidSetHas(answered.uids, uid) || (answered.kind === 'store' && uidSetHas(answered.modified, uid))
}

/** Writes `* n FETCH (UID … FLAGS (…) MODSEQ (…))` for the message that the walk is at. */
export function writeFlags(out: Output, walk: SnapshotWalk, how: FlagLines): void {
  const { uid, flags, modseq } = walk
  out.text(
    `${fetchHead(walk, how.uidOnly)}${how.uid && !how.uidOnly ? `UID ${uid} ` : ''}FLAGS (${how.keywords.text(flags)})${how.modseq ? ` MODSEQ (${modseq})` : ''})\r\n`,
  )
}

function union(a: UidSet, b: UidSet): UidSet {
  if (a.length === 0) return b
  return b.length === 0 ? a : normaliseUidSet([...a, ...b])
}
