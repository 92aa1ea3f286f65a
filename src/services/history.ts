/** The history of one message: where it came from, where it went, and who did what to it. @module */
import type { AccountId, EmailKey, MailboxKey, Uid } from '#mail/ids.ts'
import { type UidSet, uidSetSize } from '#mail/uid-set.ts'
import { type Actor, parseActor } from '#store/actor.ts'
import type { EmailPlace, EventKind, MessageEvent, OwnedEmail } from '#store/gone.ts'
import type { MailStore } from '#store/mail-store.ts'
import { type AccountRef, type EmailRow, NARROW } from '#store/types.ts'
import { type Origin, originOfTrace } from './trace-lines.ts'

/** A message in a mailbox. */
export interface Place {
  /** Name of the mailbox, as it is called now or was at last; `undefined` where nobody knows any more. */
  readonly mailbox: string | undefined
  readonly uid: number
}

/** One line of the history. */
export interface HistoryEntry {
  /** Milliseconds since 1970. */
  readonly at: number
  /** `delivered` has an origin; `arrived` is all that is known of what came before the history begins. */
  readonly kind: EventKind | 'delivered' | 'arrived'
  readonly place: Place
  /** Where it went from there. */
  readonly to: Place | undefined
  /** Of `flags`: `+`, `-` or `=`, then flags. */
  readonly detail: string | undefined
  /** Who asked for it. */
  readonly by: Actor | undefined
  /** Of `delivered`: what the trace lines say. */
  readonly origin: Origin | undefined
}

/** One email with what happened to it. */
export interface MessageHistory {
  readonly email: EmailKey
  readonly messageId: string | undefined
  readonly subject: string
  readonly from: string
  /** Where it is now. */
  readonly places: readonly Place[]
  /** In their order. */
  readonly entries: readonly HistoryEntry[]
}

/** Tells what happened to an email; `undefined` when there is none such. */
export async function historyOf(
  store: MailStore,
  account: AccountRef,
  email: EmailKey,
): Promise<MessageHistory | undefined> {
  const places = await store.places(account, email)
  const [first] = places
  const row = first === undefined ? undefined : await rowAt(store, account, first)
  if (first === undefined || row === undefined) return undefined
  const boxes = [...(await store.goneMailboxes(account)), ...(await store.mailboxes(account))]
  const names = new Map(boxes.map(({ key, name }) => [key, name]))
  const placeOf = ([mailbox, uid]: Spot): Place => ({ mailbox: names.get(mailbox), uid })

  const events = await allEvents(store, account)
  const { spots, followed } = follow(places, events)
  const entries: HistoryEntry[] = []
  for (const event of events) {
    for (const [mailbox, uid] of spots) {
      const to = event.to === undefined ? undefined : targetOf(event, [mailbox, uid])
      const base = { at: event.at, to: undefined, detail: event.detail, by: parseActor(event.by), origin: undefined }
      if (mailbox === event.mailbox && indexIn(event.uids, uid) >= 0) {
        // What REPLACE put in its place is another message.
        const went = event.kind === 'replaced' || to === undefined ? undefined : placeOf(to)
        entries.push({ ...base, kind: event.kind, place: placeOf([mailbox, uid]), to: went })
      }
      if (event.kind === 'replaced' && event.to?.mailbox === mailbox && event.to.first === uid)
        entries.push({ ...base, kind: 'appended', place: placeOf([mailbox, uid]) })
    }
  }
  if (!entries.some(({ kind }) => kind === 'appended')) {
    const origin = originOfTrace(row.trace)
    const root = spots.find((spot) => !followed.has(keyOf(spot))) ?? [first.mailbox, first.uid]
    entries.unshift({
      at: origin === undefined ? Math.min(first.savedAt, entries[0]?.at ?? first.savedAt) : row.internalDate,
      kind: origin === undefined ? 'arrived' : 'delivered',
      place: placeOf(root),
      to: undefined,
      detail: undefined,
      by: undefined,
      origin,
    })
  }
  return {
    email,
    messageId: row.narrow?.messageId,
    subject: row.narrow?.subject ?? '',
    from: row.narrow?.from ?? '',
    places: places.filter((each) => each.deletedAt === undefined).map(({ mailbox, uid }) => placeOf([mailbox, uid])),
    entries,
  }
}

/** `tp8akp-1.2`: the second of a run that began at a time, a connection, a message. */
const ID = /^([0-9a-z]{1,10})-[0-9a-z-]{1,20}\.\d{1,9}$/i

/** Emails that came by a transaction; none where it is no id of one. Walks over all mail since the run began. */
export async function emailsOfTransaction(
  store: MailStore,
  id: string,
  account?: AccountId,
): Promise<readonly OwnedEmail[]> {
  const run = ID.exec(id)?.[1]
  if (run === undefined) return []
  // what waited in the queue for people here has a suffix
  const found = await store.emailsByTrace([` id ${id}\r\n`, ` id ${id}.h`], Number.parseInt(run, 36) * 1_000)
  return account === undefined ? found : found.filter((one) => one.account === account)
}

/** A UID of a mailbox: one message for ever. */
type Spot = readonly [mailbox: MailboxKey, uid: Uid]

function keyOf([mailbox, uid]: Spot): string {
  return `${mailbox}/${uid}`
}

/**
 * Everywhere an email was: from where it is known to be or to have been, back to where it came from, and from there to
 * copies that are forgotten. @returns the spots, and those that it reached from another.
 */
function follow(
  places: readonly EmailPlace[],
  events: readonly MessageEvent[],
): { readonly spots: readonly Spot[]; readonly followed: ReadonlySet<string> } {
  const spots = new Map(places.map(({ mailbox, uid }) => [keyOf([mailbox, uid]), [mailbox, uid] as Spot]))
  const followed = new Set<string>()
  const transfers = events.filter(({ kind, to }) => to !== undefined && kind !== 'replaced')
  const add = (spot: Spot): void => {
    spots.set(keyOf(spot), spot)
  }
  for (const event of transfers.toReversed())
    for (const spot of spots.values()) {
      const source = sourceOf(event, spot)
      if (source !== undefined) add(source)
    }
  for (const event of transfers)
    for (const spot of spots.values()) {
      const target = targetOf(event, spot)
      if (target === undefined) continue
      add(target)
      followed.add(keyOf(target))
    }
  return { spots: [...spots.values()], followed }
}

/** Where a message came from that an event brought to this spot. */
function sourceOf({ mailbox, uids, to }: MessageEvent, [box, uid]: Spot): Spot | undefined {
  if (to?.mailbox !== box) return undefined
  let left = uid - to.first
  if (left < 0 || left >= uidSetSize(uids)) return undefined
  for (const [first, last] of uids) {
    if (left <= last - first) return [mailbox, (first + left) as Uid]
    left -= last - first + 1
  }
  return undefined
}

/** Where an event brought the message of this spot. */
function targetOf({ mailbox, uids, to }: MessageEvent, [box, uid]: Spot): Spot | undefined {
  if (to === undefined || mailbox !== box) return undefined
  const index = indexIn(uids, uid)
  return index < 0 ? undefined : [to.mailbox, (to.first + index) as Uid]
}

/** How many of the set are below the UID; -1 when it is not in the set. */
function indexIn(uids: UidSet, uid: Uid): number {
  let before = 0
  for (const [first, last] of uids) {
    if (uid < first) return -1
    if (uid <= last) return before + uid - first
    before += last - first + 1
  }
  return -1
}

async function rowAt(
  store: MailStore,
  account: AccountRef,
  { mailbox, uid }: EmailPlace,
): Promise<EmailRow | undefined> {
  for await (const [row] of store.emails(account, mailbox, [[uid, uid]], NARROW)) return row
  return undefined
}

async function allEvents(store: MailStore, account: AccountRef): Promise<readonly MessageEvent[]> {
  const limit = 1_000
  const all: MessageEvent[] = []
  for (;;) {
    const slice = await store.events(account, all.at(-1)?.sequence ?? 0, limit)
    for (const event of slice) all.push(event)
    if (slice.length < limit) return all
  }
}
