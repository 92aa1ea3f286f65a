/** Counts what accounts send against their limits, and raises the alarm where it is not usual. In the main thread. @module */
import type { Clock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import type { AccountId } from '#mail/ids.ts'
import type { AccountRecord } from '#store/directory.ts'
import type { HoldReason } from '#store/queue.ts'
import type { SendingRecord } from '#store/sending.ts'
import { networkGroup } from './networks.ts'
import {
  BASELINE_HOURS,
  type DayLimits,
  hourOf,
  isOutburst,
  lastHourOutside,
  type SendingLeft,
  sendingLeft,
  usualDay,
} from './sending-limits.ts'

/** From `[submission]`, for accounts that have none of their own. */
export interface SendingSettings extends DayLimits {
  /** Recipients an hour that are never an outburst; 0: nothing is. */
  readonly outburst: number
}

/** A message about to be kept. */
export interface Outgoing {
  readonly recipients: number
  /** Addresses on other servers. */
  readonly outside: number
  /** Of the client. */
  readonly remoteAddress: string
}

export interface TooMuchSent {
  readonly kind: 'too-much-sent'
  readonly what: 'messages' | 'recipients'
  /** In 24 hours. */
  readonly limit: number
  /** When more may be sent, ms since 1970. */
  readonly resumesAt: number
}

/** An account does what it never does. */
export interface Outburst {
  readonly account: AccountRecord
  readonly remoteAddress: string
  readonly lastHour: number
  readonly usualDay: number
  /** Its people have not been told yet. */
  readonly first: boolean
}

export interface LedgerDeps {
  /** Opened when something is sent. */
  readonly record: () => Promise<SendingRecord>
  readonly clock: Clock
  readonly settings: SendingSettings
}

/** Holds all mail of the account in the queue, and tells people where it is the first time. */
export type OutburstListener = (outburst: Outburst) => Promise<void>

const FORGET_EVERY_HOURS = 24
const NETWORKS_MS = 180 * 24 * 3_600_000

export class SendingLedger {
  readonly #deps: LedgerDeps
  /** One message of an account after the other. */
  readonly #turns = new Map<AccountId, Promise<unknown>>()
  #forgotten = 0
  #listener: OutburstListener = () => Promise.resolve()

  constructor(deps: LedgerDeps) {
    this.#deps = deps
  }

  onOutburst(listener: OutburstListener): void {
    this.#listener = listener
  }

  async left(account: AccountRecord): Promise<SendingLeft> {
    const now = this.#deps.clock.now()
    const record = await this.#deps.record()
    const hours = await record.hours(account.ref.id, hourOf(now) - 24)
    return sendingLeft(hours, this.#limitsOf(account), now)
  }

  /** Counts a message, where it may be sent. @returns why it is to be held. */
  count(account: AccountRecord, message: Outgoing): Promise<Result<HoldReason | undefined, TooMuchSent>> {
    return this.#inTurn(account.ref.id, () => this.#count(account, message))
  }

  /** Takes a message back that was counted. An alarm that it raised stays. */
  uncount({ ref }: AccountRecord, { recipients, outside, remoteAddress }: Outgoing): Promise<void> {
    return this.#inTurn(ref.id, async () => {
      const record = await this.#deps.record()
      const now = this.#deps.clock.now()
      const network = networkGroup(remoteAddress)
      // in the next hour, perhaps: the sum over a day is right all the same
      const less = { messages: -1, recipients: -recipients, outside: -outside }
      await record.note(ref.id, { hour: hourOf(now), ...less, network, at: now })
    })
  }

  #inTurn<T>(id: AccountId, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(id) ?? Promise.resolve()
    const turn = before.then(work)
    const settled = turn.catch(() => undefined)
    this.#turns.set(id, settled)
    void settled.then(() => {
      if (this.#turns.get(id) === settled) this.#turns.delete(id)
    })
    return turn
  }

  /** What the account has sent within the day is as it should be, and where it was sent from. */
  async teach({ ref }: AccountRecord): Promise<void> {
    const { clock } = this.#deps
    const record = await this.#deps.record()
    const hours = await record.hours(ref.id, hourOf(clock.now()) - 24)
    await record.teach(ref.id, Math.max(0, ...hours.map(({ outside }) => outside)))
  }

  async #count(account: AccountRecord, message: Outgoing): Promise<Result<HoldReason | undefined, TooMuchSent>> {
    const { clock, settings } = this.#deps
    const record = await this.#deps.record()
    const { id } = account.ref
    const { recipients, outside, remoteAddress } = message
    const now = clock.now()
    const hour = hourOf(now)
    const hours = await record.hours(id, hour - BASELINE_HOURS - 24)
    const limits = this.#limitsOf(account)
    const left = sendingLeft(hours, limits, now)
    for (const [what, wanted] of [
      ['messages', 1],
      ['recipients', recipients],
    ] as const) {
      const { resumesAt } = left
      if (left[what] < wanted) return refused({ kind: 'too-much-sent', what, limit: limits[what], resumesAt })
    }
    const network = networkGroup(remoteAddress)
    const firstFrom = await record.firstFrom(id, network)
    await record.note(id, { hour, messages: 1, recipients, outside, network, at: now })
    await this.#forget(record, hour, now)
    const alarm = await record.alarm(id)
    if (outside === 0 && alarm === undefined) return done(undefined)
    const usual = usualDay(hours, now)
    const lastHour = lastHourOutside(hours, now) + outside
    const { outside: taught } = await record.taught(id)
    const outburst = isOutburst({ lastHour, usualDay: usual, taught, firstFrom, now }, settings.outburst)
    if (alarm === undefined && !outburst) return done(undefined)
    if (alarm === undefined) await record.setAlarm(id, { since: now, told: false })
    const first = alarm?.told !== true
    await this.#listener({ account, remoteAddress, lastHour, usualDay: usual, first })
    if (first) await record.setAlarm(id, { since: alarm?.since ?? now, told: true })
    return done('outburst')
  }

  #limitsOf({ sending }: AccountRecord): DayLimits {
    const { messages, recipients } = this.#deps.settings
    return { messages: sending?.messagesPerDay ?? messages, recipients: sending?.recipientsPerDay ?? recipients }
  }

  async #forget(record: SendingRecord, hour: number, now: number): Promise<void> {
    if (hour - this.#forgotten < FORGET_EVERY_HOURS) return
    this.#forgotten = hour
    await record.forgetBefore(hour - BASELINE_HOURS - 48, now - NETWORKS_MS)
  }
}
