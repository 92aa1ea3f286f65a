/** Writes that change messages. @module */
import { done, type Result, refused } from '#lib/result.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { DELETED, type Flags, type PackedFlags, packFlags, SEEN, systemFlags } from '#store/flags.ts'
import { MAX_KEYWORD_OCTETS, MAX_KEYWORD_SETS, MAX_KEYWORDS } from '#store/limits.ts'
import { canonicalMailboxName } from '#store/mailbox-name.ts'
import type { StagedBody } from '#store/types.ts'
import type {
  ChangeFlagsRequest,
  Delivered,
  DeliverRefusal,
  DeliverRequest,
  OverQuota,
  Recipient,
  TooManyKeywords,
  TransferRequest,
} from '#store/writes.ts'
import { type Commit, type Handler, nextModseq, touchMessages } from './commit.ts'
import { bury, newEmail, setFlags, settle } from './rows.ts'
import { type Account, internKeywords, keywordSetName, keywordsOf, type Mailbox, type Row, rowsIn } from './state.ts'
import { uidsWithout } from './uids.ts'

const SYSTEM_MASK = 0x1f

export const append: Handler<'append'> = (commit, request) => {
  const found = find(commit, request)
  if (!found.ok) return found
  const { account, mailbox } = found.value
  const { messages } = request
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
    messages.map((message) => message.flags),
  )
  if (!flags.ok) return flags
  if (messages.length === 0) return done({ modseq: account.modseq, uidValidity: mailbox.uidValidity, uids: [] })

  nextModseq(account)
  const uids = messages.map((message, index) => {
    const email = newEmail(account, message.email, commit.keepBody(message.body), message)
    return settle(commit, account, mailbox, { email, flags: flags.value[index] ?? packFlags(0, 0), uidl: message.uidl })
  })
  touchMessages(commit, account, mailbox)
  return done({ modseq: account.modseq, uidValidity: mailbox.uidValidity, uids })
}

/** Each recipient is decided alone; those who get the message share its body. */
export function deliver(commit: Commit, request: DeliverRequest): Result<Delivered, DeliverRefusal>[] {
  let place: ReturnType<Commit['keepBody']> | undefined
  return request.recipients.map((recipient) => {
    const account = commit.accounts.get(recipient.account.id)
    if (account === undefined) return refused({ kind: 'no-such-account' })
    const mailbox = account.byName.get(canonicalMailboxName(recipient.mailbox)) ?? account.byName.get('INBOX')
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

export const changeFlags: Handler<'changeFlags'> = (commit, request) => {
  const found = find(commit, request)
  if (!found.ok) return found
  const { account, mailbox } = found.value
  const rows: Row[] = []
  const modified: number[] = []
  const present: number[] = []
  for (const row of rowsIn(mailbox, request.uids)) {
    if (row.goneAt !== undefined) continue
    present.push(row.uid)
    if (request.unchangedSince !== undefined && row.modseq > request.unchangedSince) modified.push(row.uid)
    else rows.push(row)
  }
  const wanted = packAll(
    account,
    rows.map((row) => combined(account, row, request)),
  )
  if (!wanted.ok) return wanted
  const changed: Row[] = []
  for (const [index, row] of rows.entries()) {
    const flags = wanted.value[index]
    if (flags === undefined || flags === row.flags) continue
    if (changed.length === 0) nextModseq(account)
    setFlags(account, mailbox, row, flags, account.modseq)
    changed.push(row)
  }
  if (changed.length > 0) touchMessages(commit, account, mailbox)
  return done({
    modseq: account.modseq,
    changed: {
      uids: Uint32Array.from(changed, (row) => row.uid),
      flags: Uint32Array.from(changed, (row) => row.flags),
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
  const to = rows.map(({ email, flags }) => settle(commit, account, target, { email, flags, uidl: undefined }))
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
  bury(commit, account, mailbox, rows)
  const to = rows.map(({ email, flags }) => settle(commit, account, target, { email, flags, uidl: undefined }))
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
  const { uid, message } = request
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
  const flags = packAll(account, [message.flags])
  if (!flags.ok) return flags

  nextModseq(account)
  const email = newEmail(account, message.email, commit.keepBody(message.body), message)
  const added = settle(commit, account, target, { email, flags: flags.value[0] ?? packFlags(0, 0), uidl: undefined })
  bury(commit, account, mailbox, rows)
  touchMessages(commit, account, mailbox)
  if (target !== mailbox) touchMessages(commit, account, target)
  return done({ modseq: account.modseq, uidValidity: target.uidValidity, uid: added })
}

export const expunge: Handler<'expunge'> = (commit, request) => {
  const found = find(commit, request)
  if (!found.ok) return found
  const { account, mailbox } = found.value
  const asked = request.uids === undefined ? mailbox.rows : [...rowsIn(mailbox, request.uids)]
  const rows = asked.filter(
    (row) => row.goneAt === undefined && (request.which === 'any' || (row.flags & DELETED) !== 0),
  )
  if (rows.length > 0) {
    nextModseq(account)
    bury(commit, account, mailbox, rows)
    touchMessages(commit, account, mailbox)
  }
  return done({ modseq: account.modseq, expunged: uidSetOf(rows.map((row) => row.uid)) })
}

export const applyMaildrop: Handler<'applyMaildrop'> = (commit, request) => {
  const found = find(commit, request)
  if (!found.ok) return found
  const { account, by, mailbox, downloaded, markSeen, removed } = request
  for (const row of rowsIn(found.value.mailbox, downloaded)) {
    if (row.goneAt === undefined && row.downloadedAt === 0) row.downloadedAt = commit.now
  }
  if (markSeen) {
    const flags = { system: SEEN, keywords: [] }
    changeFlags(commit, { account, by, mailbox, uids: downloaded, action: 'add', flags, unchangedSince: undefined })
  }
  return expunge(commit, { account, by, mailbox, uids: removed, which: 'any' })
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

function combined(account: Account, row: Row, { action, flags }: ChangeFlagsRequest): Flags {
  const has = keywordsOf(account, row.flags)
  const system = systemFlags(row.flags)
  switch (action) {
    case 'replace':
      return flags
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

function overQuota(account: Account, octets: number, messages: number): OverQuota | undefined {
  const { storageBytes, messages: most } = account.limits
  if (messages === 0) return undefined
  if (storageBytes !== undefined && account.storageBytes + octets > storageBytes)
    return { kind: 'over-quota', resource: 'storage', limit: storageBytes }
  if (most !== undefined && account.messages + messages > most)
    return { kind: 'over-quota', resource: 'message', limit: most }
  return undefined
}

/** UIDNEXT must stay a UID, too. */
function uidsLeft(commit: Commit, mailbox: Mailbox, wanted: number): boolean {
  return mailbox.uidNext + wanted <= commit.knobs.largestUid
}

function sizeOf(body: StagedBody): number {
  return body.kind === 'big' ? body.size : body.bytes.length
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
