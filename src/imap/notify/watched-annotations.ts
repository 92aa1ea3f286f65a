/** Annotations that are watched: which entries changed, by comparing with digests of what was there (RFC 5464 §4.4.2, RFC 5465 §5.6, §5.7). @module */
import { hash } from 'node:crypto'
import { Turns } from '#lib/turns.ts'
import type { MailboxKey } from '#mail/ids.ts'
import type { AccountRef } from '#store/types.ts'
import { writeMetadataContent } from '#wire/imap/metadata.ts'
import type { Context } from '../command.ts'

/** Digests of the values of one place, by the names of the entries. */
type Digests = ReadonlyMap<string, string>

/** Where annotations are. */
export interface Place {
  /** As the client calls it; empty: the server. */
  readonly name: string
  readonly account: AccountRef
  /** `undefined`: the account as a whole, which is the server to its owner. */
  readonly mailbox: MailboxKey | undefined
}

/** Entries of a place that were set, changed or removed. */
export interface ChangedPlace {
  readonly place: Place
  /** In their order, at least one. */
  readonly entries: readonly string[]
}

/** See the module. */
export class WatchedAnnotations {
  readonly #context: Context
  readonly #known = new Map<string, Digests>()
  #began = false

  constructor(context: Context) {
    this.#context = context
  }

  /** Looks at these places from now on, at no others; says what changed since it did last; nothing the first time. */
  async changes(places: Iterable<Place>): Promise<readonly ChangedPlace[]> {
    const changes: ChangedPlace[] = []
    const turns = new Turns()
    const rest = new Set(this.#known.keys())
    for (const place of places) {
      const key = `${place.account.id} ${place.mailbox ?? ''}`
      rest.delete(key)
      const before = this.#known.get(key) ?? (this.#began ? NONE : undefined)
      const now = await this.#read(place)
      this.#known.set(key, now)
      if (before === undefined) continue
      const names = [...new Set([...before.keys(), ...now.keys()])].filter((name) => before.get(name) !== now.get(name))
      if (names.length > 0) changes.push({ place, entries: names.sort() })
      if (turns.over) await turns.share()
    }
    for (const key of rest) this.#known.delete(key)
    this.#began = true
    return changes
  }

  async #read({ account, mailbox }: Place): Promise<Digests> {
    const entries = await this.#context.store.metadata(account, mailbox, this.#context.account.id)
    if (entries.length === 0) return NONE
    return new Map(entries.map(({ name, value }) => [name, hash('sha1', value, 'base64url')]))
  }
}

/** One for all who have none. */
const NONE: Digests = new Map()

/** Only the names, also of what is no more (RFC 5464 §4.4.2). */
export function writeChangedAnnotations({ out }: Context, { place, entries }: ChangedPlace): void {
  writeMetadataContent(out.text('* METADATA ').mailbox(place.name).sp(), { kind: 'names', names: entries })
  out.text('\r\n')
}
