/** A mailbox of an IMAP server; keys are UIDs. @module */
import { RefusedError, UnsupportedError } from '#client/errors.ts'
import type { ImapClient } from '#client/imap/imap-client.ts'
import type { Modseq } from '#mail/ids.ts'
import { type UidSet, uidSetHas, uidsOf } from '#mail/uid-set.ts'
import { identityOfBody, identityOfHeader } from './identity.ts'
import type { Carried, FlagsChange, KnownMessages, NewMessage, OpenMailbox, Placed } from './side.ts'

const SYSTEM = new Set(['\\seen', '\\answered', '\\flagged', '\\deleted', '\\draft'])

/** See the module. */
export class ImapMailbox implements OpenMailbox {
  readonly validity: string
  readonly id: string | undefined
  since: string | undefined
  mark: string | undefined
  readonly #client: ImapClient
  readonly #name: string
  readonly #readOnly: boolean
  readonly #give: () => Promise<void>
  readonly #permanent: ReadonlySet<string>

  /** @param give Gives the connection back. */
  constructor(client: ImapClient, name: string, readOnly: boolean, give: () => Promise<void>) {
    this.#client = client
    this.#name = name
    this.#readOnly = readOnly
    this.#give = give
    const { uidValidity = 0, permanentFlags = [], mailboxId } = client.mailbox ?? {}
    this.id = mailboxId
    this.#note()
    this.validity = String(uidValidity)
    this.#permanent = new Set(permanentFlags.map((flag) => flag.toLowerCase()))
  }

  /** What changed is asked for where there is CONDSTORE, and what is gone with QRESYNC (RFC 7162 §3.1.4, §3.2.6). */
  async messages(known?: KnownMessages): Promise<Map<string, readonly string[]>> {
    if (this.#client.mailbox?.exists === 0) return new Map()
    if (known === undefined || this.since === undefined) return this.#flags('1:*')
    const changedSince = Number(known.since) as Modseq
    const changed = new Map<string, readonly string[]>()
    const gone: UidSet[] = []
    const vanishes = known.whole && this.#client.enabled.has('QRESYNC')
    const options = vanishes ? { changedSince, onVanished: (uids: UidSet) => gone.push(uids) } : { changedSince }
    for await (const { uid, flags } of this.#client.fetch('1:*', { flags: true }, options))
      changed.set(String(uid), flags)
    let there = [...new Set([...known.flags.keys(), ...changed.keys()])].map(Number)
    there = there.filter((uid) => !gone.some((uids) => uidSetHas(uids, uid)))
    // what does not add up is not guessed
    if (!vanishes || there.length !== this.#client.mailbox?.exists)
      there = [...uidsOf((await this.#client.search({})).uids)]
    const unknown = there.filter((uid) => !changed.has(String(uid)) && !known.flags.has(String(uid)))
    const others = unknown.length === 0 ? undefined : await this.#flags(unknown)
    const found = new Map<string, readonly string[]>()
    for (const uid of there.sort((a, b) => a - b)) {
      const key = String(uid)
      const flags = changed.get(key) ?? known.flags.get(key) ?? others?.get(key)
      if (flags !== undefined) found.set(key, flags)
    }
    return found
  }

  async renew(): Promise<void> {
    await this.#client.select(this.#name, { readOnly: this.#readOnly })
    this.#note()
  }

  async #flags(uids: '1:*' | readonly number[]): Promise<Map<string, readonly string[]>> {
    const found = new Map<string, readonly string[]>()
    for await (const { uid, flags } of this.#client.fetch(uids, { flags: true })) found.set(String(uid), flags)
    return found
  }

  /** What SELECT said. */
  #note(): void {
    const { uidValidity = 0, uidNext, exists = 0, highestModseq } = this.#client.mailbox ?? {}
    this.since = highestModseq === undefined || highestModseq === 0 ? undefined : String(highestModseq)
    this.mark = imapMark(uidValidity, uidNext, exists, highestModseq)
  }

  keeps(flag: string): boolean {
    const lower = flag.toLowerCase()
    // a mailbox that was opened only to be read says that none can be changed
    if (this.#permanent.size === 0) return SYSTEM.has(lower) || !lower.startsWith('\\')
    return this.#permanent.has(lower) || (this.#permanent.has('\\*') && !lower.startsWith('\\'))
  }

  async sizes(keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>()
    for await (const { uid, size } of this.#client.fetch(uids(keys), { size: true })) found.set(String(uid), size)
    return found
  }

  async identities(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>()
    const unnamed: string[] = []
    for await (const { uid, size, headers } of this.#client.fetch(uids(keys), { size: true, headers: true })) {
      const id = headers === undefined ? undefined : identityOfHeader(headers, size)
      if (id === undefined) unnamed.push(String(uid))
      else found.set(String(uid), id)
    }
    for await (const { uid, body } of this.#client.fetch(uids(unnamed), { body: true }))
      if (body !== undefined) found.set(String(uid), await identityOfBody(body))
    return found
  }

  async *fetch(keys: readonly string[]): AsyncGenerator<Carried, void, void> {
    const query = { flags: true, internalDate: true, size: true, body: true } as const
    for await (const { uid, flags, internalDate, size, body } of this.#client.fetch(uids(keys), query))
      yield { key: String(uid), flags, date: internalDate, size: body?.size ?? size, body }
  }

  async append(messages: readonly NewMessage[]): Promise<readonly Placed[]> {
    const known = messages.map((message) => ({ ...message, flags: message.flags.filter((flag) => this.keeps(flag)) }))
    if (known.length > 1 && this.#client.capabilities.has('MULTIAPPEND')) {
      try {
        return (await this.#client.appendAll(this.#name, known)).map(placed)
      } catch (error) {
        // all of them or none (RFC 3502 §6.3.11): one may be the reason
        if (!(error instanceof RefusedError)) throw error
      }
    }
    const outcomes = await Promise.allSettled(known.map((message) => this.#client.append(this.#name, message)))
    return outcomes.map((outcome) => {
      if (outcome.status === 'fulfilled') return placed(outcome.value)
      if (outcome.reason instanceof RefusedError) return { refusal: outcome.reason.text }
      throw outcome.reason
    })
  }

  async changeFlags(keys: readonly string[], { add, remove }: FlagsChange): Promise<void> {
    if (add.length > 0) await this.#client.store(uids(keys), { add })
    if (remove.length > 0) await this.#client.store(uids(keys), { remove })
  }

  /** Without UIDPLUS, where others' messages are marked too, these stay marked. */
  async remove(keys: readonly string[]): Promise<void> {
    await this.#client.store(uids(keys), { add: ['\\Deleted'] })
    try {
      await this.#client.expunge(uids(keys))
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#give()
  }
}

/** As long as this is the same, nothing changed; `undefined`: without HIGHESTMODSEQ nobody can tell. */
export function imapMark(
  uidValidity: number | undefined,
  uidNext: number | undefined,
  messages: number | undefined,
  highestModseq: number | undefined,
): string | undefined {
  if (highestModseq === undefined || highestModseq === 0 || uidNext === undefined) return undefined
  return [uidValidity, uidNext, messages, highestModseq].join(' ')
}

function placed(where: { readonly uid: number } | undefined): Placed {
  return where === undefined ? {} : { key: String(where.uid) }
}

function uids(keys: readonly string[]): readonly number[] {
  return keys.map(Number)
}
