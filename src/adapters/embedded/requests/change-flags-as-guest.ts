/** STORE by somebody who is not the owner: their own `\Seen`, and what their rights allow (RFC 4314 §4). @module */
import { changeableFlags } from '#store/acl.ts'
import { DELETED, keywordSetId, packFlags, SEEN, systemFlags } from '#store/flags.ts'
import type { ChangeFlagsRequest, Guest } from '#store/writes.ts'
import { announce, type Located, type Transaction } from '../transaction.ts'
import type { Merge, Slice } from './change-flags.ts'
import { setSeen } from './guest-seen.ts'

/** Changes one slice as the guest. */
export function changeAsGuest(
  guest: Guest,
  tx: Transaction,
  { account, mailbox }: Located,
  request: ChangeFlagsRequest,
  merge: Merge,
  first: number,
  last: number,
  room: number,
): Slice {
  const { slot } = account.row
  const rows = tx.sql.all(
    `SELECT m.uid, m.flags, m.modseq, coalesce(s.seen, 0), coalesce(s.modseq, 0) FROM message m
     LEFT JOIN seen_by s ON s.account = m.account AND s.mailbox = m.mailbox AND s.user = ? AND s.uid = m.uid
     WHERE m.account = ? AND m.mailbox = ? AND m.uid BETWEEN ? AND ? ORDER BY m.uid LIMIT +?`,
    guest.user,
    slot,
    mailbox.key,
    first,
    last,
    room,
  ) as readonly (readonly [number, number, number, number, number])[]
  const seen: number[] = []
  const modified: number[] = []
  const uids: number[] = []
  const flags: number[] = []
  const most = request.unchangedSince ?? Number.MAX_SAFE_INTEGER
  let modseq = 0
  for (const [uid, stored, changedAt, hasSeen, seenAt] of rows) {
    seen.push(uid)
    if (Math.max(changedAt, seenAt) > most) {
      modified.push(uid)
      continue
    }
    const old = ((stored & ~SEEN) | (hasSeen === 0 ? 0 : SEEN)) >>> 0
    const now = allowed(old, merge.apply(old), guest.rights)
    if (now === old) continue
    if (modseq === 0) modseq = tx.ledger.bump(account, mailbox)
    uids.push(uid)
    flags.push(now)
    if (((now ^ old) & SEEN) !== 0) setSeen(tx, account, mailbox.key, guest.user, uid, (now & SEEN) !== 0)
    if (((now ^ old) & ~SEEN) === 0) continue
    tx.sql.run(
      'UPDATE message SET flags = ?, modseq = ? WHERE account = ? AND mailbox = ? AND uid = ?',
      ((now & ~SEEN) | (stored & SEEN)) >>> 0,
      modseq,
      slot,
      mailbox.key,
      uid,
    )
    tx.ledger.noteMessages(account, mailbox, uid)
    mailbox.deleted += ((now & DELETED) !== 0 ? 1 : 0) - ((old & DELETED) !== 0 ? 1 : 0)
  }
  if (modseq > 0) announce(tx, account, mailbox, request.by)
  return { seen, modified, uids, flags, next: rows.length < room ? last + 1 : (seen.at(-1) ?? last) + 1 }
}

/** Of what a request would make, what the rights allow. */
function allowed(old: number, wanted: number, rights: string): number {
  const mask = changeableFlags(rights)
  const set = keywordSetId(rights.includes('w') ? wanted : old)
  return packFlags((systemFlags(old) & ~mask) | (systemFlags(wanted) & mask), set)
}
