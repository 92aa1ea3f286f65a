/**
 * Two mailboxes brought into line.
 *
 * Invariants: a message is recorded as on its way before it is sent, and as a pair only once the side that took it
 * said so, or it was found there. What a dead run left on its way is looked for before anything is sent again. Nothing
 * is taken away that is not recorded as a pair.
 * @module
 */
import { setTimeout as pause } from 'node:timers/promises'
import { changedFlags, planFlags, sameFlags, sameRecord, withFlags } from './flag-plan.ts'
import { baseOf, lastingFlags } from './flags.ts'
import { matchMessages } from './match.ts'
import type { Carried, KnownMessages, NewMessage, OpenMailbox, Placed } from './side.ts'
import type { SpeedLimit } from './speed-limit.ts'
import type { End, MailboxRecord, MessagePair, SettledEnd, SyncState } from './state.ts'

export interface MailboxRequest {
  readonly record: MailboxRecord
  readonly left: OpenMailbox
  readonly right: OpenMailbox
  readonly state: SyncState
  readonly twoWay: boolean
  /** Deletions are carried over too. */
  readonly deletions: boolean
  /** Also where all that was known is gone. */
  readonly emptyToo: boolean
  /** See `SyncRequest`; of this mailbox. */
  readonly keep: ((key: string, touched: boolean) => boolean) | undefined
  readonly dryRun: boolean
  readonly limit: SpeedLimit
  readonly signal: AbortSignal
  readonly tell: (what: { readonly found?: number; readonly copied?: number; readonly octets?: number }) => void
}

export interface MailboxReport {
  copied: number
  octets: number
  /** Found on both sides before anything was recorded. */
  matched: number
  /** Messages whose flags were changed. */
  flagged: number
  removed: number
  /** Recorded, or found, on both sides at the end. */
  same: number
  readonly refused: { readonly from: End; readonly key: string; readonly why: string }[]
  /** UIDs meant nothing any more, so that nothing could be told to be deleted. */
  renewed: boolean
  /** All that was known was gone on one side: that many were kept on the other. */
  spared: number
  /** Gone on one side, and kept on the other as `keep` says. */
  touched: number
  /** Sides that were written to. */
  readonly wrote: Set<End>
}

const BATCH_MESSAGES = 100
const BATCH_OCTETS: number = 4 * 1024 * 1024
/** A message above this is not kept in memory. */
const LARGE_OCTETS: number = 2 * 1024 * 1024
/** Batches sent and not answered. */
const BATCHES_AHEAD = 3
/** So many that are all gone at once are a mistake rather than a wish. */
const SUSPICIOUS = 10
/** A server may still be reading what a dead run sent it. */
const AFTERMATH_MS = 1_000

type Flags = Map<string, readonly string[]>

/** See the module. */
export class MailboxRun {
  readonly #request: MailboxRequest
  readonly report: MailboxReport = {
    copied: 0,
    octets: 0,
    matched: 0,
    flagged: 0,
    removed: 0,
    same: 0,
    refused: [],
    renewed: false,
    spared: 0,
    touched: 0,
    wrote: new Set(),
  }
  #left: Flags = new Map()
  #right: Flags = new Map()
  #pairs: MessagePair[] = []

  constructor(request: MailboxRequest) {
    this.#request = request
  }

  async run(): Promise<MailboxReport> {
    const { left, right, twoWay, deletions, dryRun, signal } = this.#request
    const known = this.#known()
    ;[this.#left, this.#right] = await Promise.all([left.messages(known?.left), right.messages(known?.right)])
    await this.#know()
    await this.#copy('left')
    if (twoWay) await this.#copy('right')
    if (signal.aborted) return this.report
    await this.#mergeFlags()
    if (deletions) await this.#remove('left')
    if (deletions && twoWay) await this.#remove('right')
    const gone = this.#pairs.filter((pair) => !this.#left.has(pair.left) && !this.#right.has(pair.right))
    if (!dryRun && gone.length > 0) this.#forget(gone)
    this.report.same = this.#pairs.filter((pair) => this.#left.has(pair.left) && this.#right.has(pair.right)).length
    return this.report
  }

  /** Whether keys mean what they meant when they were recorded. */
  get #valid(): boolean {
    const { record, left, right } = this.#request
    return record.left.validity === left.validity && record.right.validity === right.validity
  }

  /** What needs not be read again; not after a dead run, which may have left anything. */
  #known(): Record<End, KnownMessages | undefined> | undefined {
    const { record, state } = this.#request
    if (!this.#valid) return undefined
    this.#pairs = [...state.pairs(record.id)]
    if (state.pending(record.id, 'left').length + state.pending(record.id, 'right').length > 0) return undefined
    const known = (end: End): KnownMessages | undefined => {
      const { since, whole } = record[end]
      if (since === undefined) return undefined
      const flags = new Map(this.#pairs.map((pair) => [pair[end], pair[`${end}Flags`] ?? pair.flags]))
      return { since, flags, whole }
    }
    return { left: known('left'), right: known('right') }
  }

  /** Which messages are the same. */
  async #know(): Promise<void> {
    const { record, left, right, state, dryRun } = this.#request
    if (this.#valid) {
      await this.#settle('left')
      await this.#settle('right')
      return
    }
    // keys of before mean nothing (RFC 9051 §2.3.1.1)
    this.report.renewed = record.left.validity !== undefined
    const same = await matchMessages(left, [...this.#left.keys()], right, [...this.#right.keys()])
    this.#pairs = same.map((pair) => ({ ...pair, flags: [] }))
    this.report.matched += same.length
    if (!dryRun) state.begin(record.id, left.validity, right.validity, this.#pairs)
  }

  /** Looks for what a dead run left on its way. */
  async #settle(from: End): Promise<void> {
    const { record, left, right, state, dryRun } = this.#request
    const waiting = state.pending(record.id, from)
    if (waiting.length === 0 || dryRun) return
    const here = from === 'left' ? left : right
    const there = from === 'left' ? right : left
    const keys = waiting.filter((key) => (from === 'left' ? this.#left : this.#right).has(key))
    for (const last of [false, true]) {
      const arrived = await matchMessages(here, keys, there, this.#unpaired(other(from)))
      if (arrived.length < keys.length && !last) {
        await pause(AFTERMATH_MS)
        if (from === 'left') this.#right = await right.messages()
        else this.#left = await left.messages()
        continue
      }
      const pairs = arrived.map((one) => ({
        ...(from === 'left' ? one : { left: one.right, right: one.left }),
        flags: [],
      }))
      state.arrive(record.id, from, waiting, pairs)
      this.#pairs.push(...pairs)
      this.report.copied += pairs.length
      return
    }
  }

  /** In the order of arrival. */
  #unpaired(end: End): string[] {
    const paired = new Set(this.#pairs.map((pair) => pair[end]))
    return [...(end === 'left' ? this.#left : this.#right).keys()].filter((key) => !paired.has(key))
  }

  async #copy(from: End): Promise<void> {
    const { left, right, dryRun, tell, signal } = this.#request
    const keys = this.#unpaired(from)
    tell({ found: keys.length })
    if (keys.length === 0) return
    if (dryRun) {
      this.report.copied += keys.length
      return
    }
    const [source, target] = from === 'left' ? [left, right] : [right, left]
    const sending: Promise<void>[] = []
    const send = async (batch: readonly Sent[]): Promise<void> => {
      if (batch.length === 0) return
      const placing = this.#place(from, target, batch)
      // heard when it is waited for
      placing.catch(() => undefined)
      sending.push(placing)
      if (sending.length > BATCHES_AHEAD) await sending.shift()
    }
    let batch: Sent[] = []
    let octets = 0
    for await (const message of source.fetch(keys)) {
      if (signal.aborted) break
      if (message.body === undefined) {
        this.#refuse(from, message.key, 'The server does not give it')
        continue
      }
      if (batch.length === BATCH_MESSAGES || octets + message.size > BATCH_OCTETS) {
        await send(batch)
        batch = []
        octets = 0
      }
      if (message.size > LARGE_OCTETS) {
        // its bytes come while they are sent: all before it must have their answers
        await Promise.all(sending.splice(0))
        await this.#place(from, target, [{ message, body: this.#request.limit.slow(message.body, signal) }])
        continue
      }
      const body = await inOnePiece(this.#request.limit.slow(message.body, signal), message.size)
      batch.push({ message, body })
      octets += body.length
    }
    await send(batch)
    await Promise.all(sending)
    await this.#lookForUnnamed(from, target)
  }

  async #place(from: End, target: OpenMailbox, batch: readonly Sent[]): Promise<void> {
    const { record, state, tell } = this.#request
    const keys = batch.map(({ message }) => message.key)
    state.depart(record.id, from, keys)
    this.report.wrote.add(other(from))
    const outcomes = await target.append(
      batch.map(({ message, body }): NewMessage => {
        const { date, size, uidl } = message
        return { flags: lastingFlags(message.flags), date, size, body, uidl }
      }),
    )
    const settled: string[] = []
    const pairs: MessagePair[] = []
    batch.forEach(({ message }, n) => {
      const { key, refusal }: Placed = outcomes[n] ?? {}
      if (refusal !== undefined) {
        settled.push(message.key)
        this.#refuse(from, message.key, refusal)
      } else if (key !== undefined) {
        settled.push(message.key)
        pairs.push(this.#newPair(from, message, key))
      }
    })
    state.arrive(record.id, from, settled, pairs)
    this.#pairs.push(...pairs)
    const octets = batch.reduce((sum, { message }) => sum + message.size, 0)
    this.report.copied += pairs.length
    this.report.octets += octets
    tell({ copied: batch.length, octets })
  }

  #newPair(from: End, { key, flags }: Carried, placed: string): MessagePair {
    const { left, right, twoWay } = this.#request
    const [source, target] = from === 'left' ? [left, right] : [right, left]
    const taken = lastingFlags(flags).filter((flag) => target.keeps(flag))
    this.#left.set(from === 'left' ? key : placed, from === 'left' ? flags : taken)
    this.#right.set(from === 'left' ? placed : key, from === 'left' ? taken : flags)
    const base = baseOf(taken, (flag) => !twoWay || source.keeps(flag))
    return from === 'left' ? { left: key, right: placed, flags: base } : { left: placed, right: key, flags: base }
  }

  /** A server without UIDPLUS does not say where messages went. */
  async #lookForUnnamed(from: End, target: OpenMailbox): Promise<void> {
    const { record, state } = this.#request
    if (state.pending(record.id, from).length === 0) return
    if (from === 'left') this.#right = await target.messages()
    else this.#left = await target.messages()
    await this.#settle(from)
  }

  async #mergeFlags(): Promise<void> {
    const { record, left, right, state, twoWay, dryRun } = this.#request
    // a side that is only read may say that it keeps nothing
    const keeps = { left: (flag: string) => !twoWay || left.keeps(flag), right: (flag: string) => right.keeps(flag) }
    const flags = { left: this.#left, right: this.#right }
    const plan = planFlags(this.#pairs, flags, twoWay, keeps)
    this.report.flagged += plan.messages
    if (dryRun) return
    for (const end of ['left', 'right'] as const) {
      for (const { keys, change } of plan[end]) {
        this.report.wrote.add(end)
        await (end === 'left' ? left : right).changeFlags(keys, change)
        for (const key of keys) flags[end].set(key, changedFlags(flags[end].get(key) ?? [], change))
      }
    }
    const updated: MessagePair[] = []
    this.#pairs = this.#pairs.map((pair) => {
      const base = plan.bases.get(pair.left)
      if (base === undefined) return pair
      const now = withFlags(pair, base, flags)
      if (!sameRecord(pair, now)) updated.push(now)
      return now
    })
    state.update(record.id, updated)
  }

  /** What is gone from one side goes from the other. */
  async #remove(from: End): Promise<void> {
    const { left, right, dryRun, emptyToo, keep } = this.#request
    const to = other(from)
    const [here, there] = from === 'left' ? [this.#left, this.#right] : [this.#right, this.#left]
    const all = this.#pairs.filter((pair) => !here.has(pair[from]) && there.has(pair[to]))
    const touched = (pair: MessagePair): boolean =>
      baseOf(there.get(pair[to]) ?? [], () => true).join(' ') !== pair.flags.join(' ')
    const gone = keep === undefined ? all : all.filter((pair) => !keep(pair[from], touched(pair)))
    this.report.touched += all.length - gone.length
    if (gone.length === 0) return
    if (!emptyToo && gone.length >= SUSPICIOUS && !this.#pairs.some((pair) => here.has(pair[from]))) {
      this.report.spared += gone.length
      return
    }
    this.report.removed += gone.length
    if (dryRun) return
    this.report.wrote.add(to)
    await (to === 'left' ? left : right).remove(gone.map((pair) => pair[to]))
    this.#forget(gone)
    for (const pair of gone) there.delete(pair[to])
  }

  /**
   * What a later run needs to know of a side. After changes of our own it is looked at once more: where it is as we
   * left it, it need not be looked at again.
   */
  async settled(end: End, mark: string | undefined): Promise<SettledEnd> {
    const mailbox = end === 'left' ? this.#request.left : this.#request.right
    const flags = end === 'left' ? this.#left : this.#right
    const { id, since } = mailbox
    const known = this.#pairs.filter((pair) => flags.has(pair[end])).length
    const whole = known === flags.size && known === this.#pairs.length
    if (!this.report.wrote.has(end)) return { id, mark, since, whole }
    if (since === undefined || mailbox.renew === undefined) return { id, mark: undefined, since, whole }
    await mailbox.renew()
    const now = await mailbox.messages({ since, flags, whole })
    const same = now.size === flags.size && [...now].every(([key, each]) => sameFlags(each, flags.get(key) ?? ['?']))
    return same ? { id, mark: mailbox.mark, since: mailbox.since, whole } : { id, mark: undefined, since, whole }
  }

  #forget(gone: readonly MessagePair[]): void {
    this.#request.state.forget(this.#request.record.id, gone)
    const lefts = new Set(gone.map((pair) => pair.left))
    this.#pairs = this.#pairs.filter((pair) => !lefts.has(pair.left))
  }

  #refuse(from: End, key: string, why: string): void {
    this.report.refused.push({ from, key, why })
  }
}

interface Sent {
  readonly message: Carried
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
}

function other(end: End): End {
  return end === 'left' ? 'right' : 'left'
}

async function inOnePiece(body: AsyncIterable<Uint8Array>, size: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size)
}
