/** What a client asked for by NOTIFY SET, in the form in which mailboxes and events are looked up (RFC 5465 §5, §6). @module */
import type { FetchItem } from '#wire/imap/fetch-items.ts'
import {
  isOfSelected,
  type NotifyEvent,
  type NotifyEventName,
  type NotifyFilter,
  type NotifyGroup,
} from '#wire/imap/notify-request.ts'
import { netUnicode } from '../mailbox-names.ts'
import { isOfOthers } from '../other-names.ts'

/** Events of a mailbox that is not selected, to be or-ed. MessageNew and MessageExpunge only come together. */
export const MESSAGES = 1
export const FLAGS = 2
export const NAMES = 4
export const SUBSCRIPTIONS = 8
export const ANNOTATIONS = 16
/** Of the server as a whole, whatever the mailboxes. */
export const SERVER_ANNOTATIONS = 32
export type Wanted = number

/** What a client wants to hear of the selected mailbox unasked. */
export interface SelectedEvents {
  /** MessageNew and MessageExpunge. */
  readonly messages: boolean
  readonly flags: boolean
  /** Expunges wait for a command that may answer with them (RFC 5465 §6.1.2). */
  readonly delayed: boolean
  /** Told of each new message. */
  readonly items: readonly FetchItem[]
}

/** Without NOTIFY, or before the first of them: everything, but nothing between commands. */
export const EVERYTHING: SelectedEvents = { messages: true, flags: true, delayed: true, items: [] }
/** `selected NONE`, which is also what no word about it means (RFC 5465 §3.1). */
export const NOTHING: SelectedEvents = { messages: false, flags: false, delayed: false, items: [] }

/** Events that can be asked for. */
export const SUPPORTED: readonly NotifyEventName[] = [
  'MessageNew',
  'MessageExpunge',
  'FlagChange',
  'MailboxName',
  'SubscriptionChange',
  'MailboxMetadataChange',
  'ServerMetadataChange',
]

export interface Registration {
  readonly selected: SelectedEvents
  /** Everything that some group wants of other mailboxes. */
  readonly any: Wanted
  /**
   * What is wanted of the mailbox of that name when it is not selected.
   * @param own The person's own; default.
   */
  wanted(name: string, subscribed: boolean, own?: boolean): Wanted
  /** Mailboxes of others may be among those wanted. */
  readonly others: boolean
}

/** Why there is no registration. */
export type RegistrationRefusal = { readonly kind: 'bad-event' } | { readonly kind: 'not-together' }

/** Makes the groups ready. */
export function registrationOf(groups: readonly NotifyGroup[]): Registration | RegistrationRefusal {
  const supported = new Set<string>(SUPPORTED)
  // An event of an unsupported type is answered NO, not BAD (RFC 5465 §3.1), whatever else is wrong.
  if (groups.some(({ events }) => events.some(({ kind }) => !supported.has(kind)))) return { kind: 'bad-event' }
  if (!groups.every(({ events }) => areTogether(events))) return { kind: 'not-together' }
  const own = groups.find(isOfSelected)
  const watch = new Watch()
  for (const group of groups) if (!isOfSelected(group)) watch.add(group.filter, wantedOf(group.events))
  return {
    selected: own === undefined ? NOTHING : selectedOf(own),
    any: watch.any,
    wanted: (name, subscribed, own = true) => watch.wanted(name, subscribed, own),
    others: watch.others,
  }
}

/** NONE takes its mailboxes out of all other groups: it would mean nothing otherwise. */
const NONE = 64

/** Groups merged, so that a mailbox is looked up once for each of its levels however many there are. */
class Watch {
  any: Wanted = 0
  #all: Wanted = 0
  #subscribed: Wanted = 0
  readonly #names = new Map<string, Wanted>()
  readonly #subtrees = new Map<string, Wanted>()

  add(filter: NotifyFilter, events: Wanted): void {
    const wanted = events === 0 ? NONE : events
    this.any |= events
    switch (filter.kind) {
      case 'selected':
      case 'selected-delayed':
        return
      case 'inboxes':
      // Mail is delivered into any mailbox (plus-addressing), so this is the same (RFC 5465 §6.3).
      case 'personal':
        this.#all |= wanted
        return
      case 'subscribed':
        this.#subscribed |= wanted
        return
      case 'mailboxes':
      case 'subtree': {
        const map = filter.kind === 'mailboxes' ? this.#names : this.#subtrees
        for (const name of filter.names.map(netUnicode)) map.set(name, (map.get(name) ?? 0) | wanted)
      }
    }
  }

  /** `personal` and `inboxes` are the person's own (RFC 5465 §6.2, §6.3). */
  get others(): boolean {
    if (this.#subscribed !== 0) return true
    return [...this.#names.keys(), ...this.#subtrees.keys()].some(isOfOthers)
  }

  wanted(name: string, subscribed: boolean, own: boolean): Wanted {
    let all = (own ? this.#all : 0) | (this.#names.get(name) ?? 0)
    if (subscribed) all |= this.#subscribed
    if (this.#subtrees.size > 0)
      for (let at = name.length; at > 0; at = name.lastIndexOf('/', at - 1))
        all |= this.#subtrees.get(name.slice(0, at)) ?? 0
    return (all & NONE) === 0 ? all : 0
  }
}

/** MessageNew needs MessageExpunge and the reverse, FlagChange needs both (RFC 5465 §5). */
function areTogether(events: readonly NotifyEvent[]): boolean {
  const has = (kind: NotifyEvent['kind']): boolean => events.some((event) => event.kind === kind)
  return has('MessageNew') === has('MessageExpunge') && (has('MessageNew') || !has('FlagChange'))
}

function selectedOf({ filter, events }: NotifyGroup): SelectedEvents {
  const wanted = wantedOf(events)
  return {
    messages: (wanted & MESSAGES) !== 0,
    flags: (wanted & FLAGS) !== 0,
    delayed: filter.kind === 'selected-delayed',
    items: events.flatMap((event) => (event.kind === 'MessageNew' ? event.items : [])),
  }
}

const BITS: ReadonlyMap<NotifyEvent['kind'], Wanted> = new Map<NotifyEvent['kind'], Wanted>([
  ['MessageNew', MESSAGES],
  ['MessageExpunge', MESSAGES],
  ['FlagChange', FLAGS],
  ['MailboxName', NAMES],
  ['SubscriptionChange', SUBSCRIPTIONS],
  ['MailboxMetadataChange', ANNOTATIONS],
  ['ServerMetadataChange', SERVER_ANNOTATIONS],
])

function wantedOf(events: readonly NotifyEvent[]): Wanted {
  return events.reduce((all, { kind }) => all | (BITS.get(kind) ?? 0), 0)
}
