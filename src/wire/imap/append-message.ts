/** One message of APPEND (RFC 9051 §6.3.12, RFC 3502, RFC 6855 §4). @module */
import type { DateTime } from './date-time.ts'
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'
import type { FrameLiteral } from './frame.ts'

export interface AppendMessage {
  readonly flags: readonly string[]
  readonly date: DateTime | undefined
  /** Given as `UTF8 (~{…}` (RFC 6855 §4). */
  readonly utf8: boolean
  readonly literal: FrameLiteral
}

/** One message from its leading space up to and with its literal. */
export function readAppendMessage(r: ElementReader): AppendMessage {
  // append-message = [SP flag-list] [SP date-time] SP append-data (RFC 4466 §6, RFC 3502 §6.3.11)
  r.sp()
  let flags: readonly string[] = []
  if (r.peek() === '(') {
    flags = r.flagList()
    r.sp()
  }
  let date: DateTime | undefined
  if (r.peek() === '"') {
    date = r.dateTime()
    r.sp()
  }
  // append-data =/ "UTF8" SP "(" literal8 ")" (RFC 6855 §4)
  const utf8 = r.skip('UTF8')
  if (utf8) r.sp().expect('(')
  const start = r.position
  const literal = r.literal()
  if (utf8 && !literal.binary) r.fault('literal8 is expected after UTF8', start)
  return { flags, date, utf8, literal }
}

/** What must follow the literal of that message; true when another message follows, false at the end. */
export function readAppendMore(r: ElementReader, message: AppendMessage): boolean {
  if (message.utf8) r.expect(')')
  if (r.atEnd) return false
  if (r.peek() !== ' ') r.fault('A space or the end is expected')
  return !r.onlySpacesLeft
}

/** What stands before the literal of one message, with the leading space. */
export function writeAppendHead(w: ElementWriter, message: Omit<AppendMessage, 'literal'>): void {
  if (message.flags.length > 0) w.sp().flagList(message.flags)
  if (message.date !== undefined) w.sp().dateTime(message.date)
  w.text(message.utf8 ? ' UTF8 (' : ' ')
}

/** The message with its literal, which must be kept. */
export function writeAppendMessage(w: ElementWriter, message: AppendMessage): void {
  writeAppendHead(w, message)
  w.literal(message.literal.bytes ?? new Uint8Array(), message.literal.binary)
  if (message.utf8) w.text(')')
}
