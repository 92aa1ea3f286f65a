/** What NOTIFY asks for (RFC 5465 §8). @module */
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'
import { type FetchItem, readFetchItemList, writeFetchItems } from './fetch-items.ts'
import { NOTIFY_GROUPS } from './limits.ts'

/** Events that the RFC names, as they are written in responses. */
export const NOTIFY_EVENTS = [
  'MessageNew',
  'MessageExpunge',
  'FlagChange',
  'AnnotationChange',
  'MailboxName',
  'SubscriptionChange',
  'MailboxMetadataChange',
  'ServerMetadataChange',
] as const

export type NotifyEventName = (typeof NOTIFY_EVENTS)[number]

export type NotifyEvent =
  /** What FETCH is to say of new messages in the selected mailbox; empty: nothing. */
  | { readonly kind: 'MessageNew'; readonly items: readonly FetchItem[] }
  | { readonly kind: Exclude<NotifyEventName, 'MessageNew'> }
  /** `name` in upper case. */
  | { readonly kind: 'OTHER'; readonly name: string }

/** Which mailboxes. */
export type NotifyFilter =
  | { readonly kind: 'selected' | 'selected-delayed' | 'inboxes' | 'personal' | 'subscribed' }
  | { readonly kind: 'subtree' | 'mailboxes'; readonly names: readonly string[] }

export interface NotifyGroup {
  readonly filter: NotifyFilter
  /** Empty: NONE. */
  readonly events: readonly NotifyEvent[]
}

export type NotifyRequest =
  | { readonly kind: 'NONE' }
  | {
      readonly kind: 'SET'
      /** STATUS responses are wanted at once. */
      readonly status: boolean
      /** At least one. */
      readonly groups: readonly NotifyGroup[]
    }

const EVENTS: ReadonlyMap<string, NotifyEventName> = new Map(NOTIFY_EVENTS.map((name) => [name.toUpperCase(), name]))

/** Events that the selected mailbox has. */
const OF_MESSAGES: ReadonlySet<string> = new Set<NotifyEventName>([
  'MessageNew',
  'MessageExpunge',
  'FlagChange',
  'AnnotationChange',
])

// notify = "NOTIFY" SP (notify-set / notify-none); notify-set = "SET" [SP "STATUS"] SP event-groups
export function readNotifyRequest(r: ElementReader): NotifyRequest {
  const start = r.position
  const name = r.keyword()
  if (name === 'NONE') return { kind: 'NONE' }
  if (name !== 'SET') r.fault('SET or NONE is expected', start)
  r.sp()
  const status = r.skip('STATUS')
  if (status) r.sp()
  const groups = [readGroup(r)]
  while (!r.onlySpacesLeft) {
    if (groups.length === NOTIFY_GROUPS) r.fault(`There are more than ${NOTIFY_GROUPS} groups`)
    const at = r.sp().position
    const group = readGroup(r)
    if (isOfSelected(group) && groups.some(isOfSelected)) r.fault('The selected mailbox is named already', at)
    groups.push(group)
  }
  return { kind: 'SET', status, groups }
}

/** Whether the group is about the selected mailbox (RFC 5465 §6.1). */
export function isOfSelected({ filter }: NotifyGroup): boolean {
  return filter.kind === 'selected' || filter.kind === 'selected-delayed'
}

// event-group = "(" filter-mailboxes SP events ")"
function readGroup(r: ElementReader): NotifyGroup {
  r.expect('(').spaces()
  const filter = readFilter(r)
  r.sp()
  const selected = isOfSelected({ filter, events: [] })
  const events = r.peek() === '(' ? r.list(() => readEvent(r, selected), 1) : readNone(r)
  r.spaces()
  r.expect(')')
  return { filter, events }
}

function readNone(r: ElementReader): readonly NotifyEvent[] {
  const start = r.position
  return r.keyword() === 'NONE' ? [] : r.fault('Events or NONE is expected', start)
}

function readFilter(r: ElementReader): NotifyFilter {
  const start = r.position
  const kind = r.keyword().toLowerCase()
  switch (kind) {
    case 'selected':
    case 'selected-delayed':
    case 'inboxes':
    case 'personal':
    case 'subscribed':
      return { kind }
    case 'subtree':
    case 'mailboxes':
      r.sp()
      // one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"
      return { kind, names: r.peek() === '(' ? r.list(() => r.mailbox(), 1) : [r.mailbox()] }
    default:
      return r.fault('Mailboxes are expected', start)
  }
}

function readEvent(r: ElementReader, selected: boolean): NotifyEvent {
  const start = r.position
  const name = r.keyword()
  const kind = EVENTS.get(name)
  if (kind === undefined) return { kind: 'OTHER', name }
  // RFC 5465 §6.1: it is an error to name other events with the selected mailbox.
  if (selected && !OF_MESSAGES.has(kind)) r.fault('That is no event of messages', start)
  if (kind !== 'MessageNew') return { kind }
  const at = r.position
  if (!r.spaces() || r.peek() !== '(') return { kind, items: [] }
  // The list may only be there for the selected mailbox (§8).
  if (!selected) r.fault('FETCH items are for the selected mailbox', at)
  return { kind, items: readFetchItemList(r) }
}

/** Everything after NOTIFY and its space. */
export function writeNotifyRequest(w: ElementWriter, request: NotifyRequest): void {
  w.text(request.kind)
  if (request.kind === 'NONE') return
  if (request.status) w.text(' STATUS')
  for (const { filter, events } of request.groups) {
    w.text(` (${filter.kind} `)
    if (filter.kind === 'subtree' || filter.kind === 'mailboxes') w.list(filter.names, (name) => w.mailbox(name)).sp()
    if (events.length === 0) w.text('NONE')
    else w.list(events, (event) => writeEvent(w, event))
    w.text(')')
  }
}

function writeEvent(w: ElementWriter, event: NotifyEvent): void {
  w.text(event.kind === 'OTHER' ? event.name : event.kind)
  if (event.kind === 'MessageNew' && event.items.length > 0) writeFetchItems(w.sp(), event.items)
}
