/** Rights to a mailbox (RFC 4314 §2.1): who may do what there. The owner of the account has all of them, always. @module */

import { ANSWERED, DELETED, DRAFT, FLAGGED, type Flags, SEEN } from './flags.ts'

/** Every right, in the order in which rights are kept and told. */
export const RIGHTS = 'lrswipkxtea'

/** Stands for everybody who is logged in (RFC 4314 §2). */
export const ANYONE = 'anyone'

/** One entry of a mailbox's list. */
export interface AclEntry {
  /** Canonical address or {@link ANYONE}; behind a `-`, rights that these people do not have whatever else says so. */
  readonly identifier: string
  /** Letters of {@link RIGHTS}, in their order, at least one. */
  readonly rights: string
}

/** The virtual rights of RFC 2086 and what they stand for here (RFC 4314 §2.1.1). */
const OBSOLETE: Readonly<Record<string, string>> = { c: 'kx', d: 'te' }

/**
 * Rights as a client writes them, in order, each once.
 * @returns `undefined` where a letter is no right (RFC 4314 §3.1 wants BAD then).
 */
export function parseRights(text: string): string | undefined {
  const wanted = text.replace(/[cd]/g, (letter) => OBSOLETE[letter] ?? '')
  for (const letter of wanted) if (!RIGHTS.includes(letter)) return undefined
  return inOrder((right) => wanted.includes(right))
}

/** Rights as clients are told them: with `c` and `d` for those who know only RFC 2086. */
export function formatRights(rights: string): string {
  const has = (letters: string): boolean => Array.from(letters).some((letter) => rights.includes(letter))
  return rights + (has('kx') ? 'c' : '') + (has('te') ? 'd' : '')
}

/** Rights after some were put in place of them, added or removed. */
export function changeRights(before: string, mode: 'replace' | 'add' | 'remove', rights: string): string {
  if (mode === 'replace') return rights
  return inOrder((right) =>
    mode === 'add'
      ? before.includes(right) || rights.includes(right)
      : before.includes(right) && !rights.includes(right),
  )
}

/** System flags that somebody with these rights may change (RFC 4314 §4). */
export function changeableFlags(rights: string): number {
  return (
    (rights.includes('s') ? SEEN : 0) |
    (rights.includes('t') ? DELETED : 0) |
    (rights.includes('w') ? ANSWERED | FLAGGED | DRAFT : 0)
  )
}

/** The flags without those that these rights do not allow. */
export function permittedFlags({ system, keywords }: Flags, rights: string): Flags {
  return { system: system & changeableFlags(rights), keywords: rights.includes('w') ? keywords : [] }
}

/** The identifiers whose entries say something about a person. */
export function identifiersOf(address: string): readonly [string, string, string, string] {
  return [address, ANYONE, `-${address}`, `-${ANYONE}`]
}

/** What somebody may do who is not the owner: the union of the entries for them and for all, without the negative ones. */
export function rightsOf(entries: readonly AclEntry[], address: string): string {
  const union = (...identifiers: readonly string[]): string =>
    entries.filter(({ identifier }) => identifiers.includes(identifier)).reduce((all, { rights }) => all + rights, '')
  const granted = union(address, ANYONE)
  const withdrawn = union(`-${address}`, `-${ANYONE}`)
  return inOrder((right) => granted.includes(right) && !withdrawn.includes(right))
}

function inOrder(has: (right: string) => boolean): string {
  return Array.from(RIGHTS).filter(has).join('')
}
