/** Mailbox names as clients give them, made the one form in which mailboxes are kept. @module */
import type { CommandReader } from '#wire/imap/reader.ts'
import { canonicalName } from './other-names.ts'

/** A name, and what the client called it where that is not the same (RFC 9051 §6.3.9.7 OLDNAME). */
export interface GivenName {
  readonly name: string
  readonly oldName: string | undefined
}

/** Net-Unicode (RFC 9051 §5.1) with INBOX in capitals. */
export function netUnicode(name: string): string {
  return canonicalName(name.normalize('NFC'))
}

/** Reads a mailbox name. */
export function readMailbox(r: CommandReader): string {
  return netUnicode(r.mailbox())
}

/** Reads a mailbox name and keeps what the client wrote where it was another spelling. */
export function readGivenName(r: CommandReader): GivenName {
  const given = r.mailbox()
  const name = netUnicode(given)
  return { name, oldName: name === given ? undefined : given }
}
