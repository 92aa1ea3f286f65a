/** Which names a change of the tree of mailboxes concerns (RFC 5465 §5.4). @module */
import type { MailboxKey } from '#mail/ids.ts'
import type { MailboxNode } from '../mailbox-tree.ts'

/** A mailbox as it was called. */
export interface Named {
  name: string
}

/**
 * Names of mailboxes that were made, that went, and the names right above them; renamed ones under their new name, with
 * the old one. What only went along with the mailbox above it is not named.
 * @param known All mailboxes that were there; those that are not in it count as new.
 */
export function affectedNames(
  known: ReadonlyMap<MailboxKey, Readonly<Named>>,
  nodes: readonly MailboxNode[],
): ReadonlyMap<string, string | undefined> {
  const names = new Map<string, string | undefined>()
  const there = new Set<MailboxKey>()
  const renamed = new Map<string, string>()
  const made: string[] = []
  for (const { name, box } of nodes) {
    if (box === undefined) continue
    const { key } = box.info
    there.add(key)
    const before = known.get(key)
    if (before === undefined) made.push(name)
    else if (before.name !== name) renamed.set(before.name, name)
  }
  const gone = [...known].filter(([key]) => !there.has(key)).map(([, { name }]) => name)
  for (const name of [...gone, ...made]) {
    const end = name.lastIndexOf('/')
    if (end > 0) names.set(name.slice(0, end), undefined)
    names.set(name, undefined)
  }
  for (const [from, to] of renamed) if (!wentAlong(from, to, renamed)) names.set(to, from)
  return names
}

/** Whether a level above was renamed in the same way. */
function wentAlong(from: string, to: string, renamed: ReadonlyMap<string, string>): boolean {
  let [a, b] = [from, to]
  for (;;) {
    const [atA, atB] = [a.lastIndexOf('/'), b.lastIndexOf('/')]
    if (atA < 0 || atB < 0 || a.slice(atA) !== b.slice(atB)) return false
    a = a.slice(0, atA)
    b = b.slice(0, atB)
    if (renamed.get(a) === b) return true
  }
}
