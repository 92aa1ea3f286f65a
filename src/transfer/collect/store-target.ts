/**
 * Accounts of a store as a target, each reached by IMAP as its owner. Connects at the first message. A message for
 * several accounts is in all of them or in none: what a run before began is finished, not begun again. @module
 */
import { createHash } from 'node:crypto'
import { ClientError } from '#client/errors.ts'
import type { ImapClient } from '#client/imap/imap-client.ts'
import type { Clock } from '#lib/clock.ts'
import { addressesIn, arrivedAt } from './envelope.ts'
import { Intake, type Waiting } from './intake.ts'
import type { Listed } from './source.ts'
import { Spooled } from './spool.ts'
import type { CollectTarget, Fate, Placed, Placing, Staged } from './target.ts'

export interface StoreTargetOptions {
  /** Of the store. */
  readonly place: string
  /** What waits for its place is kept apart from that of other sources. */
  readonly source: string
  /** Logged in as the owner of the account. */
  readonly connect: (account: string) => Promise<ImapClient>
  /** Who gets the mail. */
  readonly account: string
  readonly mailbox: string
  /** Multidrop: the field that says who it was for; mail without it goes to `account`. */
  readonly envelopeField: string | undefined
  /** The accounts that an address leads to; none: nobody has it. */
  readonly accountsOf: (address: string) => Promise<readonly string[]>
  readonly clock: Clock
  readonly words: StoreWords
}

/** What is said to people, in their language. */
export interface StoreWords {
  readonly nobodyHas: (addresses: readonly string[]) => string
  /** @param why In the words of the store. */
  readonly refused: (account: string, why: string) => string
  readonly takenAway: (mailbox: string) => string
}

interface StoreStaged extends Staged {
  readonly spooled: Spooled
  readonly accounts: readonly string[]
  /** Addresses that nobody has. */
  readonly unknown: readonly string[]
  /** By account, once it waits there. */
  readonly places: Map<string, Waiting>
  refusal: string | undefined
}

/** What is known of a message before it is placed: where it waits, by account. */
type Mark = Readonly<Record<string, Waiting>>

/** What is held before it goes to the store. */
const HELD_OCTETS = 4 * 1024 * 1024
const HELD_MESSAGES = 64

/** See the module. */
export class StoreTarget implements CollectTarget<StoreStaged> {
  readonly name: string
  readonly #options: StoreTargetOptions
  readonly #waitingRoom: string
  readonly #intakes = new Map<string, Promise<Intake>>()
  readonly #known = new Map<string, readonly string[]>()
  #held: StoreStaged[] = []
  /** Something waits whose placing is recorded, perhaps: it is the next run's to settle. */
  #placing = false
  #heldOctets = 0

  constructor(options: StoreTargetOptions) {
    this.#options = options
    this.name = options.place
    const digest = createHash('sha256').update(options.source).digest('hex')
    this.#waitingRoom = `Collecting ${digest.slice(0, 8)}`
  }

  /** What waits is sent to its place; what does not has been there. */
  async recover(placings: readonly Placing[]): Promise<ReadonlyMap<string, Fate>> {
    const marks = placings.map(({ id, mark }) => ({ id, mark: parseMark(mark) }))
    const inDoubt = new Set<string>()
    for (const account of new Set(marks.flatMap(({ mark }) => Object.keys(mark)))) {
      const meant = marks.flatMap(({ id, mark: { [account]: waiting } }) => (waiting ? [{ id, waiting }] : []))
      const intake = await this.#intake(account)
      const uids = await intake.stillWaiting(meant.map(({ waiting }) => waiting))
      if (uids === undefined) for (const { id } of meant) inDoubt.add(id)
      else await intake.release([...uids].sort((a, b) => a - b))
    }
    return new Map(marks.map(({ id }) => [id, inDoubt.has(id) ? 'unknown' : 'placed']))
  }

  async stage(message: Listed, body: AsyncIterable<Uint8Array>): Promise<StoreStaged> {
    const spooled = await Spooled.of(body)
    try {
      const { accounts, unknown } = await this.#recipients(spooled)
      const refusal = accounts.length > 0 ? undefined : this.#options.words.nobodyHas(unknown)
      const places = new Map<string, Waiting>()
      const staged = { message, octets: spooled.octets, spooled, accounts, unknown, places, refusal }
      this.#held.push(staged)
      this.#heldOctets += spooled.octets
      if (this.#heldOctets >= HELD_OCTETS || this.#held.length >= HELD_MESSAGES) await this.#hand()
      return staged
    } catch (error) {
      await spooled[Symbol.asyncDispose]()
      throw error
    }
  }

  async prepare(staged: readonly StoreStaged[]): Promise<readonly Placing[]> {
    await this.#hand()
    this.#placing = true
    return staged.flatMap(({ message: { id }, refusal, places }) =>
      refusal === undefined ? [{ id, mark: JSON.stringify(Object.fromEntries(places)) }] : [],
    )
  }

  async place(staged: readonly StoreStaged[]): Promise<readonly Placed[]> {
    const taken = staged.filter(({ refusal }) => refusal === undefined)
    for (const account of new Set(taken.flatMap(({ accounts }) => accounts))) {
      const meant = taken.flatMap((one) => {
        const waiting = one.places.get(account)
        return waiting === undefined ? [] : [{ one, uid: waiting.uid }]
      })
      const intake = await this.#intake(account)
      const released = await intake.release(meant.map(({ uid }) => uid))
      for (const { one, uid } of meant) {
        if (!released.has(uid)) one.refusal = this.#options.words.takenAway(this.#waitingRoom)
      }
    }
    this.#placing = false
    return staged.map(({ message, refusal, unknown }) => {
      if (refusal !== undefined) return { message, refusal }
      return unknown.length === 0 ? { message } : { message, note: this.#options.words.nobodyHas(unknown) }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { spooled } of this.#held) await spooled[Symbol.asyncDispose]()
    for (const opening of this.#intakes.values()) {
      try {
        const intake = await opening
        if (this.#placing) await intake.leave()
        else await intake.close()
      } catch (error) {
        // it is gone, and what is left is settled by the next run
        if (!(error instanceof ClientError)) throw error
      }
    }
  }

  /** Gives what is held to the accounts that it is for. */
  async #hand(): Promise<void> {
    const held = this.#held
    this.#held = []
    this.#heldOctets = 0
    try {
      for (const account of new Set(held.flatMap(({ accounts }) => accounts))) {
        const meant = held.filter(({ accounts, refusal }) => refusal === undefined && accounts.includes(account))
        await this.#add(account, meant)
      }
    } finally {
      for (const { spooled } of held) await spooled[Symbol.asyncDispose]()
    }
  }

  async #add(account: string, meant: readonly StoreStaged[]): Promise<void> {
    const intake = await this.#intake(account)
    for (const part of partsOf(meant)) {
      const now = this.#options.clock.now()
      const answers = await intake.add(
        part.map(({ spooled }) => ({
          body: spooled.bytes ?? spooled.stream(),
          size: spooled.octets,
          binary: spooled.hasNul,
          date: new Date(arrivedAt(spooled, now)),
        })),
      )
      for (const [n, one] of part.entries()) {
        const answer = answers[n]
        if (typeof answer === 'object') one.places.set(account, answer)
        else one.refusal = this.#options.words.refused(account, answer ?? '')
      }
    }
  }

  async #recipients(
    spooled: Spooled,
  ): Promise<{ readonly accounts: readonly string[]; readonly unknown: readonly string[] }> {
    const { envelopeField, account } = this.#options
    const addresses = envelopeField === undefined ? [] : addressesIn(spooled, envelopeField)
    if (addresses.length === 0) return { accounts: [account], unknown: [] }
    const unknown: string[] = []
    const accounts = new Set<string>()
    for (const address of addresses) {
      const found = this.#known.get(address) ?? (await this.#options.accountsOf(address))
      this.#known.set(address, found)
      if (found.length === 0) unknown.push(address)
      for (const each of found) accounts.add(each)
    }
    return { accounts: [...accounts], unknown }
  }

  #intake(account: string): Promise<Intake> {
    let intake = this.#intakes.get(account)
    if (intake === undefined) {
      intake = this.#options
        .connect(account)
        .then((client) => Intake.open(client, this.#waitingRoom, this.#options.mailbox))
      this.#intakes.set(account, intake)
    }
    return intake
  }
}

/** In order; a large one alone: its bytes are yet to come, and can be sent once. */
function* partsOf(meant: readonly StoreStaged[]): Generator<readonly StoreStaged[], void, void> {
  let small: StoreStaged[] = []
  for (const one of meant) {
    if (one.spooled.bytes !== undefined) small.push(one)
    else {
      if (small.length > 0) yield small
      small = []
      yield [one]
    }
  }
  if (small.length > 0) yield small
}

function parseMark(text: string): Mark {
  const mark: Record<string, Waiting> = {}
  const parsed: Record<string, Partial<Waiting>> = JSON.parse(text)
  for (const [account, { uidValidity, uid }] of Object.entries(parsed)) {
    if (typeof uidValidity === 'number' && typeof uid === 'number') mark[account] = { uidValidity, uid }
  }
  return mark
}
