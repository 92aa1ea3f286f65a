/** Writes that change messages. @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { Uid } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { ANYONE, changeableFlags, permittedFlags } from '#store/acl.ts'
import {
  DELETED,
  type Flags,
  flagNames,
  keywordSetId,
  type PackedFlags,
  packFlags,
  SEEN,
  systemFlags,
} from '#store/flags.ts'
import type { Cause } from '#store/gone.ts'
import { MAX_KEYWORD_OCTETS, MAX_KEYWORD_SETS, MAX_KEYWORDS } from '#store/limits.ts'
import { canonicalMailboxName } from '#store/mailbox-name.ts'
import type { StagedBody } from '#store/types.ts'
import type {
  ChangeFlagsRequest,
  Delivered,
  DeliverRefusal,
  DeliverRequest,
  ExpungeRequest,
  Guest,
  OverQuota,
  Recipient,
  TooManyKeywords,
  TransferRequest,
} from '#store/writes.ts'
import { type Commit, type Handler, nextModseq, touchMessages } from './commit.ts'
import { asSeen, copySeen, setSeen, withSeen } from './guest-seen.ts'
import { bury, newEmail, record, setFlags, settle } from './rows.ts'
import { type Account, internKeywords, keywordSetName, keywordsOf, type Mailbox, type Row, rowsIn } from './state.ts'
import { uidsWithout } from './uids.ts'

const SYSTEM_MASK = 0x1f
const SIGNS = { add: '+', remove: '-', replace: '=' } as const

export const append: Handler<'append'> = (commit, request) => {
  const found = find(commit, request)
  if (!found.ok) return found
  const { account, mailbox } = found.value
  const { guest } = request
  const messages = request.messages.map((message) => ({ ...message, flags: permitted(message.flags, guest) }))
  const octets = messages.map((message) => message.trace.length + sizeOf(message.body))
  const quota = overQuota(account, sum(octets), messages.length)
  if (quota !== undefined) return refused(quota)
  if (!uidsLeft(commit, mailbox, messages.length)) return refused({ kind: 'uids-exhausted' })
  const uidls = new Set(mailbox.rows.flatMap((row) => (row.goneAt === undefined ? [row.uidl] : [])))
  for (const { uidl } of messages) {
    if (uidl !== undefined && uidls.has(uidl)) return refused({ kind: 'uidl-taken', uidl })
    uidls.add(uidl)
  }
  const flags = packAll(
    account,
    messages.map((message) => withoutGuestSeen(message.flags, guest)),
  )
  if (!flags.ok) return flags
  if (messages.length === 0) return done({ modseq: account.modseq, uidValidity: mailbox.uidValidity, uids: [] })

  nextModseq(account)
  const uids = messages.map((message, index) => {
    const email = newEmail(account, message.email, commit.keepBody(message.body), message)
    const packed = flags.value[index] ?? packFlags(0, 0)
    const uid = settle(commit, account, mailbox, { email, flags: packed, uidl: message.uidl })
    if (guest !== undefined && (message.flags.system & SEEN) !== 0) setSeen(account, mailbox, guest.user, uid, true)
    return uid
  })
  record(commit, account, 'appended', mailbox.key, uidSetOf(uids))
  touchMessages(commit, account, mailbox)
  return done({ modseq: account.modseq, uidValidity: mailbox.uidValidity, uids })
}

/** Each recipient is decided alone; those who get the message share its body. */
export function deliver(commit: Commit, request: DeliverRequest): Result<Delivered, DeliverRefusal>[] {
  let place: ReturnType<Commit['keepBody']> | undefined
  return request.recipients.map((recipient) => {
    const account = commit.accounts.get(recipient.account.id)
    if (account === undefined) return refused({ kind: 'no-such-account' })
    if (account.frozen) return refused({ kind: 'unavailable', reason: 'moving' })
    const mailbox = postable(account, recipient.mailbox) ?? account.byName.get('INBOX')
    if (mailbox === undefined) throw new Error(`Account ${account.id} has no INBOX`)
    const quota = overQuota(account, recipient.trace.length + sizeOf(request.body), 1)
    if (quota !== undefined) return refused(quota)
    if (!uidsLeft(commit, mailbox, 1)) return refused({ kind: 'uids-exhausted' })
    place ??= commit.keepBody(request.body)
    nextModseq(account)
    const email = newEmail(account, request.email, place, recipient)
    const uid = settle(commit, account, mailbox, { email, flags: deliveryFlags(account, recipient), uidl: undefined })
    touchMessages(commit, account, mailbox)
    return done({ modseq: account.modseq, mailbox: mailbox.key, uidValidity: mailbox.uidValidity, uid })
  })
}

export const changeFlags: Handler<'changeFlags'> = (commit, asked) => {
  const { guest } = asked
  const request = { ...asked, flags: permitted(asked.flags, guest) }
  const found = find(commit, request)
  if (!found.ok) return found
  const { account, mailbox } = found.value
  const rows: Row[] = []
  const modified: number[] = []
  const present: number[] = []
  for (const row of rowsIn(mailbox, request.uids)) {
    if (row.goneAt !== undefined) continue
    present.push(row.uid)
    if (request.unchangedSince !== undefined && asSeen(mailbox, row, guest?.user).modseq > request.unchangedSince)
      modified.push(row.uid)
    else rows.push(row)
  }
  const wanted = packAll(
    account,
    rows.map((row) => combined(account, asSeen(mailbox, row, guest?.user), request)),
  )
  if (!wanted.ok) return wanted
  const changed: Pick<Row, 'uid' | 'flags'>[] = []
  for (const [index, row] of rows.entries()) {
    const flags = wanted.value[index]
    const before = asSeen(mailbox, row, guest?.user)
    if (flags === undefined || flags === before.flags) continue
    if (changed.length === 0) nextModseq(account)
    if (guest === undefined) setFlags(account, mailbox, row, flags, account.modseq)
    else {
      const seen = (flags & SEEN) !== 0
      if (seen !== ((before.flags & SEEN) !== 0)) setSeen(account, mailbox, guest.user, row.uid, seen)
      const own = withSeen(flags, (row.flags & SEEN) !== 0)
      if (own !== row.flags) setFlags(account, mailbox, row, own, account.modseq)
    }
    changed.push({ uid: row.uid, flags })
  }
  if (changed.length > 0) {
    const detail = SIGNS[request.action] + flagNames(request.flags).join(' ')
    record(commit, account, 'flags', mailbox.key, uidSetOf(changed.map(({ uid }) => uid)), { detail })
    touchMessages(commit, account, mailbox)
  }
  return done({
    modseq: account.modseq,
    changed: {
      uids: Uint32Array.from(changed, (row) => row.uid),
      flags: Uint32Array.from(changed, (row) => row.flags),
      modseqs: new Float64Array(changed.length).fill(account.modseq),
    },
    modified: uidSetOf(modified),
    gone: uidsWithout(request.uids, present),
  })
}

export const copy: Handler<'copy'> = (commit, request) => {
  const found = findBoth(commit, request)
  if (!found.ok) return found
  const { account, rows, target } = found.value
  const quota = overQuota(account, sum(rows.map((row) => row.email.size)), rows.length)
  if (quota !== undefined) return refused(quota)
  if (!uidsLeft(commit, target, rows.length)) return refused({ kind: 'uids-exhausted' })
  if (rows.length > 0) nextModseq(account)
  const to = rows.map((row) => copyRow(commit, found.value, row, request.guest))
  recordTransfer(commit, found.value, 'copied', to)
  if (rows.length > 0) touchMessages(commit, account, target)
  return done({
    modseq: account.modseq,
    uidValidity: target.uidValidity,
    from: uidSetOf(rows.map((row) => row.uid)),
    to: uidSetOf(to),
  })
}

export const move: Handler<'move'> = (commit, request) => {
  const found = findBoth(commit, request)
  if (!found.ok) return found
  const { account, mailbox, rows, target } = found.value
  if (!uidsLeft(commit, target, rows.length)) return refused({ kind: 'uids-exhausted' })
  if (rows.length > 0) nextModseq(account)
  const to = rows.map((row) => copyRow(commit, found.value, row, request.guest))
  recordTransfer(commit, found.value, 'moved', to)
  bury(commit, account, mailbox, rows, 'move')
  if (rows.length > 0) {
    touchMessages(commit, account, mailbox)
    if (target !== mailbox) touchMessages(commit, account, target)
  }
  return done({
    modseq: account.modseq,
    uidValidity: target.uidValidity,
    from: uidSetOf(rows.map((row) => row.uid)),
    to: uidSetOf(to),
  })
}

export const replace: Handler<'replace'> = (commit, request) => {
  const { uid, guest } = request
  const message = { ...request.message, flags: permitted(request.message.flags, guest) }
  const found = findBoth(commit, { ...request, uids: [[uid, uid]] })
  if (!found.ok) return found
  const { account, mailbox, rows, target } = found.value
  const old = rows[0]
  if (old === undefined) return refused({ kind: 'no-such-message' })
  const { storageBytes } = account.limits
  const more = message.trace.length + sizeOf(message.body) - old.email.size
  if (storageBytes !== undefined && more > 0 && account.storageBytes + more > storageBytes)
    return refused({ kind: 'over-quota', resource: 'storage', limit: storageBytes })
  if (!uidsLeft(commit, target, 1)) return refused({ kind: 'uids-exhausted' })
  const flags = packAll(account, [withoutGuestSeen(message.flags, guest)])
  if (!flags.ok) return flags

  nextModseq(account)
  const email = newEmail(account, message.email, commit.keepBody(message.body), message)
  const added = settle(commit, account, target, { email, flags: flags.value[0] ?? packFlags(0, 0), uidl: undefined })
  if (guest !== undefined && (message.flags.system & SEEN) !== 0) setSeen(account, target, guest.user, added, true)
  recordTransfer(commit, found.value, 'replaced', [added])
  bury(commit, account, mailbox, rows, 'replace')
  touchMessages(commit, account, mailbox)
  if (target !== mailbox) touchMessages(commit, account, target)
  return done({ modseq: account.modseq, uidValidity: target.uidValidity, uid: added })
}

export const expunge: Handler<'expunge'> = (commit, request) => expungeAs(commit, request, 'expunge')

function expungeAs(commit: Commit, request: ExpungeRequest, cause: Cause): ReturnType<typeof expunge> {
  const found = find(commit, request)
  if (!found.ok) return found
  const { account, mailbox } = found.value
  const asked = request.uids === undefined ? mailbox.rows : [...rowsIn(mailbox, request.uids)]
  const rows = asked.filter(
    (row) => row.goneAt === undefined && (request.which === 'any' || (row.flags & DELETED) !== 0),
  )
  if (rows.length > 0) {
    nextModseq(account)
    record(commit, account, 'expunged', mailbox.key, uidSetOf(rows.map((row) => row.uid)))
    bury(commit, account, mailbox, rows, cause)
    touchMessages(commit, account, mailbox)
  }
  return done({ modseq: account.modseq, expunged: uidSetOf(rows.map((row) => row.uid)) })
}

export const applyMaildrop: Handler<'applyMaildrop'> = (commit, request) => {
  const found = find(commit, request)
  if (!found.ok) return found
  const { account, by, mailbox, downloaded, markSeen, removed } = request
  const told = [...rowsIn(found.value.mailbox, request.fetched ?? downloaded)].map((row) => row.uid)
  record(commit, found.value.account, 'fetched', mailbox, uidSetOf(told))
  for (const row of rowsIn(found.value.mailbox, downloaded)) {
    if (row.goneAt === undefined && row.downloadedAt === 0) row.downloadedAt = commit.now
  }
  if (markSeen) {
    const flags = { system: SEEN, keywords: [] }
    changeFlags(commit, { account, by, mailbox, uids: downloaded, action: 'add', flags, unchangedSince: undefined })
  }
  return expungeAs(commit, { account, by, mailbox, uids: removed, which: 'any' }, 'maildrop')
}

function recordTransfer(
  commit: Commit,
  { account, mailbox, target, rows }: Both,
  kind: 'copied' | 'moved' | 'replaced',
  to: readonly Uid[],
): void {
  const [first] = to
  const uids = uidSetOf(rows.map((row) => row.uid))
  if (first !== undefined) record(commit, account, kind, mailbox.key, uids, { to: { mailbox: target.key, first } })
}

type Found<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: { readonly kind: 'no-such-account' } | { readonly kind: 'no-such-mailbox' } }

function find(
  commit: Commit,
  request: Pick<TransferRequest, 'account' | 'mailbox'>,
): Found<{ readonly account: Account; readonly mailbox: Mailbox }> {
  const account = commit.accounts.get(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const mailbox = account.byKey.get(request.mailbox)
  if (mailbox === undefined) return refused({ kind: 'no-such-mailbox' })
  return done({ account, mailbox })
}

interface Both {
  readonly account: Account
  readonly mailbox: Mailbox
  readonly target: Mailbox
  readonly rows: readonly Row[]
}

function findBoth(commit: Commit, request: TransferRequest): Found<Both> {
  const found = find(commit, request)
  if (!found.ok) return found
  const { account, mailbox } = found.value
  const target = account.byKey.get(request.target)
  if (target === undefined) return refused({ kind: 'no-such-mailbox' })
  const rows = [...rowsIn(mailbox, request.uids)].filter((row) => row.goneAt === undefined)
  return done({ account, mailbox, target, rows })
}

/** The mailbox, unless its owner has taken the right to post there from everybody (RFC 4314 §2.1: `p`). */
function postable(account: Account, name: string): Mailbox | undefined {
  const mailbox = account.byName.get(canonicalMailboxName(name))
  return mailbox?.name !== 'INBOX' && mailbox?.acl.get(`-${ANYONE}`)?.includes('p') === true ? undefined : mailbox
}

function permitted(flags: Flags, guest: Guest | undefined): Flags {
  return guest === undefined ? flags : permittedFlags(flags, guest.rights)
}

/** `\Seen` of the message is the owner's. */
function withoutGuestSeen({ system, keywords }: Flags, guest: Guest | undefined): Flags {
  return { system: guest === undefined ? system : system & ~SEEN, keywords }
}

/** Copies one message, with what has been seen of it and the flags that a guest's rights allow. */
function copyRow(commit: Commit, { account, mailbox, target }: Both, row: Row, guest: Guest | undefined): Uid {
  const allowed = permitted({ system: systemFlags(row.flags), keywords: keywordsOf(account, row.flags) }, guest)
  const system = guest === undefined ? allowed.system : (allowed.system & ~SEEN) | (row.flags & SEEN)
  const flags = packFlags(system, allowed.keywords.length > 0 ? keywordSetId(row.flags) : 0)
  const uid = settle(commit, account, target, { email: row.email, flags, uidl: undefined })
  copySeen(account, mailbox, row.uid, target, uid, guest?.rights.includes('s') === false ? guest.user : undefined)
  return uid
}

function combined(account: Account, row: Pick<Row, 'flags'>, { action, flags, guest }: ChangeFlagsRequest): Flags {
  const has = keywordsOf(account, row.flags)
  const system = systemFlags(row.flags)
  switch (action) {
    case 'replace': {
      if (guest === undefined) return flags
      const mask = changeableFlags(guest.rights)
      return {
        system: (system & ~mask) | flags.system,
        keywords: guest.rights.includes('w') ? flags.keywords : has,
      }
    }
    case 'add':
      return { system: system | flags.system, keywords: [...has, ...flags.keywords] }
    case 'remove': {
      const without = new Set(flags.keywords.map((keyword) => keyword.toLowerCase()))
      return { system: system & ~flags.system, keywords: has.filter((each) => !without.has(each.toLowerCase())) }
    }
  }
}

/** Packs flags for several messages, or refuses before any keyword set is made. */
function packAll(
  account: Account,
  all: readonly Flags[],
): { readonly ok: true; readonly value: PackedFlags[] } | { readonly ok: false; readonly error: TooManyKeywords } {
  const fresh = new Set<string>()
  for (const { keywords } of all) {
    const name = keywordSetName(keywords)
    if (account.keywordSetIds.has(name) || fresh.has(name)) continue
    fresh.add(name)
    if (name.split(' ').length > MAX_KEYWORDS) return refused({ kind: 'too-many-keywords', limit: MAX_KEYWORDS })
    if (keywords.some((keyword) => Buffer.byteLength(keyword) > MAX_KEYWORD_OCTETS))
      return refused({ kind: 'too-many-keywords', limit: MAX_KEYWORD_OCTETS })
  }
  if (account.keywordSets.length + fresh.size > MAX_KEYWORD_SETS)
    return refused({ kind: 'too-many-keywords', limit: MAX_KEYWORD_SETS })
  return done(
    all.map(({ system, keywords }) => packFlags(system & SYSTEM_MASK, internKeywords(account, keywords) ?? 0)),
  )
}

/** Keywords that a rule of the recipient sets are no reason to refuse mail: too many are left out. */
function deliveryFlags(account: Account, { flags }: Recipient): PackedFlags {
  const packed = packAll(account, [flags])
  return packed.ok ? (packed.value[0] ?? packFlags(0, 0)) : packFlags(flags.system & SYSTEM_MASK, 0)
}

export function overQuota(account: Account, octets: number, messages: number): OverQuota | undefined {
  const { storageBytes, messages: most } = account.limits
  if (messages === 0) return undefined
  if (storageBytes !== undefined && account.storageBytes + octets > storageBytes)
    return { kind: 'over-quota', resource: 'storage', limit: storageBytes }
  if (most !== undefined && account.messages + messages > most)
    return { kind: 'over-quota', resource: 'message', limit: most }
  return undefined
}

/** UIDNEXT must stay a UID, too. */
export function uidsLeft(commit: Commit, mailbox: Mailbox, wanted: number): boolean {
  return mailbox.uidNext + wanted <= commit.knobs.largestUid
}

function sizeOf(body: StagedBody): number {
  return body.kind === 'big' ? body.size : body.bytes.length
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
