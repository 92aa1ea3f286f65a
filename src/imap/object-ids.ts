/** EMAILID and THREADID as the client sees them (RFC 8474 §5); unique in an account. @module */
import type { EmailKey, ThreadKey } from '#mail/ids.ts'

export function emailId(key: EmailKey): string {
  return `M${key}`
}

export function threadId(key: ThreadKey): string {
  return `T${key}`
}

/** The email that an id names, `undefined` when it is none of ours. */
export function parseEmailId(id: string): EmailKey | undefined {
  return parse('M', id) as EmailKey | undefined
}

/** The thread that an id names, `undefined` when it is none of ours. */
export function parseThreadId(id: string): ThreadKey | undefined {
  return parse('T', id) as ThreadKey | undefined
}

function parse(prefix: string, id: string): number | undefined {
  return id.startsWith(prefix) && /^[1-9]\d{0,14}$/.test(id.slice(1)) ? Number(id.slice(1)) : undefined
}
