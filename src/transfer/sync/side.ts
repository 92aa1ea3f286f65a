/** One end of a synchronisation: an IMAP server, an account of a local store, or a Maildir. @module */
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
  /** `undefined`: the side has no subscriptions. */
  readonly subscribed: boolean | undefined
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

/** Messages of a mailbox as they were at a time. */
export interface KnownMessages {
  /** {@link OpenMailbox.since} of then. */
  readonly since: string
  /** By key; some may have been gone already. */
  readonly flags: ReadonlyMap<string, readonly string[]>
  /** They were these and no others. */
  readonly whole: boolean
}

/** A mailbox that is open. Keys name messages as long as `validity` is the same. */
export interface OpenMailbox extends AsyncDisposable {
  readonly validity: string
  /** The same for the same mailbox whatever its name is; `undefined`: the side cannot tell. */
  readonly id?: string | undefined
  /** From when on the side can tell what changed: when it was opened. `undefined`: it never can. */
  readonly since?: string | undefined
  /** {@link SideMailbox.mark} of when it was opened. */
  readonly mark?: string | undefined
  /**
   * Flags by key, in the order of arrival.
   * @param known Spares reading what did not change since, where the side can tell; the result is the same.
   */
  messages(known?: KnownMessages): Promise<Map<string, readonly string[]>>
  /** Opens it again: `since` and `mark` are those of now. Only where there is a `since`. */
  renew?(): Promise<void>
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
  /** {@link OpenMailbox.id} of a mailbox that is not open. A side without it never tells that one was renamed. */
  id?(mailbox: SideMailbox): Promise<string | undefined>
  /** Gives it another name, which it tells; others below it may get one too. @throws {SideRefusal} */
  rename?(mailbox: SideMailbox, path: readonly string[]): Promise<string>
  /** Takes an empty mailbox away; those below it stay. @throws {SideRefusal} */
  remove?(mailbox: SideMailbox): Promise<void>
  /** A side without it only gets subscriptions with new mailboxes. */
  subscribe?(mailbox: SideMailbox, on: boolean): Promise<void>
}

/** A side will not make, open, rename or take away a mailbox. */
export class SideRefusal extends Error {
  override readonly name = 'SideRefusal'
}
