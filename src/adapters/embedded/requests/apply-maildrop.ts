import type { Result } from '#lib/result.ts'
import { SEEN } from '#store/flags.ts'
import type { Writes } from '#store/writes.ts'
import { locate, type Transaction } from '../transaction.ts'
import { uidsUpTo } from '../uid-lists.ts'
import { changeFlags } from './change-flags.ts'
import { expunge } from './expunge.ts'
import { record } from './record.ts'

type Answer = Result<Writes['applyMaildrop']['value'], Writes['applyMaildrop']['refusal']>

/** QUIT of POP3, in slices: downloads are remembered first, so that a crash in between removes nothing too early. */
export function* applyMaildrop(
  tx: Transaction,
  request: Writes['applyMaildrop']['request'],
): Generator<undefined, Answer, void> {
  const { account, by, mailbox, downloaded, markSeen, removed } = request
  const noted = yield* noteDownloads(tx, request)
  if (noted !== undefined) return noted
  if (markSeen && downloaded.length > 0) {
    const flags = { system: SEEN, keywords: [] }
    const change = { account, by, mailbox, uids: downloaded, action: 'add', flags, unchangedSince: undefined } as const
    yield* changeFlags(tx, change)
  }
  return yield* expunge(tx, { account, by, mailbox, uids: removed, which: 'any' }, 'maildrop')
}

/** @returns the refusal when there is no such mailbox, or no more. */
function* noteDownloads(
  tx: Transaction,
  { account, by, mailbox, downloaded, fetched = downloaded }: Writes['applyMaildrop']['request'],
): Generator<undefined, Answer | undefined, void> {
  let found = locate(tx, account.id, mailbox)
  if (!found.ok) return found
  const step = tx.tuning.sliceMessages
  let room = step
  const largest = found.value.mailbox.uidNext - 1
  record(tx, by, 'fetched', found.value, uidsUpTo(fetched, largest))
  for (const [first, last] of uidsUpTo(downloaded, largest)) {
    let from: number = first
    while (from <= last) {
      if (room <= 0) {
        yield
        found = locate(tx, account.id, mailbox)
        if (!found.ok) return found
        room = step
      }
      const to = Math.min(last, from + room - 1)
      tx.sql.run(
        `UPDATE message SET downloaded_at = ? WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?
         AND downloaded_at IS NULL`,
        tx.now,
        found.value.account.row.slot,
        mailbox,
        from,
        to,
      )
      room -= to - from + 1
      from = to + 1
    }
  }
  return undefined
}
