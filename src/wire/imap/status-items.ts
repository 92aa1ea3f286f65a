/** What STATUS asks for (RFC 9051 §6.3.11, RFC 7162 §3.1.7, RFC 8474 §4.3, RFC 7889 §3.1, RFC 8438, RFC 9208 §4.1.4). @module */
import type { ElementReader } from './element-reader.ts'

export type StatusItem =
  | 'APPENDLIMIT'
  | 'DELETED'
  | 'DELETED-STORAGE'
  | 'HIGHESTMODSEQ'
  | 'MAILBOXID'
  | 'MESSAGES'
  | 'RECENT'
  | 'SIZE'
  | 'UIDNEXT'
  | 'UIDVALIDITY'
  | 'UNSEEN'

const ITEMS: ReadonlySet<string> = new Set<StatusItem>([
  ...(['APPENDLIMIT', 'DELETED', 'DELETED-STORAGE', 'HIGHESTMODSEQ', 'MAILBOXID', 'MESSAGES'] as const),
  ...(['RECENT', 'SIZE', 'UIDNEXT', 'UIDVALIDITY', 'UNSEEN'] as const),
])

/** Whether the name, in upper case, is a {@link StatusItem}. */
export function isStatusItem(name: string): name is StatusItem {
  return ITEMS.has(name)
}

// "(" status-att *(SP status-att) ")"
export function readStatusItems(r: ElementReader): readonly StatusItem[] {
  return r.list(() => {
    const start = r.position
    const name = r.keyword()
    return isStatusItem(name) ? name : r.fault('STATUS item is not known', start)
  }, 1)
}

/** `(MESSAGES UIDNEXT)`. */
export function formatStatusItems(items: readonly StatusItem[]): string {
  return `(${items.join(' ')})`
}
