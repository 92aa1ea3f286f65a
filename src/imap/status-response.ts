/** STATUS responses, for STATUS and LIST … RETURN (STATUS …) (RFC 9051 §7.3.4, RFC 5819). @module */
import type { Uid } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { DELETED } from '#store/flags.ts'
import type { StatusItem } from '#wire/imap/status-items.ts'
import type { Context } from './command.ts'
import { mailboxId } from './object-ids.ts'
import { othersAccount, type Reached } from './resolve.ts'

/** Writes `* STATUS name (…)`, the items in the order asked for. */
export async function writeStatus(context: Context, box: Reached, items: readonly StatusItem[]): Promise<void> {
  const values: string[] = []
  for (const item of items) values.push(`${item} ${await valueOf(item, box, context)}`)
  context.out
    .text('* STATUS ')
    .mailbox(box.name)
    .text(` (${values.join(' ')})\r\n`)
  // Asking for it is asking to be told of changes (RFC 7162 §3.1).
  if (items.includes('HIGHESTMODSEQ')) context.enabled.condstore = true
}

async function valueOf(item: StatusItem, box: Reached, context: Context): Promise<string | number> {
  const { info } = box
  switch (item) {
    case 'APPENDLIMIT':
      return context.session.deps.limits.messageBytes
    case 'DELETED':
      return info.deleted
    case 'DELETED-STORAGE':
      return deletedBytes(box, context)
    case 'HIGHESTMODSEQ':
      return info.highestModseq
    case 'MAILBOXID':
      return `(${mailboxId(info.key, othersAccount(box))})`
    case 'MESSAGES':
      return info.messages
    case 'RECENT':
      // Nothing is \Recent here (RFC 9051 §2.3.2 has done away with it).
      return 0
    case 'SIZE':
      return info.size
    case 'UIDNEXT':
      return info.uidNext
    case 'UIDVALIDITY':
      return info.uidValidity
    case 'UNSEEN':
      return box.user === undefined ? info.unseen : context.store.unseen(box.account, info.key, box.user)
  }
}

/** Octets of messages with `\Deleted` (RFC 9208 §4.1.4): nobody counts them beforehand, few ask. */
async function deletedBytes({ info, account }: Reached, { store, signal }: Context): Promise<number> {
  if (info.deleted === 0) return 0
  let bytes = 0
  let after: Uid | 0 = 0
  for (;;) {
    const { uids, flags } = await store.messages(account, info.key, after)
    const deleted = uids.filter((_, index) => ((flags[index] ?? 0) & DELETED) !== 0)
    for await (const rows of store.emails(account, info.key, uidSetOf(deleted), 0))
      for (const { size, gone } of rows) if (!gone) bytes += size
    const last = uids.at(-1)
    if (last === undefined || signal.aborted) return bytes
    after = last as Uid
  }
}
