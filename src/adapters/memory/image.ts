/** Whole accounts of the memory store, out and in. @module */
import { done, refused } from '#lib/result.ts'
import type { AccountId, MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import { CAUSES } from '#store/gone.ts'
import type { AccountImage, MailboxImage, MetadataImage } from '#store/image.ts'
import type { EndRestoreRequest } from '#store/writes.ts'
import { announce, type Commit, type Handler, touchTree } from './commit.ts'
import { goneMailboxesOf } from './gone.ts'
import {
  type Account,
  count,
  type Email,
  internKeywords,
  type Mailbox,
  type Metadata,
  newAccount,
  type Row,
} from './state.ts'

/** An account on its way in. */
export interface Arriving {
  readonly account: Account
  readonly emails: Map<number, Email>
  readonly rows: { readonly mailbox: number; readonly row: Row }[]
  held: boolean
}

/** The account as it is. */
export function imageOf(account: Account): AccountImage {
  const boxes = [...account.byKey.values(), ...account.goneMailboxes.values()].sort((a, b) => a.key - b.key)
  const rows = boxes.flatMap((mailbox) => mailbox.rows.map((row) => ({ mailbox, row })))
  const here = rows.filter(({ row }) => row.goneAt === undefined)
  const gone = rows.filter(({ row }) => row.goneAt !== undefined)
  const columns = (of: typeof rows) => ({
    mailboxes: of.map(({ mailbox }) => mailbox.key as number),
    uids: of.map(({ row }) => row.uid as number),
    modseqs: of.map(({ row }) => row.modseq as number),
    flags: of.map(({ row }) => row.flags as number),
    savedAt: of.map(({ row }) => row.savedAt),
    emails: of.map(({ row }) => row.email.key as number),
  })
  const next = account.lastKey + 1
  return {
    createdAt: account.createdAt,
    modseq: account.modseq,
    limits: account.limits,
    retentionDays: undefined,
    goneLimitBytes: undefined,
    next: { mailbox: next, email: next, thread: next },
    lastUidValidity: account.lastUidValidity,
    mailboxes: [...account.byKey.values()].map(mailboxImage),
    goneMailboxes: goneMailboxesOf(account).sort((a, b) => a.key - b.key),
    events: account.events,
    formerNames: [...account.formerNames].map(([name, { key, uidValidity }]) => ({ name, mailbox: key, uidValidity })),
    subscriptions: [...account.subscriptions].sort(),
    metadata: metadataImage(account.metadata),
    keywordSets: account.keywordSets.slice(1),
    tombstones: [...account.byKey.values()].flatMap(({ key, tombstones }) =>
      tombstones.flatMap(({ uids, modseq }) => uids.map(([first, last]) => ({ mailbox: key, modseq, first, last }))),
    ),
    seen: boxes.flatMap(({ key, seenBy }) =>
      [...seenBy].flatMap(([user, own]) =>
        [...own].map(([uid, { seen, modseq }]) => ({
          mailbox: key,
          user: user as AccountId,
          uid: uid as Uid,
          modseq,
          seen,
        })),
      ),
    ),
    messages: {
      ...columns(here),
      uidls: here.map(({ row }) => row.uidl ?? null),
      downloaded: here.map(({ row }) => row.downloadedAt),
    },
    deleted: {
      ...columns(gone),
      deletedAt: gone.map(({ row }) => row.goneAt ?? 0),
      moved: gone.map(({ row }) => (row.restored ? 2 : row.cause === 'move' ? 1 : 0)),
      causes: gone.map(({ row }) => CAUSES.indexOf(row.cause ?? 'expunge')),
    },
  }
}

function mailboxImage(box: Mailbox): MailboxImage {
  const { key, name, uidValidity, highestModseq, vanishedFloor, specialUse, createdAt } = box
  return {
    key,
    name,
    uidValidity,
    uidNext: box.uidNext as Uid,
    highestModseq,
    vanishedFloor,
    specialUse,
    createdAt,
    acl: [...box.acl].map(([identifier, rights]) => ({ identifier, rights })),
    metadata: metadataImage(box.metadata),
  }
}

function metadataImage(metadata: Metadata): MetadataImage[] {
  return [...metadata].flatMap(([user, own]) =>
    [...own].map(([name, value]) => ({ user: user as AccountId, name, value })),
  )
}

/** One slice of the account's emails. */
export function emailsOf(account: Account, after: number, limit: number): readonly Email[] {
  const emails = new Map<number, Email>()
  for (const mailbox of [...account.byKey.values(), ...account.goneMailboxes.values()])
    for (const { email } of mailbox.rows) if (email.key > after) emails.set(email.key, email)
  return [...emails.values()].sort((a, b) => a.key - b.key).slice(0, limit)
}

export const freeze: Handler<'freeze'> = (commit, { account: { id }, frozen }) => {
  const account = commit.accounts.get(id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  account.frozen = frozen
  return done({ modseq: account.modseq })
}

export const beginRestore: Handler<'beginRestore'> = (commit, { account }) => {
  commit.arriving.set(account.id, {
    account: newAccount(account.id, { storageBytes: undefined, messages: undefined }, commit.now),
    emails: new Map(),
    rows: [],
    held: false,
  })
  return done({ modseq: 0 as Modseq })
}

export const restoreEmails: Handler<'restoreEmails'> = (commit, { account, emails }) => {
  const to = commit.arriving.get(account.id)
  if (to === undefined || to.held) return refused({ kind: 'no-such-restore' })
  for (const { key, thread, internalDate, internalZone, trace, body, email } of emails) {
    const place = commit.keepBody(body)
    const size = trace.length + place.length
    to.emails.set(key, { key, thread, prepared: email, place, trace, size, internalDate, internalZone })
    for (const id of [...email.references].reverse().concat(email.messageId ?? []))
      if (!to.account.threads.has(id)) to.account.threads.set(id, thread)
  }
  return done({ modseq: 0 as Modseq })
}

export const restoreMessages: Handler<'restoreMessages'> = (
  commit,
  { account, rows: { messages, deleted, events } },
) => {
  const to = commit.arriving.get(account.id)
  if (to === undefined || to.held) return refused({ kind: 'no-such-restore' })
  const take = (columns: typeof messages | typeof deleted, own: (index: number) => Partial<Row>) => {
    for (const [index, uid] of columns.uids.entries()) {
      const email = columns.emails[index] ?? 0
      const kept = to.emails.get(email)
      if (kept === undefined) continue
      const row: Row = {
        uid: uid as Uid,
        email: kept,
        savedAt: columns.savedAt[index] ?? 0,
        uidl: undefined,
        flags: columns.flags[index] as Row['flags'],
        modseq: columns.modseqs[index] as Modseq,
        goneAt: undefined,
        cause: undefined,
        restored: false,
        downloadedAt: 0,
        ...own(index),
      }
      to.rows.push({ mailbox: columns.mailboxes[index] ?? 0, row })
    }
  }
  const { uidls, downloaded } = messages
  take(messages, (index) => ({ uidl: uidls[index] ?? undefined, downloadedAt: downloaded[index] ?? 0 }))
  take(deleted, (index) => ({
    goneAt: deleted.deletedAt[index] ?? 0,
    cause: CAUSES[deleted.causes[index] ?? 0],
    restored: deleted.moved[index] === 2,
  }))
  to.account.events.push(...events)
  return done({ modseq: 0 as Modseq })
}

export const endRestore: Handler<'endRestore'> = (commit, { account: { id }, image, how }) => {
  const to = commit.arriving.get(id)
  if (to === undefined || to.held) return refused({ kind: 'no-such-restore' })
  const old = commit.accounts.get(id)
  if (old !== undefined && how === 'new') return refused({ kind: 'account-exists' })
  fill(commit, to, image, how === 'replace' ? old : undefined)
  if (how !== 'hold') show(commit, to.account)
  else to.held = true
  return done({ modseq: to.account.modseq })
}

export const settleRestore: Handler<'settleRestore'> = (commit, { account: { id }, keep }) => {
  const held = commit.arriving.get(id)
  if (held?.held !== true) return refused({ kind: 'no-such-restore' })
  if (keep && commit.accounts.has(id)) return refused({ kind: 'account-exists' })
  commit.arriving.delete(id)
  if (keep) show(commit, held.account)
  return done({ modseq: keep ? held.account.modseq : (0 as Modseq) })
}

function show(commit: Commit, account: Account): void {
  commit.arriving.delete(account.id)
  commit.accounts.set(account.id, account)
  touchTree(commit, account)
  for (const key of account.byKey.keys()) announce(commit, account, key, 'messages')
}

/** @param old What clients know already, and no number of which may go backward. */
function fill(
  commit: Commit,
  { account, rows }: Arriving,
  image: EndRestoreRequest['image'],
  old: Account | undefined,
): void {
  const same = old?.createdAt === image.createdAt
  account.createdAt = image.createdAt
  account.modseq = old === undefined ? image.modseq : ((Math.max(old.modseq, image.modseq) + 1) as Modseq)
  account.limits = image.limits
  account.lastUidValidity = Math.max(image.lastUidValidity, old?.lastUidValidity ?? 0)
  account.lastKey = Math.max(image.next.mailbox, image.next.email, image.next.thread, (old?.lastKey ?? 0) + 1) - 1
  for (const name of image.subscriptions) account.subscriptions.add(name)
  fillMetadata(account.metadata, image.metadata)
  for (const { name, mailbox, uidValidity } of image.formerNames)
    account.formerNames.set(name, { key: mailbox, uidValidity })
  for (const [name, former] of old?.formerNames ?? [])
    if ((account.formerNames.get(name)?.uidValidity ?? 0) < former.uidValidity) account.formerNames.set(name, former)
  for (const { name, key, uidValidity } of old?.byKey.values() ?? [])
    if ((account.formerNames.get(name)?.uidValidity ?? 0) < uidValidity)
      account.formerNames.set(name, { key, uidValidity })
  // Sets that were given keep their numbers.
  for (const set of old?.keywordSets.slice(1) ?? []) internKeywords(account, set)
  const sets = [0, ...image.keywordSets.map((set) => internKeywords(account, set) ?? 0)]
  for (const mailbox of image.mailboxes) {
    const now = same ? old?.byKey.get(mailbox.key) : undefined
    const known = old === undefined || now?.uidValidity === mailbox.uidValidity
    if (!known) account.lastUidValidity = Math.max(account.lastUidValidity + 1, Math.floor(commit.now / 1_000))
    const box = emptyMailbox(mailbox.key, mailbox.name, mailbox.createdAt)
    box.uidValidity = known ? mailbox.uidValidity : account.lastUidValidity
    box.uidNext = Math.max(mailbox.uidNext, now?.uidNext ?? 1)
    box.highestModseq = old === undefined ? mailbox.highestModseq : account.modseq
    box.vanishedFloor = old === undefined ? mailbox.vanishedFloor : account.modseq
    box.specialUse = mailbox.specialUse
    for (const { identifier, rights } of mailbox.acl) box.acl.set(identifier, rights)
    fillMetadata(box.metadata, mailbox.metadata)
    account.byKey.set(box.key, box)
    account.byName.set(box.name, box)
  }
  if (old === undefined)
    for (const { mailbox, modseq, first, last } of image.tombstones)
      account.byKey.get(mailbox)?.tombstones.push({ uids: [[first, last]], modseq })
  for (const { key, name, specialUse, createdAt, deletedAt, restoredAs } of image.goneMailboxes) {
    const gone = { specialUse, goneAt: deletedAt, restoredAs }
    account.goneMailboxes.set(key, Object.assign(emptyMailbox(key, name, createdAt), gone))
  }
  for (const { mailbox, row } of rows) {
    const key = mailbox as MailboxKey
    const box = account.byKey.get(key) ?? account.goneMailboxes.get(key)
    if (box === undefined) continue
    if (old !== undefined) row.modseq = account.modseq
    row.flags = ((row.flags & 255) | ((sets[row.flags >>> 8] ?? 0) << 8)) as Row['flags']
    box.rows.push(row)
    if (row.goneAt === undefined) count(account, box, row, 1)
  }
  for (const box of [...account.byKey.values(), ...account.goneMailboxes.values()]) {
    box.rows.sort((a, b) => a.uid - b.uid)
    box.tombstones.sort((a, b) => a.modseq - b.modseq)
  }
  for (const { mailbox, user, uid, modseq, seen } of image.seen) {
    const box = account.byKey.get(mailbox)
    if (box === undefined) continue
    const own = box.seenBy.get(user) ?? new Map<number, { readonly seen: boolean; readonly modseq: Modseq }>()
    own.set(uid, { seen, modseq: old === undefined ? modseq : account.modseq })
    box.seenBy.set(user, own)
  }
}

function fillMetadata(metadata: Metadata, entries: readonly MetadataImage[]): void {
  for (const { user, name, value } of entries) {
    const own = metadata.get(user) ?? new Map<string, Uint8Array>()
    own.set(name, value)
    metadata.set(user, own)
  }
}

function emptyMailbox(key: MailboxKey, name: string, createdAt: number): Mailbox {
  return {
    key,
    createdAt,
    name,
    uidValidity: 1,
    uidNext: 1,
    highestModseq: 0 as Modseq,
    vanishedFloor: 0 as Modseq,
    messages: 0,
    unseen: 0,
    deleted: 0,
    size: 0,
    specialUse: undefined,
    rows: [],
    goneAt: undefined,
    restoredAs: undefined,
    acl: new Map(),
    metadata: new Map(),
    seenBy: new Map(),
    tombstones: [],
    imprint: new Map(),
  }
}
