/** One message on its way out: this recipient's trace lines, then the body (design §4, §7). @module */
import { ConnectionGone } from '#lib/peer-connection.ts'
import type { MessageNumber } from '#mail/ids.ts'
import { DamagedBody, type StoredBody } from '#store/mail-store.ts'
import type { EmailRow } from '#store/types.ts'
import { DotStuffer } from '#wire/pop3/dot-stuffing.ts'
import { ANSWERED, type Answer, type Context, err } from './command.ts'
import { TOP_READ_BYTES, WHOLE_BODY_BYTES } from './limits.ts'
import { type Start, surrogate } from './surrogate.ts'
import { TopCutter } from './top-cutter.ts'
import { words } from './words.ts'

const EMPTY = new Uint8Array(0)
/** `+OK 18014398509481984 octets` at most, with its end. */
const FIRST_LINE_OCTETS = 32
/** A line end where the message has none, and the dot. */
const END_OCTETS = 5

interface OpenMessage {
  readonly trace: Uint8Array
  readonly body: StoredBody
}

function open(row: EmailRow, { store, maildrop }: Context): OpenMessage {
  return { trace: row.trace, body: store.body(maildrop.account, row.place) }
}

/** Sends a whole message (RETR); most are sent at once. */
export function sendMessage(message: MessageNumber, context: Context): Answer | Promise<Answer> {
  const row = context.rows.row(message)
  return row instanceof Promise
    ? row.then((late) => sendWhole(message, late, context))
    : sendWhole(message, row, context)
}

function sendWhole(message: MessageNumber, row: EmailRow | undefined, context: Context): Answer | Promise<Answer> {
  if (row === undefined) return gone()
  const found = open(row, context)
  if (found.body.size <= WHOLE_BODY_BYTES) return sendAtOnce(message, found, context)
  return send(message, found, context, {
    first: (grown) => firstLine(found, grown),
    pieces: found.body.stream(0, found.body.size),
    cut: undefined,
  })
}

function firstLine({ trace, body }: OpenMessage, grown: number): string {
  return `+OK ${trace.length + body.size + grown} octets\r\n`
}

/** What {@link send} does, of a body that is one piece: most are. */
function sendAtOnce(message: MessageNumber, found: OpenMessage, context: Context): Answer | Promise<Answer> {
  const { trace, body } = found
  const before = FIRST_LINE_OCTETS + trace.length
  let room: Buffer | undefined
  let read: Uint8Array | Promise<Uint8Array>
  try {
    read = body.read(0, body.size, (octets) => {
      room = context.connection.room(before + octets + END_OCTETS)
      return room.subarray(before, before + octets)
    })
  } catch (error) {
    return unreadable(message, context, error)
  }
  if (read instanceof Uint8Array) return sendPiece(read, room, found, context)
  return read.then(
    (piece) => sendPiece(piece, room, found, context),
    (error: unknown) => unreadable(message, context, error),
  )
}

/** @param room Where the piece may lie, with space before and behind it for all that goes around it. */
function sendPiece(piece: Uint8Array, room: Buffer | undefined, found: OpenMessage, context: Context): Answer {
  const { trace } = found
  const { connection } = context
  const start = context.utf8 ? { trace, piece } : surrogate(trace, piece, true)
  if (start === undefined) return needsUtf8()
  const stuffer = new DotStuffer()
  const first = firstLine(found, start.trace.length + start.piece.length - trace.length - piece.length)
  const head = stuffer.push(start.trace)
  const body = stuffer.push(start.piece)
  const end = stuffer.end()
  // Neither a surrogate nor dots have made other bytes of it: then it is one piece, and nothing is copied.
  const at = room !== undefined && body.buffer === room.buffer ? body.byteOffset - room.byteOffset : -1
  const from = at - head.length - first.length
  if (room === undefined || from < 0) {
    connection.writeText(first)
    connection.write(head)
    connection.write(body)
    connection.write(end)
    return ANSWERED
  }
  room.write(first, from, 'latin1')
  room.set(head, at - head.length)
  room.set(end, at + body.length)
  connection.write(room.subarray(from, at + body.length + end.length))
  return ANSWERED
}

/** Sends the header and so many lines of the body (TOP); reads no more than that. */
export async function sendTop(message: MessageNumber, lines: number, context: Context): Promise<Answer> {
  const row = await context.rows.row(message)
  if (row === undefined) return gone()
  const found = open(row, context)
  return send(message, found, context, {
    first: () => `+OK ${context.say(words('Top of the message', 'Début du message'))}\r\n`,
    pieces: inSteps(found.body),
    cut: new TopCutter(lines),
  })
}

function gone(): Answer {
  return err(words('That message is no longer there', 'Ce message n’est plus là'))
}

/** What cannot be read at all is refused before anything is said. */
function unreadable(message: MessageNumber, { log, id, maildrop }: Context, error: unknown): Answer {
  if (!(error instanceof DamagedBody)) throw error
  log.error({ connection: id, uid: maildrop.uid(message), err: error }, 'Cannot read a message')
  return err(words('That message is damaged in the store', 'Ce message est endommagé dans le dépôt'), 'SYS/PERM')
}

interface Outgoing {
  /** @param grown Octets that a surrogate has more. */
  readonly first: (grown: number) => string
  /** The body. */
  readonly pieces: Iterable<Uint8Array | Promise<Uint8Array>> | AsyncIterable<Uint8Array>
  readonly cut: TopCutter | undefined
}

async function send(
  message: MessageNumber,
  found: OpenMessage,
  context: Context,
  { first, pieces, cut }: Outgoing,
): Promise<Answer> {
  const { connection } = context
  const stuffer = new DotStuffer()
  let begun = false
  const begin = ({ trace, piece }: Start, before: number): Uint8Array => {
    begun = true
    connection.writeText(first(trace.length + piece.length - found.trace.length - before))
    connection.write(stuffer.push(cut?.push(trace) ?? trace))
    return piece
  }
  try {
    // What cannot be read at all is refused in time: nothing is said before the first piece is there.
    for await (const read of pieces) {
      let piece = read
      if (!begun) {
        const start = context.utf8
          ? { trace: found.trace, piece }
          : surrogate(found.trace, piece, piece.length === found.body.size)
        if (start === undefined) return needsUtf8()
        piece = begin(start, piece.length)
      }
      if (cut?.done === true) break
      connection.write(stuffer.push(cut?.push(piece) ?? piece))
      if (connection.due) await connection.flush()
    }
    if (!begun) {
      const start = context.utf8 ? undefined : surrogate(found.trace, EMPTY, true)
      begin(start ?? { trace: found.trace, piece: EMPTY }, 0)
    }
  } catch (error) {
    if (!begun) return unreadable(message, context, error)
    if (error instanceof ConnectionGone) throw error
    const { log, id, maildrop } = context
    log.error({ connection: id, uid: maildrop.uid(message), err: error }, 'A message broke off on its way out')
    // Half a message must not look like a whole one, nor must anything be said in the middle of it.
    const why = 'A message could not be read to its end'
    connection.destroy(why)
    throw new ConnectionGone(why, { cause: error })
  }
  connection.write(stuffer.end())
  return ANSWERED
}

/** RFC 6856 §5 */
function needsUtf8(): Answer {
  return err(words('That message wants a client with UTF8', 'Ce message demande un client avec UTF8'), 'UTF8')
}

function* inSteps(body: StoredBody): Generator<Uint8Array | Promise<Uint8Array>> {
  for (let at = 0; at < body.size; at += TOP_READ_BYTES) yield body.read(at, Math.min(at + TOP_READ_BYTES, body.size))
}

/** `1 message (320 octets)`. */
export function dropText(messages: number, octets: number): string {
  return `${messages} ${messages === 1 ? 'message' : 'messages'} (${octets} octets)`
}

/** Writes a listing of all messages that are not deleted. */
export async function sendListing(
  { connection, maildrop }: Context,
  line: (message: MessageNumber) => string,
): Promise<typeof ANSWERED> {
  connection.writeText(`+OK ${dropText(maildrop.remaining, maildrop.remainingOctets)}\r\n`)
  for (let number = 1; number <= maildrop.count; number += 1) {
    const message = number as MessageNumber
    if (maildrop.refusal(message) === undefined) connection.writeText(`${line(message)}\r\n`)
    if (number % 512 === 0) {
      if (connection.due) await connection.flush()
      await connection.share()
    }
  }
  connection.writeText('.\r\n')
  return ANSWERED
}
