/** Mailboxes as LIST tells of them (RFC 9051 §7.3.1, RFC 6154). @module */
import type { ListResponse, StatusValues } from '#wire/imap/responses.ts'

/** What a mailbox is for (RFC 6154 §2, RFC 8457). */
export type MailboxRole = 'inbox' | 'all' | 'archive' | 'drafts' | 'flagged' | 'important' | 'junk' | 'sent' | 'trash'

/** A mailbox, or a name that only holds others. */
export interface ListedMailbox {
  /** Unicode. */
  readonly name: string
  /** What stands between the levels of a name; `undefined`: there are none. */
  readonly delimiter: string | undefined
  /** With `\`, as the server wrote them. */
  readonly attributes: readonly string[]
  /** Said by the server; see {@link ImapClient.specialMailboxes} for those that do not say it. */
  readonly role: MailboxRole | undefined
  /** It cannot be opened. */
  readonly noSelect: boolean
  readonly subscribed: boolean
  /** `undefined`: not said. */
  readonly hasChildren: boolean | undefined
  /** Only where it was asked for. */
  readonly status: StatusValues | undefined
  /** The name it had before (RFC 9051 §6.3.9.7). */
  readonly oldName: string | undefined
}

const ROLES: ReadonlyMap<string, MailboxRole> = new Map([
  ['\\all', 'all'],
  ['\\archive', 'archive'],
  ['\\drafts', 'drafts'],
  ['\\flagged', 'flagged'],
  ['\\important', 'important'],
  ['\\junk', 'junk'],
  ['\\sent', 'sent'],
  ['\\trash', 'trash'],
])

/** @param subscribed Where LIST does not say so itself. */
export function listedMailbox(
  response: ListResponse,
  more: { readonly subscribed?: boolean; readonly status?: StatusValues | undefined } = {},
): ListedMailbox {
  const lower = new Set(response.attributes.map((attribute) => attribute.toLowerCase()))
  const inbox = response.mailbox.toUpperCase() === 'INBOX'
  const role = inbox
    ? 'inbox'
    : [...lower].map((attribute) => ROLES.get(attribute)).find((found) => found !== undefined)
  return {
    name: response.mailbox,
    delimiter: response.delimiter,
    attributes: response.attributes,
    role,
    noSelect: lower.has('\\noselect') || lower.has('\\nonexistent'),
    subscribed: more.subscribed ?? lower.has('\\subscribed'),
    hasChildren: lower.has('\\haschildren')
      ? true
      : lower.has('\\hasnochildren') || lower.has('\\noinferiors')
        ? false
        : undefined,
    status: more.status,
    oldName: response.oldName,
  }
}

/** Whether two names are the same: INBOX has no case (RFC 9051 §5.1). */
export function sameMailbox(a: string, b: string): boolean {
  return a === b || (a.length === 5 && a.toUpperCase() === 'INBOX' && b.toUpperCase() === 'INBOX')
}
