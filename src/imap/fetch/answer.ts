/** Writes the answers to FETCH, message by message, at the pace of the reader. @module */
import { ConnectionGone } from '#lib/peer-connection.ts'
import { Turns } from '#lib/turns.ts'
import { type UidSet, uidSetHas, uidSetSize } from '#mail/uid-set.ts'
import { SnapshotWalk } from '#services/snapshot-walk.ts'
import { DamagedBody } from '#store/mail-store.ts'
import { type EmailRow, LEAN, UNTRACED } from '#store/types.ts'
import type { Context } from '../command.ts'
import { fetchHead } from '../message-commands.ts'
import type { Output } from '../output.ts'
import { type Content, closeContents, contentsOf, UnknownEncoding } from './contents.ts'
import { keptFields, MessageBytes } from './message-bytes.ts'
import type { FetchPlan, OwnFields } from './plan.ts'
import { ReadRoom } from './read-room.ts'
import { ViewLines, writeViewLines } from './view-lines.ts'

/** What could not be answered. */
export interface FetchFailures {
  /** Messages that the view has and the store has not kept. */
  readonly lost: number
  /** Messages whose bytes are missing or wrong. */
  readonly damaged: number
  /** Messages with a part in an encoding that nobody knows. */
  readonly undecodable: number
}

/** Ranges with fewer UIDs between them are asked for as one: cheaper than a query each. */
const GAP = 16

/** From so many messages on it is worth to read into memory that is used again. */
const MANY = 8

/**
 * Answers for each of the messages, all of them in the view.
 * @param marked Messages that have just become `\Seen`: their flags are told, too.
 */
export async function answerFetch(
  context: Context,
  plan: FetchPlan,
  uids: UidSet,
  marked: UidSet,
): Promise<FetchFailures> {
  if (plan.rowItems.length === 0 && plan.bytesItems.length === 0) {
    const { view, out, enabled } = context
    await writeViewLines(out, view.shown, uids, new ViewLines(plan, view.keywords, enabled.uidOnly))
    return { lost: 0, damaged: 0, undecodable: 0 }
  }
  const { store, view, out, signal } = context
  const { account } = view
  const turns = new Turns()
  const walk = new SnapshotWalk(view.shown, uids)
  using room = new ReadRoom(out)
  const many = uidSetSize(uids) >= MANY
  const withBodies = plan.bytesItems.length > 0 && plan.ownFields === undefined
  let found = 0
  let damaged = 0
  let undecodable = 0
  for await (const rows of store.emails(account, view.mailbox, joined(uids), plan.fields)) {
    for (const row of rows) {
      if (!walk.goTo(row.uid)) continue
      found += 1
      const alsoMarked = marked.length > 0 && uidSetHas(marked, row.uid)
      try {
        if (plan.bytesItems.length === 0) writeRow(out, walk, plan, row, alsoMarked, context)
        else if (
          plan.ownFields === undefined ||
          !writeOwnFields(out, walk, plan, plan.ownFields, row, alsoMarked, context)
        ) {
          const whole = (plan.fields & LEAN) === 0 ? row : await wholeRow(context, plan, row)
          const message = new MessageBytes(whole, () => store.body(account, whole.place), many ? room : undefined)
          const contents = contentsOf(plan.bytesItems, message)
          const ready = contents instanceof Promise ? await contents : contents
          const writing = writeWithBytes(out, headOf(walk, plan, alsoMarked, context), plan, whole, ready)
          if (writing !== undefined) await writing
        }
      } catch (error) {
        if (out.midLine || signal.aborted) throw error
        if (error instanceof DamagedBody) {
          damaged += 1
          context.session.deps.log.error(
            { connection: context.id, account: account.id, mailbox: view.mailbox, uid: row.uid, err: error },
            'A message cannot be read',
          )
        } else if (error instanceof UnknownEncoding) undecodable += 1
        else throw error
      }
      if (out.due) {
        await out.flush()
        room.turnOver()
      }
      if (withBodies ? turns.overNow : turns.over) await turns.share()
    }
    if (signal.aborted) throw new ConnectionGone('The connection is gone')
  }
  return { lost: uidSetSize(uids) - found, damaged, undecodable }
}

/** `* n FETCH (UID … FLAGS (…) MODSEQ (…) `, up to what comes from the row. */
function headOf(walk: SnapshotWalk, plan: FetchPlan, marked: boolean, { view, enabled }: Context): string {
  // A change of flags is told with UID and MODSEQ to those who count (RFC 7162 §3.2.4).
  const counts = marked && enabled.condstore
  let head = fetchHead(walk, enabled.uidOnly)
  if (plan.uid || (counts && !enabled.uidOnly)) head += `UID ${walk.uid} `
  if (plan.flags || marked) head += `FLAGS (${view.keywords.text(walk.flags)}) `
  if (plan.modseq || counts) head += `MODSEQ (${walk.modseq}) `
  return head
}

/** The same, written at once. */
function writeHead(
  out: Output,
  walk: SnapshotWalk,
  plan: FetchPlan,
  marked: boolean,
  { view, enabled }: Context,
): void {
  const counts = marked && enabled.condstore
  if (enabled.uidOnly) out.raw(STAR).digits(walk.uid).raw(UIDFETCH)
  else out.raw(STAR).digits(walk.number).raw(FETCH)
  if (plan.uid || (counts && !enabled.uidOnly)) out.raw(UID).digits(walk.uid).raw(SPACE)
  if (plan.flags || marked) out.raw(FLAGS).ascii(view.keywords.text(walk.flags)).raw(CLOSED)
  if (plan.modseq || counts) out.raw(MODSEQ).digits(walk.modseq).raw(CLOSED)
}

const STAR: Uint8Array = Buffer.from('* ')
const FETCH: Uint8Array = Buffer.from(' FETCH (')
const UIDFETCH: Uint8Array = Buffer.from(' UIDFETCH (')
const UID: Uint8Array = Buffer.from('UID ')
const FLAGS: Uint8Array = Buffer.from('FLAGS (')
const MODSEQ: Uint8Array = Buffer.from('MODSEQ (')
const SPACE: Uint8Array = Buffer.from(' ')
const CLOSED: Uint8Array = Buffer.from(') ')
const END: Uint8Array = Buffer.from(')\r\n')
const EMPTY: Uint8Array = Buffer.from('""')
const OPEN: Uint8Array = Buffer.from('{')
const LITERAL: Uint8Array = Buffer.from('}\r\n')

function writeRow(
  out: Output,
  walk: SnapshotWalk,
  plan: FetchPlan,
  row: EmailRow,
  marked: boolean,
  context: Context,
): void {
  writeHead(out, walk, plan, marked, context)
  writeRowItems(out, plan, row)
  out.raw(END)
}

/** Each with a space behind it but the last. */
function writeRowItems(out: Output, { rowItems }: FetchPlan, row: EmailRow): void {
  for (let index = 0; index < rowItems.length; index += 1) {
    const item = rowItems[index]
    if (index > 0) out.raw(SPACE)
    item?.write(out.raw(item.label), row)
  }
}

/** @returns whether the header kept beside the message has the answer; else nothing is written. */
function writeOwnFields(
  out: Output,
  walk: SnapshotWalk,
  plan: FetchPlan,
  own: readonly OwnFields[],
  row: EmailRow,
  marked: boolean,
  context: Context,
): boolean {
  const { fields } = row
  if (fields === undefined || own.some((each) => keptFields(row, each) === undefined)) return false
  writeHead(out, walk, plan, marked, context)
  writeRowItems(out, plan, row)
  for (let index = 0; index < own.length; index += 1) {
    const each = own[index]
    const header = each === undefined ? undefined : keptFields(row, each)
    if (each === undefined || header === undefined) continue
    if (index > 0 || plan.rowItems.length > 0) out.raw(SPACE)
    const { chooser } = each
    const octets = chooser.choose(header, fields)
    out.raw(each.label)
    if (octets === 0) out.raw(EMPTY)
    else out.raw(OPEN).digits(octets).raw(LITERAL)
    for (let run = 0; run < chooser.runs; run += 1) out.part(header, chooser.start(run), chooser.end(run))
  }
  out.raw(END)
  return true
}

/** Of a message whose header is too long to be kept whole, or has its fields in the trace. */
async function wholeRow({ store, view }: Context, { fields }: FetchPlan, { uid }: EmailRow): Promise<EmailRow> {
  for await (const rows of store.emails(view.account, view.mailbox, [[uid, uid]], fields & ~(LEAN | UNTRACED)))
    for (const row of rows) return row
  throw new DamagedBody(`The row of message ${uid} is gone`)
}

/** Waits only where something is too large to be written at once. */
function writeWithBytes(
  out: Output,
  head: string,
  { rowItems, bytesItems }: FetchPlan,
  row: EmailRow,
  contents: readonly Content[],
): Promise<void> | undefined {
  let before = head
  for (const item of rowItems) {
    item.write(out.text(`${before}${item.name} `), row)
    before = ' '
  }
  for (const [index, content] of contents.entries()) {
    out.text(`${before}${bytesItems[index]?.label} `)
    before = ' '
    if (content.kind === 'stream') return writeStreams(out, bytesItems, contents, index)
    writeContent(out, content)
  }
  out.text(')\r\n')
  return undefined
}

/** Goes on from the content at `from`, whose label is written. */
async function writeStreams(
  out: Output,
  items: FetchPlan['bytesItems'],
  contents: readonly Content[],
  from: number,
): Promise<void> {
  try {
    for (const [index, content] of contents.entries()) {
      if (index < from) continue
      if (index > from) out.text(` ${items[index]?.label} `)
      if (content.kind === 'stream') await writeStream(out, content)
      else writeContent(out, content)
    }
    out.text(')\r\n')
  } finally {
    await closeContents(contents)
  }
}

function writeContent(out: Output, content: Exclude<Content, { readonly kind: 'stream' }>): void {
  switch (content.kind) {
    case 'nil':
      out.text('NIL')
      return
    case 'number':
      out.text(String(content.number))
      return
    case 'bytes':
      if (content.size === 0) {
        out.text('""')
        return
      }
      out.literalHeader(content.size, content.binary)
      for (const chunk of content.chunks) out.raw(chunk)
  }
}

async function writeStream(out: Output, content: Extract<Content, { readonly kind: 'stream' }>): Promise<void> {
  out.literalHeader(content.size, content.binary)
  const turns = new Turns()
  let left = content.size
  for await (const chunk of content.bytes) {
    left -= chunk.length
    out.raw(chunk)
    if (out.due) await out.flush()
    if (turns.overNow) await turns.share()
  }
  if (left !== 0) throw new Error(`A body has ${left} octets less than it should`)
}

/** The set with small gaps closed; what is in the gaps is passed over. */
function joined(uids: UidSet): UidSet {
  if (uids.length < 8) return uids
  const sets: [UidSet[number][0], UidSet[number][1]][] = []
  for (const [first, last] of uids) {
    const previous = sets.at(-1)
    if (previous !== undefined && first - previous[1] <= GAP) previous[1] = last
    else sets.push([first, last])
  }
  return sets
}
