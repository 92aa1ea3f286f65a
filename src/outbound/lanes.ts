/** What is known of each destination while mail waits for it: who sends there, and whether it answers. @module */
import type { DueMessage } from '#store/queue.ts'
import { pauseOf } from './schedule.ts'

/** Domains that one question to the store names. */
const MOST_DOMAINS = 50
/** How long is known how a destination was, once nothing waits for it: longer than any pause. */
const KEPT_MS = 3_600_000

/** Mail for one domain, for one smarthost, or for ourselves. */
export class Lane {
  readonly key: string
  readonly local: boolean
  /** With mail that is due, those that wait longest first. */
  domains: readonly string[] = []
  /** Messages that are due, counted up to a bound. */
  messages = 0
  /** Who works for it, of those who has a connection, and messages in their hands. */
  active = 0
  connected = 0
  inFlight = 0
  /** Connections that the other side allows, where it has told. */
  limit: number = Number.POSITIVE_INFINITY
  /** Tries in a row that reached nobody. */
  failures = 0
  /** It has answered: more than one may go there. */
  proven = false
  /** Nothing is sent before. */
  blockedUntil = 0
  /** Fetched, not yet begun. */
  ready: DueMessage[] = []
  refilling: Promise<void> | undefined
  #minute = 0
  #sent = 0
  #used = 0

  constructor(key: string, local: boolean) {
    this.key = key
    this.local = local
  }

  /** Where it is not known yet, what became of mail at the last try tells. @returns whether it did not answer then. */
  suspects({ message }: DueMessage): boolean {
    if (this.local || this.proven || this.failures > 0) return false
    const silent = message.recipients.some(({ last }) => last?.outcome === 'deferred' && last.reply.startsWith('4.4.'))
    if (silent) this.failures = 1
    return silent
  }

  /** Nothing of it needs to be remembered any longer. */
  isOver(now: number): boolean {
    return this.active === 0 && this.domains.length === 0 && now > this.#used + KEPT_MS
  }

  /** What the store is asked for. */
  get asked(): readonly string[] {
    return this.domains.slice(0, MOST_DOMAINS)
  }

  /** How many more may work for it: one to find out where it did not answer. */
  room(most: number): number {
    const limit = this.failures > 0 || !this.proven ? 1 : Math.min(most, this.limit)
    return Math.max(0, Math.min(limit - this.active, this.messages - this.inFlight))
  }

  /** @returns whether that is news. */
  answered(): boolean {
    const news = this.failures > 0 || !this.proven
    this.failures = 0
    this.proven = true
    return news
  }

  silent(now: number, random: number): void {
    this.failures += 1
    this.blockedUntil = now + pauseOf(this.failures, random)
    this.ready = []
  }

  /** Counts a message against the rate. @returns whether it may go now; if not, nothing goes before the next minute. */
  mayServe(now: number, perMinute: number): boolean {
    this.#used = now
    if (perMinute === 0) return true
    const minute = Math.floor(now / 60_000)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#sent = 0
    }
    if (this.#sent >= perMinute) {
      this.blockedUntil = (minute + 1) * 60_000
      return false
    }
    this.#sent += 1
    return true
  }
}

/** Within a priority the senders in turn, so that nobody waits behind somebody else's thousand. */
export function inTurn(messages: readonly DueMessage[]): DueMessage[] {
  const turns = new Map<string, number>()
  return messages
    .map((due, index) => {
      const { account, sender, priority } = due.message
      const who = `${priority} ${account ?? sender}`
      const turn = turns.get(who) ?? 0
      turns.set(who, turn + 1)
      return { due, index, priority, turn }
    })
    .sort((one, other) => other.priority - one.priority || one.turn - other.turn || one.index - other.index)
    .map(({ due }) => due)
}

/** What is in somebody's hands. */
export function jobKey({ message }: DueMessage): string {
  const address = message.recipients[0]?.address ?? ''
  return `${message.id} ${address.slice(address.lastIndexOf('@') + 1).toLowerCase()}`
}
