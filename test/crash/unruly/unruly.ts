/** A mail server with moods, on the other side of ours while that is killed. @module */
import type { Random } from '#testing/random.ts'

/** Its domains, to which mail goes, and the one of the sender, where reports go. */
export const DOMAINS: readonly string[] = ['d0.example', 'd1.example', 'd2.example', 'd3.example']
export const SENDER = 'ann@back.example'
export const SENDER_DOMAIN = 'back.example'

/** One copy of a message that it has taken. */
export interface Arrival {
  /** The null sender: a report. */
  readonly isReport: boolean
  readonly recipient: string
  readonly body: string
  /** When its 250 was said, or nobody was there any more to hear it: `performance.now()`. */
  readonly at: number
  /** It broke the connection, so that we never heard the 250. */
  readonly dropped: boolean
}

export interface Unruly extends AsyncDisposable {
  readonly port: number
  /** What it did on purpose, how often. */
  readonly mischief: Readonly<Record<string, number>>
  /** From now on it takes everything. */
  tame(): void
  /** For the eye, while it runs: messages taken so far. */
  readonly taken: number
  /** All copies that came, in the order of their 250; waits for those that are on their way into mailboxes. */
  arrivals(): Promise<readonly Arrival[]>
}

/** At one step of SMTP, with this probability, this answer. */
export type Mood<Step extends string> = readonly [at: Step, share: number, answer: string]

/** Chooses what to do, and counts. */
export class Moods<Step extends string> {
  readonly mischief: Record<string, number> = {}
  tame = false
  readonly #random: Random
  readonly #moods: readonly Mood<Step>[]

  constructor(random: Random, moods: readonly Mood<Step>[]) {
    this.#random = random
    this.#moods = moods
  }

  /** @param isReport Nobody would be told of a report that is refused for good. @returns `undefined`: as usual. */
  at(step: Step, isReport: boolean): string | undefined {
    if (this.tame) return undefined
    const choice = this.#moods.find(([at, share]) => at === step && this.#random.chance(share))
    if (choice === undefined) return undefined
    const [, , answer] = choice
    if (isReport && /^(?:5|REJECT)/.test(answer)) return undefined
    this.count(`${step} ${answer.slice(0, 15).trim()}`)
    return answer
  }

  count(name: string): void {
    this.mischief[name] = (this.mischief[name] ?? 0) + 1
  }
}
