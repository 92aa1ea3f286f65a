/** What a message of the INBOX is recorded as: its UID over IMAP, its id over POP3, or both. @module */
import { createHash } from 'node:crypto'

export interface InboxKey {
  /** `undefined`: it was seen over POP3 alone. */
  readonly uid: number | undefined
  /** See `DropEntry`; `undefined`: it was seen over IMAP alone. */
  readonly id: string | undefined
}

/** @example formatInboxKey({ uid: 12, id: 'abc' }) // '12 abc' */
export function formatInboxKey({ uid, id }: InboxKey): string {
  return `${uid ?? ''}${id === undefined ? '' : ` ${id}`}`
}

export function parseInboxKey(key: string): InboxKey {
  const space = key.indexOf(' ')
  const uid = space < 0 ? key : key.slice(0, space)
  return { uid: uid === '' ? undefined : Number(uid), id: space < 0 ? undefined : key.slice(space + 1) }
}

/** Under what a message is kept whose unique-id is not known: nobody else makes such, and no message comes twice. */
export function imapTag(validity: string, uid: string | number): string {
  return `${IMAP}${validity}-${uid}`
}

/** The same for one that POP3 alone shows, and whose unique-id cannot be kept. @param id See `DropEntry`. */
export function pop3Tag(id: string): string {
  return `${POP3}${createHash('sha256').update(id).digest('hex').slice(0, 32)}`
}

/** Whether it is one of these, and no unique-id of the source. */
export function isTag(uidl: string): boolean {
  return uidl.startsWith(IMAP) || uidl.startsWith(POP3)
}

const IMAP = 'imap-'
const POP3 = 'pop3-'
