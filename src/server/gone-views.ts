/** Undelete and history as verbs answer them: what was asked for in words, found in the store. @module */
import type { EmailKey, Uid } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { emailsOfTransaction, type HistoryEntry, historyOf, type Place } from '#services/history.ts'
import { resultsSaid } from '#services/inbound-checks.ts'
import { bringBack, type Chosen, chooseDeleted, type UndeleteChoice, type UndeleteReport } from '#services/undelete.ts'
import { flagNames, keywordSetId, systemFlags } from '#store/flags.ts'
import type { Cause } from '#store/gone.ts'
import type { MailStore } from '#store/mail-store.ts'
import { canonicalMailboxName } from '#store/mailbox-name.ts'
import { type AccountRef, NARROW } from '#store/types.ts'
import { type VerbRefusal, VerbRefused } from './verbs.ts'

/** Which deleted mail; times in milliseconds since 1970. */
export interface UndeleteArgs {
  readonly address: string
  readonly since: number | null
  readonly until: number | null
  readonly asOf: number | null
  readonly mailbox: string | null
  /** As `history` takes it. */
  readonly message: string | null
  readonly into: string | null
  readonly copies: boolean
}

/** One message that may come back. */
export interface DeletedView {
  readonly emailId: string
  readonly mailbox: string
  readonly mailboxGone: boolean
  readonly uid: number
  /** ISO 8601. */
  readonly deleted: string
  readonly how: Cause
  readonly flags: readonly string[]
  readonly size: number
  readonly from: string
  readonly subject: string
  readonly messageId: string | null
}

/** The newest of them, and how many there are. */
export interface DeletedListing {
  readonly messages: number
  readonly bytes: number
  /** Also deleted, but another mailbox still holds them. */
  readonly kept: number
  /** Deleted mailboxes among them, by name. */
  readonly mailboxes: readonly string[]
  readonly list: readonly DeletedView[]
}

/** One email and what happened to it. */
export interface HistoryView {
  readonly emailId: string
  readonly messageId: string | null
  readonly subject: string
  readonly from: string
  readonly places: readonly PlaceView[]
  readonly events: readonly HistoryEventView[]
}

/** `mailbox` is `null` where nobody knows its name any more. */
export interface PlaceView {
  readonly mailbox: string | null
  readonly uid: number
}

export interface HistoryEventView extends PlaceView {
  /** ISO 8601. */
  readonly at: string
  readonly kind: HistoryEntry['kind']
  readonly to: PlaceView | null
  /** Of `flags`: `+`, `-` or `=`, then flags. */
  readonly flags: string | null
  /** Protocol, or the command of Malle; `null` where nobody knows. */
  readonly by: string | null
  readonly session: string | null
  readonly peer: string | null
  readonly account: string | null
  readonly appPassword: string | null
  /** Of a delivery: the envelope sender. */
  readonly sender: string | null
  /** Of a delivery: what the checks found, `spf=pass, dkim=pass example.org, dmarc=pass`; `null` without any. */
  readonly checks: string | null
}

/** Longer lists are cut to their newest. */
const MOST_LISTED = 1_000

/** What would come back. */
export async function listDeleted(store: MailStore, account: AccountRef, args: UndeleteArgs): Promise<DeletedListing> {
  const chosen = await chosenOf(store, account, args)
  const sets = await store.keywordSets(account, 0)
  const all = chosen.mailboxes.flatMap((box) => box.messages.map((message) => ({ box, message })))
  all.sort((a, b) => b.message.deletedAt - a.message.deletedAt || b.message.uid - a.message.uid)
  const shown = all.slice(0, MOST_LISTED)
  const list: DeletedView[] = []
  for (const box of chosen.mailboxes) {
    const own = new Map(shown.flatMap((one) => (one.box === box ? [[one.message.uid, one.message]] : [])))
    const uids = uidSetOf([...own.keys()].sort((a, b) => a - b))
    for await (const rows of store.emails(account, box.key, uids, NARROW))
      for (const row of rows) {
        const message = own.get(row.uid)
        if (message === undefined) continue
        const { flags, deletedAt, cause, size } = message
        list.push({
          emailId: `M${row.email}`,
          mailbox: box.name,
          mailboxGone: box.gone,
          uid: row.uid,
          deleted: new Date(deletedAt).toISOString(),
          how: cause,
          flags: flagNames({ system: systemFlags(flags), keywords: sets[keywordSetId(flags)] ?? [] }),
          size,
          from: row.narrow?.from ?? '',
          subject: row.narrow?.subject ?? '',
          messageId: row.narrow?.messageId ?? null,
        })
      }
  }
  list.sort((a, b) => (a.deleted === b.deleted ? b.uid - a.uid : a.deleted < b.deleted ? 1 : -1))
  const { messages, bytes, kept } = chosen
  const mailboxes = chosen.mailboxes.filter(({ gone }) => gone).map(({ name }) => name)
  return { messages, bytes, kept, mailboxes, list }
}

/** Brings it back; with `dryRun`, says what would be. */
export async function undeleteMail(
  store: MailStore,
  account: AccountRef,
  args: UndeleteArgs & { readonly dryRun: boolean },
  progress: (value: unknown) => void,
): Promise<UndeleteReport> {
  const chosen = await chosenOf(store, account, args)
  const { messages, bytes, kept } = chosen
  const into = args.into ?? undefined
  if (args.dryRun) {
    const mailboxes = chosen.mailboxes.map(({ name, gone, messages: own }) => ({
      from: name,
      to: into ?? name,
      messages: own.length,
      made: gone,
    }))
    return { messages, bytes, kept, mailboxes }
  }
  const report = await bringBack(store, account, chosen, { into, copies: args.copies }, progress)
  if (!report.ok) throw new VerbRefused(report.error)
  return report.value
}

async function chosenOf(store: MailStore, account: AccountRef, args: UndeleteArgs): Promise<Chosen> {
  const { since, until, asOf, mailbox, message, into, copies } = args
  const choice: UndeleteChoice = {
    since: since ?? undefined,
    until: until ?? undefined,
    asOf: asOf ?? undefined,
    mailbox: mailbox ?? undefined,
    emails: message === null ? undefined : await emailsOf(store, account, message, null),
    into: into ?? undefined,
    copies,
  }
  const chosen = await chooseDeleted(store, account, choice)
  if (!chosen.ok) throw new VerbRefused(chosen.error)
  return chosen.value
}

/** @param message A Message-ID, an EMAILID, the id of an SMTP reply, or with a mailbox a UID. */
export async function messageHistory(
  store: MailStore,
  account: AccountRef,
  { message, mailbox }: { readonly message: string; readonly mailbox: string | null },
): Promise<readonly HistoryView[]> {
  const views: HistoryView[] = []
  for (const email of await emailsOf(store, account, message, mailbox)) {
    const view = await historyView(store, account, email)
    if (view !== undefined) views.push(view)
  }
  if (views.length === 0) throw new VerbRefused(noSuchMessage(message))
  return views
}

/** `undefined`: there is no such email. */
export async function historyView(
  store: MailStore,
  account: AccountRef,
  email: EmailKey,
): Promise<HistoryView | undefined> {
  const history = await historyOf(store, account, email)
  if (history === undefined) return undefined
  const { messageId, subject, from, places, entries } = history
  const events = entries.map(eventView)
  return { emailId: `M${email}`, messageId: messageId ?? null, subject, from, places: places.map(placeView), events }
}

function placeView({ mailbox, uid }: Place): PlaceView {
  return { mailbox: mailbox ?? null, uid }
}

function eventView({ at, kind, place, to, detail, by, origin }: HistoryEntry): HistoryEventView {
  return {
    at: new Date(at).toISOString(),
    kind,
    ...placeView(place),
    to: to === undefined ? null : placeView(to),
    flags: detail ?? null,
    by: origin?.protocol.toLowerCase() ?? by?.service ?? null,
    session: origin?.id ?? by?.session ?? null,
    peer: origin?.hidden === true ? null : (origin?.remoteAddress ?? by?.peer ?? null),
    account: by?.address ?? null,
    appPassword: by?.appPassword ?? null,
    sender: origin?.sender ?? null,
    checks: origin?.results === undefined ? null : resultsSaid(origin.results),
  }
}

function noSuchMessage(message: string): VerbRefusal {
  return { kind: 'no-such-message', message }
}

async function emailsOf(
  store: MailStore,
  account: AccountRef,
  message: string,
  mailbox: string | null,
): Promise<readonly EmailKey[]> {
  let found: readonly EmailKey[] = []
  const id = /^M([1-9]\d{0,14})$/.exec(message)?.[1]
  if (id !== undefined) found = [Number(id) as EmailKey]
  else if (/^[1-9]\d{0,9}$/.test(message)) found = await emailAt(store, account, mailbox ?? 'INBOX', Number(message))
  else found = await store.emailsByMessageId(account, message.startsWith('<') ? message : `<${message}>`)
  if (found.length === 0) found = (await emailsOfTransaction(store, message, account.id)).map(({ email }) => email)
  if (found.length === 0) throw new VerbRefused(noSuchMessage(message))
  return found
}

/** A UID is looked for in the mailbox of that name, and in those of it that are gone. */
async function emailAt(store: MailStore, account: AccountRef, name: string, uid: number): Promise<EmailKey[]> {
  const wanted = canonicalMailboxName(name)
  const boxes = [...(await store.mailboxes(account)), ...(await store.goneMailboxes(account))]
  const keys = boxes.filter((box) => box.name === wanted).map(({ key }) => key)
  if (keys.length === 0) throw new VerbRefused({ kind: 'no-such-mailbox', mailbox: name })
  const emails: EmailKey[] = []
  for (const key of keys)
    for await (const rows of store.emails(account, key, [[uid as Uid, uid as Uid]], 0))
      for (const row of rows) emails.push(row.email)
  return emails
}
