/** The INBOX of a source over IMAP and POP3 together, as one mailbox of a synchronisation. @module */
import type { Clock } from '#lib/clock.ts'
import { parseDate } from '#mail/dates.ts'
import { firstValue, headerFields } from '#mail/headers.ts'
import type { DateTime } from '#wire/imap/date-time.ts'
import type { Spooled } from '../collect/spool.ts'
import { identityOfBytes, identityOfHeader } from '../sync/identity.ts'
import type { Carried, OpenMailbox } from '../sync/side.ts'
import type { Tags } from './inbox-key.ts'
import type { InboxMessage, InboxOverImap } from './inbox-listing.ts'
import type { Maildrop } from './maildrop.ts'

/** See the module. It shows what was listed when it was opened; nothing of it can be changed. */
export class MaildropInbox implements OpenMailbox {
  readonly validity: string
  readonly #imap: InboxOverImap | undefined
  readonly #maildrop: Maildrop | undefined
  readonly #messages: ReadonlyMap<string, InboxMessage>
  readonly #tags: Tags
  readonly #clock: Clock

  constructor(
    imap: InboxOverImap | undefined,
    maildrop: Maildrop | undefined,
    messages: readonly InboxMessage[],
    tags: Tags,
    clock: Clock,
  ) {
    this.#tags = tags
    this.#clock = clock
    this.validity = imap?.mailbox.validity ?? ''
    this.#imap = imap
    this.#maildrop = maildrop
    this.#messages = new Map(messages.map((message) => [message.key, message]))
  }

  async messages(): Promise<Map<string, readonly string[]>> {
    return new Map([...this.#messages].map(([key, { flags }]) => [key, flags]))
  }

  keeps(flag: string): boolean {
    return this.#imap?.mailbox.keeps(flag) ?? true
  }

  async sizes(keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = await this.#overImap(keys, (imap, uids) => imap.mailbox.sizes(uids))
    for (const { key, uid, entry } of this.#named(keys))
      if (uid === undefined && entry !== undefined) found.set(key, entry.octets)
    return found
  }

  async identities(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const named = this.#named(keys)
    const found = await this.#overImap(keys, (imap, uids) => imap.mailbox.identities(uids))
    const rest = named.filter(({ key, uid }) => uid === undefined && !found.has(key))
    for await (const { message, body } of this.#overPop3(rest)) {
      if (body === undefined) continue
      const bytes = await readAll(body)
      found.set(message.key, identityOfHeader(headerOf(bytes), bytes.length) ?? identityOfBytes(bytes))
    }
    for (const { key, entry } of named) {
      const identity = found.get(key)
      if (identity !== undefined) found.set(key, withUidl(identity, entry?.uidl))
    }
    return found
  }

  /** In the order of the keys, which is that of the maildrop. */
  async *fetch(keys: readonly string[]): AsyncGenerator<Carried, void, void> {
    for (const run of runs(this.#named(keys))) {
      if (run[0]?.uid !== undefined) yield* this.#fetchOverImap(run)
      else yield* this.#fetchOverPop3(run)
    }
  }

  append(): Promise<never> {
    return Promise.reject(new TypeError('A source is only read'))
  }

  changeFlags(): Promise<never> {
    return Promise.reject(new TypeError('A source is only read'))
  }

  remove(): Promise<never> {
    return Promise.reject(new TypeError('A source is only read'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#maildrop?.release()
    await this.#imap?.mailbox[Symbol.asyncDispose]()
  }

  #named(keys: readonly string[]): readonly InboxMessage[] {
    return keys.flatMap((key) => this.#messages.get(key) ?? [])
  }

  /** Asks for what IMAP has, and gives the answers by key. */
  async #overImap<T>(
    keys: readonly string[],
    ask: (imap: InboxOverImap, uids: readonly string[]) => Promise<ReadonlyMap<string, T>>,
  ): Promise<Map<string, T>> {
    const found = new Map<string, T>()
    const held = this.#named(keys).filter(({ uid }) => uid !== undefined)
    if (this.#imap === undefined || held.length === 0) return found
    const ascending = held.map(({ uid }) => uid ?? 0).sort((a, b) => a - b)
    const answers = await ask(this.#imap, ascending.map(String))
    for (const { key, uid } of held) {
      const answer = answers.get(String(uid))
      if (answer !== undefined) found.set(key, answer)
    }
    return found
  }

  async *#fetchOverImap(run: readonly InboxMessage[]): AsyncGenerator<Carried, void, void> {
    if (this.#imap === undefined) return
    const byUid = new Map(run.map((message) => [String(message.uid), message]))
    for await (const carried of this.#imap.mailbox.fetch([...byUid.keys()])) {
      const message = byUid.get(carried.key)
      if (message === undefined) continue
      const uidl = message.entry === undefined ? this.#tags.imap(this.validity, carried.key) : message.entry.uidl
      yield { ...carried, key: message.key, uidl: uidl ?? this.#tags.imap(this.validity, carried.key) }
    }
  }

  async *#fetchOverPop3(run: readonly InboxMessage[]): AsyncGenerator<Carried, void, void> {
    for await (const { message, body } of this.#overPop3(run)) {
      const { key, entry, flags } = message
      const date = dateOf(body?.beginning, this.#clock)
      const size = body?.octets ?? 0
      yield { key, flags, date, size, body: body?.stream(), uidl: entry?.uidl ?? this.#tags.pop3(entry?.id ?? key) }
    }
  }

  async *#overPop3(messages: readonly InboxMessage[]) {
    const byId = new Map(messages.flatMap((message) => (message.entry ? [[message.entry.id, message] as const] : [])))
    if (this.#maildrop === undefined || byId.size === 0) return
    for await (const { id, body } of this.#maildrop.messages([...byId.keys()])) {
      const message = byId.get(id)
      if (message !== undefined) yield { message, body }
    }
    await this.#maildrop.release()
  }
}

/** Of messages with unique-ids, those are the same that have the same one. */
export function withUidl(identity: string, uidl: string | undefined): string {
  return uidl === undefined ? identity : `${uidl} ${identity}`
}

/** Neighbours that can be fetched together: over POP3, or over IMAP with UIDs that ascend. */
function* runs(messages: readonly InboxMessage[]): Generator<readonly InboxMessage[], void, void> {
  let run: InboxMessage[] = []
  for (const message of messages) {
    const last = run.at(-1)
    const fits =
      last === undefined ||
      (message.uid === undefined ? last.uid === undefined : last.uid !== undefined && last.uid < message.uid)
    if (!fits) {
      yield run
      run = []
    }
    run.push(message)
  }
  if (run.length > 0) yield run
}

function headerOf(bytes: Uint8Array): Uint8Array {
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf('\r\n\r\n')
  return end < 0 ? bytes : bytes.subarray(0, end + 4)
}

async function readAll(body: Spooled): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body.stream() as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** POP3 does not say when a message came: the last server that took it does, else its writer. */
function dateOf(header: Uint8Array | undefined, clock: Clock): DateTime {
  const fields = header === undefined ? [] : headerFields(Buffer.from(header).toString('latin1'), 1_000)
  const received = firstValue(fields, 'received')?.split(';').at(-1)
  const found = parseDate(received ?? '') ?? parseDate(firstValue(fields, 'date') ?? '')
  const ms = found?.ms ?? clock.now()
  return { time: Math.floor(ms / 1000) * 1000, zone: found?.offsetMinutes ?? 0 }
}
