/** Deleted mail in memory: what there is, and bringing it back. @module */
import { done, refused } from '#lib/result.ts'
import type { EmailKey, MailboxKey, Uid } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { DELETED, type PackedFlags } from '#store/flags.ts'
import type { DeletedCursor, DeletedMessage, EmailPlace, GoneMailbox, OwnedEmail } from '#store/gone.ts'
import { MAX_MAILBOXES } from '#store/limits.ts'
import { canonicalMailboxName, compareMailboxNames, mailboxNameFault } from '#store/mailbox-name.ts'
import { type Handler, nextModseq, touchMessages, touchTree } from './commit.ts'
import { addWithSuperiors, missingOf, roomFor, specialUseHolder } from './mailbox-writes.ts'
import { overQuota, uidsLeft } from './message-writes.ts'
import { record, settle } from './rows.ts'
import { type Account, type Mailbox, type Row, rowsIn } from './state.ts'

function* allRows(account: Account): Generator<readonly [Mailbox, Row], void, void> {
  for (const mailbox of [...account.byKey.values(), ...account.goneMailboxes.values()])
    for (const row of mailbox.rows) yield [mailbox, row]
}

/** Mailboxes that hold an email now. */
function homes(account: Account): ReadonlyMap<EmailKey, ReadonlySet<MailboxKey>> {
  const found = new Map<EmailKey, Set<MailboxKey>>()
  for (const [{ key }, row] of allRows(account)) {
    if (row.goneAt !== undefined) continue
    found.set(row.email.key, (found.get(row.email.key) ?? new Set<MailboxKey>()).add(key))
  }
  return found
}

function livesElsewhere(
  at: ReadonlyMap<EmailKey, ReadonlySet<MailboxKey>>,
  email: EmailKey,
  but: readonly (MailboxKey | undefined)[],
): boolean {
  return [...(at.get(email) ?? [])].some((key) => !but.includes(key))
}

/** In the order of their leaving. */
export function deletedOf(account: Account, since: number, after: DeletedCursor | undefined): DeletedMessage[] {
  const at = homes(account)
  const from = after ?? { deletedAt: since, mailbox: -1, uid: -1 }
  const found: DeletedMessage[] = []
  for (const [{ key, restoredAs }, { uid, email, flags, savedAt, goneAt, cause, restored }] of allRows(account)) {
    if (goneAt === undefined || cause === undefined) continue
    const kept = livesElsewhere(at, email.key, [key, restoredAs])
    const one = { mailbox: key, uid, email: email.key, flags, size: email.size, savedAt, deletedAt: goneAt }
    if (inOrder(from, one) < 0) found.push({ ...one, cause, restored, kept })
  }
  return found.sort(inOrder)
}

type Place = { readonly deletedAt: number; readonly mailbox: number; readonly uid: number }

function inOrder(a: Place, b: Place): number {
  return a.deletedAt - b.deletedAt || a.mailbox - b.mailbox || a.uid - b.uid
}

export function goneMailboxesOf(account: Account): GoneMailbox[] {
  return [...account.goneMailboxes.values()]
    .map(({ key, name, specialUse, createdAt, goneAt = 0, restoredAs }) => ({
      key,
      name,
      specialUse,
      createdAt,
      deletedAt: goneAt,
      restoredAs,
    }))
    .sort((a, b) => compareMailboxNames(a.name, b.name) || a.key - b.key)
}

export function placesOf(account: Account, email: EmailKey): EmailPlace[] {
  return [...allRows(account)]
    .filter(([, row]) => row.email.key === email)
    .map(([{ key }, { uid, savedAt, goneAt }]) => ({ email, mailbox: key, uid, savedAt, deletedAt: goneAt }))
    .sort((a, b) => a.savedAt - b.savedAt || a.mailbox - b.mailbox || a.uid - b.uid)
}

export function emailsWith(account: Account, messageId: string, newest: number = Number.POSITIVE_INFINITY): EmailKey[] {
  const emails = new Map([...allRows(account)].map(([, { email }]) => [email.key, email]))
  const before = Math.max(0, ...emails.keys()) - newest
  const found = [...emails].filter(([key, { prepared }]) => key > before && prepared.messageId === messageId)
  return found.map(([key]) => key).sort((a, b) => a - b)
}

export function tracedWith(account: Account, texts: readonly string[], since: number): OwnedEmail[] {
  const rows = [...allRows(account)].filter(([, { email }]) => {
    const trace = Buffer.from(email.trace).toString('utf8')
    return email.internalDate >= since && texts.some((text) => trace.includes(text))
  })
  return [...new Set(rows.map(([, { email }]) => email.key))].map((email) => ({ account: account.id, email }))
}

export const undelete: Handler<'undelete'> = (commit, request) => {
  const account = commit.accounts.get(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const from = account.byKey.get(request.mailbox) ?? account.goneMailboxes.get(request.mailbox)
  let name = from?.name
  let existing: Mailbox | undefined
  let comesBack: Mailbox | undefined
  if (request.into !== undefined) {
    name = canonicalMailboxName(request.into)
    const why = mailboxNameFault(name)
    if (why !== undefined) return refused({ kind: 'bad-name', why })
    existing = account.byName.get(name)
  } else if (from?.goneAt === undefined) existing = from
  else {
    comesBack = from
    existing = restored(account, from.restoredAs) ?? account.byName.get(from.name)
  }
  if (name === undefined) return refused({ kind: 'no-such-mailbox' })

  const at = homes(account)
  const returning: Row[] = []
  const kept: Uid[] = []
  for (const row of from === undefined ? [] : rowsIn(from, request.uids)) {
    if (row.goneAt === undefined || row.restored) continue
    if (!request.copies && livesElsewhere(at, row.email.key, [request.mailbox, existing?.key])) kept.push(row.uid)
    else returning.push(row)
  }
  const octets = returning.reduce((sum, { email }) => sum + email.size, 0)
  const quota = overQuota(account, octets, returning.length)
  if (quota !== undefined) return refused(quota)
  if (existing !== undefined && !uidsLeft(commit, existing, returning.length))
    return refused({ kind: 'uids-exhausted' })
  const made = existing === undefined && (returning.length > 0 || request.uids.length === 0)
  if (made && !roomFor(account, missingOf(account, name)))
    return refused({ kind: 'too-many-mailboxes', limit: MAX_MAILBOXES })

  if (made || returning.length > 0) nextModseq(account)
  const use = comesBack?.specialUse
  const freeUse = specialUseHolder(account, use) === undefined ? use : undefined
  const target = made ? addWithSuperiors(commit, account, name, freeUse) : existing
  if (comesBack !== undefined && target !== undefined) comesBack.restoredAs = target.key
  if (made) touchTree(commit, account)
  const uids = uidSetOf(returning.map(({ uid }) => uid))
  const to: Uid[] = []
  if (target !== undefined && returning.length > 0) {
    for (const row of returning) {
      row.restored = true
      const flags = ((row.flags & ~DELETED) >>> 0) as PackedFlags
      to.push(settle(commit, account, target, { email: row.email, flags, uidl: undefined }))
    }
    const first = to[0]
    if (first !== undefined)
      record(commit, account, 'restored', request.mailbox, uids, { to: { mailbox: target.key, first } })
    touchMessages(commit, account, target)
  }
  return done({
    modseq: account.modseq,
    mailbox: target?.key,
    name: target?.name ?? name,
    made,
    from: uids,
    to: uidSetOf(to),
    kept: uidSetOf(kept),
  })
}

function restored(account: Account, key: MailboxKey | undefined): Mailbox | undefined {
  return key === undefined ? undefined : account.byKey.get(key)
}
