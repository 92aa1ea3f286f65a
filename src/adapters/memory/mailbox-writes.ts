/** Writes that change the tree of mailboxes. @module */
import { done, refused } from '#lib/result.ts'
import type { MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { ANYONE } from '#store/acl.ts'
import { MAX_MAILBOXES, MAX_SUBSCRIPTIONS } from '#store/limits.ts'
import { canonicalMailboxName, mailboxNameFault, superiorNames } from '#store/mailbox-name.ts'
import type { SpecialUse } from '#store/types.ts'
import { hasRoomForAnyone } from './acl.ts'
import { announce, type Commit, type Handler, nextModseq, touchMessages, touchTree } from './commit.ts'
import { copySeen } from './guest-seen.ts'
import { copyMetadata } from './metadata.ts'
import { bury, record, settle } from './rows.ts'
import { type Account, infoOf, type Mailbox, newAccount, nextKey, nextUidValidity } from './state.ts'

export const openAccount: Handler<'openAccount'> = (commit, request) => {
  const existing = commit.accounts.get(request.account.id)
  if (existing !== undefined) return done({ modseq: existing.modseq })
  const plans = request.mailboxes.map((plan) => ({ ...plan, name: canonicalMailboxName(plan.name) }))
  for (const plan of plans) {
    const why = mailboxNameFault(plan.name)
    if (why !== undefined) return refused({ kind: 'bad-name', why })
  }
  const account = newAccount(request.account.id, request.limits, commit.now)
  commit.accounts.set(account.id, account)
  nextModseq(account)
  add(commit, account, 'INBOX', undefined)
  for (const { name, specialUse, subscribed } of plans) {
    addWithSuperiors(commit, account, name, specialUse)
    if (subscribed) account.subscriptions.add(name)
  }
  touchTree(commit, account)
  return done({ modseq: account.modseq })
}

export const removeAccount: Handler<'removeAccount'> = (commit, request) => {
  const account = commit.accounts.get(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  commit.accounts.delete(account.id)
  nextModseq(account)
  announce(commit, account, undefined, 'account-removed')
  return done({ modseq: account.modseq })
}

export const setLimits: Handler<'setLimits'> = (commit, request) => {
  const account = commit.accounts.get(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  account.limits = request.limits
  nextModseq(account)
  touchTree(commit, account)
  return done({ modseq: account.modseq })
}

export const createMailbox: Handler<'createMailbox'> = (commit, request) => {
  const account = commit.accounts.get(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const name = canonicalMailboxName(request.name)
  const why = mailboxNameFault(name)
  if (why !== undefined) return refused({ kind: 'bad-name', why })
  if (account.byName.has(name)) return refused({ kind: 'mailbox-exists' })
  const taken = specialUseHolder(account, request.specialUse)
  if (taken !== undefined) return refused({ kind: 'special-use-taken', by: taken.name })
  if (!roomFor(account, missingOf(account, name))) return refused({ kind: 'too-many-mailboxes', limit: MAX_MAILBOXES })
  nextModseq(account)
  const mailbox = addWithSuperiors(commit, account, name, request.specialUse)
  touchTree(commit, account)
  return done({ modseq: account.modseq, mailbox: infoOf(mailbox) })
}

export const keepImprint: Handler<'keepImprint'> = (commit, { account: { id }, mailbox, imprint }) => {
  const account = commit.accounts.get(id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const kept = account.byKey.get(mailbox)?.imprint
  if (kept === undefined) return refused({ kind: 'no-such-mailbox' })
  if (imprint.modseq <= account.modseq) {
    kept.set(imprint.part, imprint)
    for (const part of kept.keys()) if (part >= imprint.parts) kept.delete(part)
  }
  return done({ modseq: account.modseq })
}

export const deleteMailbox: Handler<'deleteMailbox'> = (commit, request) => {
  const account = commit.accounts.get(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const mailbox = account.byKey.get(request.mailbox)
  if (mailbox === undefined) return refused({ kind: 'no-such-mailbox' })
  if (mailbox.name === 'INBOX') return refused({ kind: 'is-inbox' })
  nextModseq(account)
  const rows = mailbox.rows.filter((row) => row.goneAt === undefined)
  bury(commit, account, mailbox, rows, 'mailbox')
  record(commit, account, 'mailbox-deleted', mailbox.key, uidSetOf(rows.map((row) => row.uid)))
  mailbox.goneAt = commit.now
  account.byKey.delete(mailbox.key)
  account.goneMailboxes.set(mailbox.key, mailbox)
  leaveName(account, mailbox)
  touchMessages(commit, account, mailbox)
  touchTree(commit, account)
  return done({ modseq: account.modseq })
}

export const renameMailbox: Handler<'renameMailbox'> = (commit, request) => {
  const account = commit.accounts.get(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const from = canonicalMailboxName(request.from)
  const to = canonicalMailboxName(request.to)
  const source = account.byName.get(from)
  if (source === undefined) return refused({ kind: 'no-such-mailbox' })
  const why = mailboxNameFault(to)
  if (why !== undefined) return refused({ kind: 'bad-name', why })
  if (account.byName.has(to)) return refused({ kind: 'mailbox-exists' })
  if (from === 'INBOX') return emptyInbox(commit, account, source, to)

  const moving = [...account.byName.values()].filter((box) => box === source || box.name.startsWith(`${from}/`))
  const staying = new Set(account.byName.keys())
  for (const mailbox of moving) staying.delete(mailbox.name)
  const newName = (mailbox: Mailbox): string => to + mailbox.name.slice(from.length)
  for (const mailbox of moving) {
    const fault = mailboxNameFault(newName(mailbox))
    if (fault !== undefined) return refused({ kind: 'bad-name', why: fault })
    if (staying.has(newName(mailbox))) return refused({ kind: 'mailbox-exists' })
  }
  const missing = superiorNames(to).filter((name) => !staying.has(name))
  if (!roomFor(account, missing)) return refused({ kind: 'too-many-mailboxes', limit: MAX_MAILBOXES })

  nextModseq(account)
  for (const mailbox of moving) leaveName(account, mailbox)
  for (const mailbox of moving) takeName(commit, account, mailbox, newName(mailbox))
  for (const name of missing) add(commit, account, name, undefined)
  touchTree(commit, account)
  return done({ modseq: account.modseq })
}

export const subscribe: Handler<'subscribe'> = (commit, request) => {
  const account = commit.accounts.get(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const name = canonicalMailboxName(request.name)
  const why = mailboxNameFault(name)
  if (why !== undefined) return refused({ kind: 'bad-name', why })
  if (account.subscriptions.has(name) === request.subscribed) return done({ modseq: account.modseq })
  if (request.subscribed && account.subscriptions.size >= MAX_SUBSCRIPTIONS)
    return refused({ kind: 'too-many-mailboxes', limit: MAX_SUBSCRIPTIONS })
  if (request.subscribed) account.subscriptions.add(name)
  else account.subscriptions.delete(name)
  nextModseq(account)
  touchTree(commit, account)
  return done({ modseq: account.modseq })
}

/** RENAME of INBOX moves its messages and leaves it empty; its inferiors stay (RFC 9051 §6.3.6). */
function emptyInbox(commit: Commit, account: Account, inbox: Mailbox, to: string): ReturnType<typeof renameMailbox> {
  const moving = inbox.rows.filter((row) => row.goneAt === undefined)
  if (moving.length >= commit.knobs.largestUid) throw new Error('INBOX holds more messages than a mailbox has UIDs')
  if (!roomFor(account, missingOf(account, to))) return refused({ kind: 'too-many-mailboxes', limit: MAX_MAILBOXES })
  nextModseq(account)
  const target = addWithSuperiors(commit, account, to, undefined)
  // The annotations of INBOX are those of both then (RFC 5464 §4.1).
  target.metadata = copyMetadata(inbox.metadata)
  for (const { uid, email, flags } of moving)
    copySeen(account, inbox, uid, target, settle(commit, account, target, { email, flags, uidl: undefined }), undefined)
  const uids = uidSetOf(moving.map((row) => row.uid))
  record(commit, account, 'moved', inbox.key, uids, { to: { mailbox: target.key, first: 1 as Uid } })
  bury(commit, account, inbox, moving, 'move')
  touchTree(commit, account)
  touchMessages(commit, account, inbox)
  touchMessages(commit, account, target)
  return done({ modseq: account.modseq })
}

export function specialUseHolder(account: Account, use: SpecialUse | undefined): Mailbox | undefined {
  if (use === undefined) return undefined
  return [...account.byKey.values()].find((mailbox) => mailbox.specialUse === use)
}

/** The name and those above it that do not exist yet. */
export function missingOf(account: Account, name: string): string[] {
  return [...superiorNames(name), name].filter((each) => !account.byName.has(each))
}

export function roomFor(account: Account, names: readonly string[]): boolean {
  return account.byKey.size + names.length <= MAX_MAILBOXES
}

/** Makes the mailbox and what is missing above it; a mailbox that exists is given back as it is. */
export function addWithSuperiors(commit: Commit, account: Account, name: string, use: SpecialUse | undefined): Mailbox {
  for (const superior of superiorNames(name))
    if (!account.byName.has(superior)) add(commit, account, superior, undefined)
  return account.byName.get(name) ?? add(commit, account, name, use)
}

function add(commit: Commit, account: Account, name: string, specialUse: SpecialUse | undefined): Mailbox {
  const mailbox: Mailbox = {
    key: nextKey(account) as MailboxKey,
    createdAt: commit.now,
    name,
    uidValidity: nextUidValidity(account, commit.now),
    uidNext: 1,
    highestModseq: account.modseq,
    vanishedFloor: 0 as Modseq,
    messages: 0,
    unseen: 0,
    deleted: 0,
    size: 0,
    specialUse,
    rows: [],
    acl: inheritedAcl(commit, account, name),
    metadata: new Map(),
    seenBy: new Map(),
    goneAt: undefined,
    restoredAs: undefined,
    tombstones: [],
    imprint: new Map(),
  }
  account.byName.set(name, mailbox)
  account.byKey.set(mailbox.key, mailbox)
  return mailbox
}

/** A new mailbox is for those who had the one above it (RFC 4314 §4 CREATE). */
function inheritedAcl({ knobs }: Commit, account: Account, name: string): Map<string, string> {
  const parent = superiorNames(name)
    .map((each) => account.byName.get(each))
    .findLast((each) => each !== undefined)
  const acl = new Map(parent?.acl)
  if (!hasRoomForAnyone(account, knobs)) acl.delete(ANYONE)
  return acl
}

function leaveName(account: Account, mailbox: Mailbox): void {
  account.byName.delete(mailbox.name)
  account.formerNames.set(mailbox.name, { key: mailbox.key, uidValidity: mailbox.uidValidity })
}

/** Where another mailbox had the name, with the same or a larger UIDVALIDITY, ours must become larger (RFC 9051 §2.3.1.1). */
function takeName(commit: Commit, account: Account, mailbox: Mailbox, name: string): void {
  const former = account.formerNames.get(name)
  if (former !== undefined && former.key !== mailbox.key && former.uidValidity >= mailbox.uidValidity)
    mailbox.uidValidity = nextUidValidity(account, commit.now)
  mailbox.name = name
  account.byName.set(name, mailbox)
}
