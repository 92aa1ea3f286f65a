/**
 * MAILBOXID, EMAILID and THREADID as the client sees them (RFC 8474 §4, §5). Keys are unique in an account, and a client
 * may see several: what is somebody else's has the account behind it.
 * @module
 */
import type { AccountId, EmailKey, MailboxKey, ThreadKey } from '#mail/ids.ts'

/** @param of Whose mailbox it is, `undefined` for the person's own. */
export function mailboxId(key: MailboxKey, of: AccountId | undefined): string {
  // a letter first, so that it is never taken for a number
  return format('F', key, of)
}

export function emailId(key: EmailKey, of: AccountId | undefined): string {
  return format('M', key, of)
}

export function threadId(key: ThreadKey, of: AccountId | undefined): string {
  return format('T', key, of)
}

/** The email that an id names, `undefined` when it is none of that account's. */
export function parseEmailId(id: string, of: AccountId | undefined): EmailKey | undefined {
  return parse('M', id, of) as EmailKey | undefined
}

/** The thread that an id names, `undefined` when it is none of that account's. */
export function parseThreadId(id: string, of: AccountId | undefined): ThreadKey | undefined {
  return parse('T', id, of) as ThreadKey | undefined
}

function format(prefix: string, key: number, of: AccountId | undefined): string {
  return of === undefined ? `${prefix}${key}` : `${prefix}${key}-${of}`
}

function parse(prefix: string, id: string, of: AccountId | undefined): number | undefined {
  const end = of === undefined ? '' : `-${of}`
  if (!id.startsWith(prefix) || !id.endsWith(end)) return undefined
  const key = id.slice(1, id.length - end.length)
  return /^[1-9]\d{0,14}$/.test(key) ? Number(key) : undefined
}
