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

/**
 * Under what messages are kept that have no unique-id to keep: nobody else makes such, and the store takes none twice.
 * Several people may be brought into one account, and UIDVALIDITY is 1 on some servers: who it is counts too.
 */
export class Tags {
  readonly #who: string

  constructor(login: string) {
    this.#who = digest(login).slice(0, 12)
  }

  imap(validity: string, uid: string | number): string {
    return `${IMAP}${this.#who}-${validity}-${uid}`
  }

  /** For one that POP3 alone shows. @param id See `DropEntry`. */
  pop3(id: string): string {
    return `${POP3}${this.#who}-${digest(id).slice(0, 32)}`
  }
}

/** Whether it is one of these, and no unique-id of the source. */
export function isTag(uidl: string): boolean {
  return uidl.startsWith(IMAP) || uidl.startsWith(POP3)
}

const IMAP = 'imap-'
const POP3 = 'pop3-'

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
