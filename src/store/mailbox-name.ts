/** Mailbox names as every store keeps them: Unicode NFC, levels separated by `/`, the inbox first. @module */
import { MAX_LEVEL_OCTETS, MAX_LEVELS, MAX_NAME_OCTETS } from './limits.ts'
import type { BadName } from './writes.ts'

/** C0, DEL, C1, line and paragraph separator (RFC 9051 §5.1), and halves of surrogate pairs. */
const FORBIDDEN = /[\0-\x1f\x7f-\x9f\u2028\u2029]|\p{Surrogate}/u

/** The name with its first level as `INBOX` where that is meant, in any case (RFC 9051 §5.1). */
export function canonicalMailboxName(name: string): string {
  if (!/^inbox(?:\/|$)/i.test(name)) return name
  return `INBOX${name.slice(5)}`
}

/** Why no mailbox can have this name, `undefined` when one can. */
export function mailboxNameFault(name: string): BadName['why'] | undefined {
  if (FORBIDDEN.test(name) || name.normalize('NFC') !== name) return 'bad-character'
  if (Buffer.byteLength(name) > MAX_NAME_OCTETS) return 'too-long'
  const levels = name.split('/')
  if (levels.includes('')) return 'empty-level'
  if (levels.some((level) => Buffer.byteLength(level) > MAX_LEVEL_OCTETS)) return 'too-long'
  return levels.length > MAX_LEVELS ? 'too-deep' : undefined
}

/**
 * Names of the levels above, outermost first.
 * @example `a/b/c` gives `a` and `a/b`.
 */
export function superiorNames(name: string): string[] {
  const names: string[] = []
  for (let at = name.indexOf('/'); at >= 0; at = name.indexOf('/', at + 1)) names.push(name.slice(0, at))
  return names
}

/** Order of mailboxes in answers: INBOX, then code units. */
export function compareMailboxNames(a: string, b: string): number {
  if (a === b) return 0
  if (a === 'INBOX') return -1
  if (b === 'INBOX') return 1
  return a < b ? -1 : 1
}
