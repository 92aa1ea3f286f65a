/** What a message is known by on both protocols of a server: its header, without what the server adds to it. @module */
import { createHash } from 'node:crypto'
import { headerFields } from '#mail/headers.ts'

/** Fields that servers keep their own notes in, so that POP3 and IMAP may show them differently or not at all. */
const NOTES: ReadonlySet<string> = new Set([
  'content-length',
  'lines',
  'status',
  'x-evolution',
  'x-imap',
  'x-imapbase',
  'x-keywords',
  'x-mozilla-keys',
  'x-mozilla-status',
  'x-mozilla-status2',
  'x-status',
  'x-uid',
  'x-uidl',
])

export interface HeaderMark {
  /** The same where the headers are. */
  readonly hash: string
  /** As some servers write it into the message. */
  readonly uidl: string | undefined
}

/** @param header May go on behind the blank line. Line ends and white space at the end of lines do not count. */
export function markOfHeader(header: Uint8Array): HeaderMark {
  const text = Buffer.from(header.buffer, header.byteOffset, header.byteLength).toString('latin1')
  const hash = createHash('sha256')
  let uidl: string | undefined
  for (const { lowerName, rawValue } of headerFields(text)) {
    if (lowerName === 'x-uidl') uidl ??= rawValue.trim()
    if (NOTES.has(lowerName)) continue
    hash.update(`${lowerName}:${rawValue.replace(/[ \t\r]*\n/g, '\n').trim()}\n`, 'latin1')
  }
  return { hash: hash.digest('base64'), uidl }
}
