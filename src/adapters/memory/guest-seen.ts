/** `\Seen` of those who are not the owner, in memory. @module */
import type { Modseq } from '#mail/ids.ts'
import { keywordSetId, type PackedFlags, packFlags, SEEN, systemFlags } from '#store/flags.ts'
import type { Account, Mailbox, Row } from './state.ts'

/** Notes that the guest has seen a message, or has not any more, at the account's MODSEQ. */
export function setSeen({ modseq }: Account, mailbox: Mailbox, user: number, uid: number, seen: boolean): void {
  const own = mailbox.seenBy.get(user) ?? new Map<number, { readonly seen: boolean; readonly modseq: Modseq }>()
  own.set(uid, { seen, modseq })
  mailbox.seenBy.set(user, own)
}

/** What guests have seen of a message they have seen of its copy, too; but for one who has no right to it. */
export function copySeen(
  account: Account,
  from: Mailbox,
  uid: number,
  to: Mailbox,
  copy: number,
  but: number | undefined,
): void {
  for (const [user, own] of from.seenBy) {
    const one = own.get(uid)
    if (one !== undefined && user !== but) setSeen(account, to, user, copy, one.seen)
  }
}

/** The row as a guest sees it; the owner's is the row itself. */
export function asSeen(mailbox: Mailbox, row: Row, guest: number | undefined): Pick<Row, 'uid' | 'flags' | 'modseq'> {
  if (guest === undefined) return row
  const one = mailbox.seenBy.get(guest)?.get(row.uid)
  return {
    uid: row.uid,
    flags: withSeen(row.flags, one?.seen ?? false),
    modseq: Math.max(row.modseq, one?.modseq ?? 0) as Modseq,
  }
}

/** The flags with `\Seen`, or without. */
export function withSeen(flags: PackedFlags, seen: boolean): PackedFlags {
  const system = systemFlags(flags)
  return packFlags(seen ? system | SEEN : system & ~SEEN, keywordSetId(flags))
}
