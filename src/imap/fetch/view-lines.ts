/**
 * Answers to FETCH of what the view has: UID, FLAGS and MODSEQ. Who opens a mailbox asks this of every message in it, so
 * it is one loop that writes bytes; as strings it took twice as long, and four times when it ran for the first time.
 * @module
 */
import { Turns } from '#lib/turns.ts'
import { type UidSet, uidSetSize } from '#mail/uid-set.ts'
import type { AccountKeywords } from '#services/account-keywords.ts'
import type { Snapshot } from '#services/snapshot.ts'
import { type Run, runsWithin } from '#services/snapshot-sets.ts'
import type { PackedFlags } from '#store/flags.ts'
import { putDigits } from '#wire/imap/digits.ts'
import type { Output } from '../output.ts'
import type { FetchPlan } from './plan.ts'

/** Octets of a line but for its flags: three numbers and the words between. */
const LONGEST_FRAME = 96
const USUAL_LINE = 48
/** Lines are written into memory of this size, then sent. */
const MOST_ROOM = 65_536
const STAR = 42
const SPACE = 32
const END_OF_MODSEQ: Uint8Array = Buffer.from('))\r\n')

/** What the lines of one answer look like. */
export class ViewLines {
  readonly uid: boolean
  readonly modseq: boolean
  readonly uidOnly: boolean
  /** Between the first number and the next. */
  readonly head: Uint8Array
  readonly #flags: boolean
  readonly #keywords: AccountKeywords
  readonly #tails = new Map<PackedFlags, Uint8Array>()

  constructor(
    { uid, flags, modseq }: Pick<FetchPlan, 'uid' | 'flags' | 'modseq'>,
    keywords: AccountKeywords,
    uidOnly: boolean,
  ) {
    this.uid = uid
    this.modseq = modseq
    this.uidOnly = uidOnly
    this.#flags = flags
    this.#keywords = keywords
    this.head = Buffer.from(`${uidOnly ? ' UIDFETCH' : ' FETCH'} (${uid ? 'UID ' : ''}`)
  }

  /** What comes behind the UID, up to the MODSEQ or the end of the line. */
  tail(flags: PackedFlags): Uint8Array {
    let tail = this.#tails.get(flags)
    if (tail === undefined) {
      const items = this.#flags ? [`FLAGS (${this.#keywords.text(flags)})`] : []
      if (this.modseq) items.push('MODSEQ (')
      const space = this.uid && items.length > 0 ? ' ' : ''
      tail = Buffer.from(`${space}${items.join(' ')}${this.modseq ? '' : ')\r\n'}`, 'latin1')
      this.#tails.set(flags, tail)
    }
    return tail
  }
}

/** Writes a line for each message of the set that the snapshot has, at the pace of the reader. */
export async function writeViewLines(out: Output, snapshot: Snapshot, uids: UidSet, lines: ViewLines): Promise<void> {
  const turns = new Turns()
  let left = uidSetSize(uids)
  let room = new Room(left)
  for (const run of runsWithin(snapshot, uids)) {
    for (let at = run.from; at < run.to; ) {
      const next = writeRun(room, lines, run, at)
      left -= next - at
      at = next
      if (at < run.to) {
        out.raw(room.written)
        await out.flush()
        // What the system has taken may be written over: fresh memory costs more than the lines.
        if (!out.allOut || room.isSmall) room = new Room(left)
        room.to = 0
      }
      if (turns.overNow) await turns.share()
    }
  }
  out.raw(room.written)
}

/** Memory that lines are written into. */
class Room {
  bytes: Uint8Array
  to = 0

  constructor(messages: number) {
    this.bytes = Buffer.allocUnsafe(Math.min(LONGEST_FRAME + messages * USUAL_LINE, MOST_ROOM))
  }

  get isSmall(): boolean {
    return this.bytes.length < MOST_ROOM
  }

  get written(): Uint8Array {
    return this.bytes.subarray(0, this.to)
  }
}

/** Writes as many lines as there is room for, at least one into an empty room. @returns where to go on. */
function writeRun(room: Room, lines: ViewLines, { page, before, to: end }: Run, from: number): number {
  const { uids, flags, modseqs } = page
  const { uid: withUid, modseq: withModseq, uidOnly, head } = lines
  let { bytes, to } = room
  let known = -1
  let tail = head
  let at = from
  for (; at < end; at += 1) {
    const packed = flags[at] ?? 0
    if (packed !== known) {
      known = packed
      tail = lines.tail(packed as PackedFlags)
    }
    if (bytes.length - to < LONGEST_FRAME + tail.length) {
      if (to > 0) break
      bytes = room.bytes = Buffer.allocUnsafe(LONGEST_FRAME + tail.length)
    }
    const uid = uids[at] ?? 0
    to = putFrame(bytes, to, uidOnly ? uid : before + at + 1, head)
    if (withUid) to = putDigits(bytes, to, uid)
    to = putBytes(bytes, to, tail)
    if (withModseq) to = putBytes(bytes, putDigits(bytes, to, modseqs[at] ?? 0), END_OF_MODSEQ)
  }
  room.to = to
  return at
}

// Each of these puts something into the bytes at a place and says where it ends. They are functions of their own because the
// engine compiles what is called often sooner and better than what only loops.

function putFrame(into: Uint8Array, at: number, number: number, head: Uint8Array): number {
  into[at] = STAR
  into[at + 1] = SPACE
  return putBytes(into, putDigits(into, at + 2, number), head)
}

function putBytes(into: Uint8Array, at: number, bytes: Uint8Array): number {
  const { length } = bytes
  for (let index = 0; index < length; index += 1) into[at + index] = bytes[index] ?? 0
  return at + length
}
