/** One end of a synchronisation: an IMAP server or a Maildir. @module */
import type { MailboxRole } from '#client/imap/listed-mailbox.ts'
import type { DateTime } from '#wire/imap/date-time.ts'

/** A mailbox of a side. */
export interface SideMailbox {
  /** As the side calls it. */
  readonly name: string
  /** Its levels from the top, in NFC; the inbox is `['INBOX']`. */
  readonly path: readonly string[]
  /** Said by the side, or guessed from the name. */
  readonly role: MailboxRole | undefined
  readonly subscribed: boolean
  /** As long as this is the same, nothing changed in it; `undefined`: the side cannot tell. */
  readonly mark: string | undefined
}

/** A message that is to be carried over. */
export interface Carried {
  readonly key: string
  readonly flags: readonly string[]
  readonly date: DateTime
  /** Octets of the body. */
  readonly size: number
  /** To be read before the next message. `undefined`: the side does not give it. */
  readonly body: AsyncIterable<Uint8Array> | undefined
  /** Under which the target is to keep it, where it can: only in a migration. */
  readonly uidl?: string | undefined
}

export interface NewMessage {
  readonly flags: readonly string[]
  readonly date: DateTime
  readonly size: number
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
  readonly uidl?: string | undefined
}

/** What became of a new message; without `key` it is there, and the side does not say where. */
export interface Placed {
  readonly key?: string
  readonly refusal?: string
}

export interface FlagsChange {
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

/** A mailbox that is open. Keys name messages as long as `validity` is the same. */
export interface OpenMailbox extends AsyncDisposable {
  readonly validity: string
  /** Flags by key, in the order of arrival. */
  messages(): Promise<Map<string, readonly string[]>>
  /** Whether it can keep a flag. */
  keeps(flag: string): boolean
  /** Octets by key. */
  sizes(keys: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** By key: the same for the same message wherever it is, different for different ones. */
  identities(keys: readonly string[]): Promise<ReadonlyMap<string, string>>
  fetch(keys: readonly string[]): AsyncIterable<Carried>
  /** Durable when it settles. One outcome each, in their order. */
  append(messages: readonly NewMessage[]): Promise<readonly Placed[]>
  changeFlags(keys: readonly string[], change: FlagsChange): Promise<void>
  remove(keys: readonly string[]): Promise<void>
}

export interface Side extends AsyncDisposable {
  /** Names it in records and to people. */
  readonly name: string
  list(): Promise<readonly SideMailbox[]>
  /** A level of a name as it can be here. */
  level(level: string): string
  /** @throws {SideRefusal} */
  create(path: readonly string[], like: Pick<SideMailbox, 'role' | 'subscribed'>): Promise<SideMailbox>
  /** @throws {SideRefusal} */
  open(mailbox: SideMailbox, readOnly: boolean): Promise<OpenMailbox>
}

/** A side will not make or open a mailbox. */
export class SideRefusal extends Error {
  override readonly name = 'SideRefusal'
}
