/** Annotations that are watched: which entries changed, by comparing with digests of what was there (RFC 5465 §5.6, §5.7). @module */
import { hash } from 'node:crypto'
import { Turns } from '#lib/turns.ts'
import type { MailboxKey } from '#mail/ids.ts'
import type { Context } from '../command.ts'

/** Digests of the values of one place, by the names of the entries. */
type Digests = ReadonlyMap<string, string>

/** Where annotations are: a mailbox, or the account as a whole, which is the server to its owner. */
export type Place = MailboxKey | 'server'

/** See the module. */
export class WatchedAnnotations {
  readonly #context: Context
  readonly #known = new Map<Place, Digests>()
  #began = false

  constructor(context: Context) {
    this.#context = context
  }

  /** Looks at these places from now on, at no others; says which entries changed since it did last; nothing the first time. */
  async changes(places: Iterable<Place>): Promise<ReadonlyMap<Place, readonly string[]>> {
    const changes = new Map<Place, readonly string[]>()
    const turns = new Turns()
    const rest = new Set(this.#known.keys())
    for (const place of places) {
      rest.delete(place)
      const before = this.#known.get(place) ?? (this.#began ? NONE : undefined)
      const now = await this.#read(place)
      this.#known.set(place, now)
      if (before === undefined) continue
      const names = [...new Set([...before.keys(), ...now.keys()])].filter((name) => before.get(name) !== now.get(name))
      if (names.length > 0) changes.set(place, names.sort())
      if (turns.over) await turns.share()
    }
    for (const place of rest) this.#known.delete(place)
    this.#began = true
    return changes
  }

  async #read(place: Place): Promise<Digests> {
    const { store, account } = this.#context
    const entries = await store.metadata(account, place === 'server' ? undefined : place, account.id)
    if (entries.length === 0) return NONE
    return new Map(entries.map(({ name, value }) => [name, hash('sha1', value, 'base64url')]))
  }
}

/** One for all who have none. */
const NONE: Digests = new Map()
