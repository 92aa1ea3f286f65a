/** One piece of work that every server does, and what comes of it. @module */
import type { Contestant } from './contestant.ts'

export interface Scenario {
  /** `group/what`, as given on the command line: `login/tls-10`. */
  readonly name: string
  /** For the table. */
  readonly title: string
  readonly unit: 'per second' | 'MB/s' | 'ms' | 's' | 'KB' | 'MB'
  /** Whether a larger figure is the better one. */
  readonly more: boolean
  /** The least ratio to Dovecot, larger is better: the budgets of the design. */
  readonly goal?: number
  /** A scenario played before it, which Malle's own figure is set against; for what Dovecot takes no part in. */
  readonly ratioTo?: string
  /** The worst figure that Malle may have, in the scenario's unit. */
  readonly bound?: number
  /** Accounts it wants besides the hundred people. */
  readonly accounts?: readonly string[]
  /** Who does it in Dovecot's place, where that is not its work. */
  readonly peer?: 'Postfix'
  /** Who takes part, where not everybody does. */
  readonly only?: Contestant['name']
  /** Rounds where three are too many, or too few. */
  readonly rounds?: number
  /** Rounds before them that do not count: the row is about a server that has been at work. */
  readonly warmUp?: number
  /** Once for each server, before its first round; not measured. */
  prepare?(server: Contestant): Promise<void>
  /** Before every round; not measured. */
  before?(server: Contestant): Promise<void>
  /** Does the work inside one call of `watch` and says what came of it. */
  round(server: Contestant, watch: Watch): Promise<Round>
  /** After the last round of a server; not measured. @param next What is played then, which may go on from here. */
  after?(server: Contestant, next: Scenario | undefined): Promise<void>
}

/**
 * Runs the work with all meters on.
 * @param pid The process whose tree is metered, where it is not the server's.
 * @returns seconds on the clock, and what the work gave.
 */
export type Watch = <T>(work: () => Promise<T>, pid?: number) => Promise<Watched<T>>

export interface Watched<T> {
  readonly seconds: number
  readonly value: T
  readonly meters: Meters
}

export interface Meters {
  readonly serverCpuSeconds: number
  /** Share of its core that the driver took. */
  readonly driverLoad: number
  readonly pssOctets: number
}

export interface Round {
  /** In the scenario's unit. */
  readonly figure: number
  /** Milliseconds of each operation, where there are single ones. */
  readonly waits?: readonly number[]
  /** Must be the same for every server: how many messages, rows, completions came. */
  readonly answers: number
  /** Refusals and lost connections; must be 0. */
  readonly errors?: number
  /** Of an earlier row's round, which this figure comes of, too: nothing was done anew. */
  readonly meters?: Meters
}
