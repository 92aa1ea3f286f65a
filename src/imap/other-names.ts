/** Names of the mailboxes of other people (RFC 2342 §5): `Other users/ann@example.org/Team`. @module */
import { canonicalMailboxName } from '#store/mailbox-name.ts'

/** The level above them all. Nobody can make a mailbox of their own there; one that is there from elsewhere stays theirs. */
const OTHERS = 'Other users'
const PREFIX = `${OTHERS}/`

/** Whose mailbox a name is of, and what the owner calls it. */
export interface OtherName {
  readonly owner: string
  /** Empty: the level of the person. */
  readonly path: string
}

/** Whether the name is at or below the level of other people. */
export function isOfOthers(name: string): boolean {
  return name.startsWith(PREFIX) || name === OTHERS
}

// a local part has an "@" or a "/" in it only where it is quoted, or a "/"; a domain has neither
const NAME = /^((?:"(?:[^"\\]|\\.)*"|[^"@]+)@[^@/]+)(?:\/(.*))?$/s

/** Reads a name below {@link OTHERS}; `undefined` for any other. */
export function parseOtherName(name: string): OtherName | undefined {
  if (!name.startsWith(PREFIX)) return undefined
  const [, owner, path = ''] = NAME.exec(name.slice(PREFIX.length)) ?? []
  return owner === undefined ? undefined : { owner, path }
}

/** What a mailbox is called by those who are not its owner. */
export function formatOtherName({ owner, path }: OtherName): string {
  return `${PREFIX}${owner}/${path}`
}

/** INBOX in capitals, also that of somebody else. */
export function canonicalName(name: string): string {
  const other = parseOtherName(name)
  if (other === undefined || other.path === '') return canonicalMailboxName(name)
  return formatOtherName({ ...other, path: canonicalMailboxName(other.path) })
}

/** Whether a LIST pattern can fit a name at or below {@link OTHERS}. */
export function mayFitOthers(pattern: string): boolean {
  const wildcard = pattern.search(/[*%]/)
  if (wildcard < 0) return isOfOthers(pattern)
  const literal = pattern.slice(0, wildcard)
  return literal.startsWith(PREFIX) || PREFIX.startsWith(literal)
}
