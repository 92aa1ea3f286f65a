/** What a kind of torture found. @module */

/** Sums of all its rounds. */
export interface TortureReport {
  readonly kind: 'crash' | 'power' | 'faults'
  /** Restarts after which everything was compared. */
  readonly rounds: number
  /** Operations that clients were told had succeeded. */
  readonly acknowledged: number
  /** The same, counted again at every comparison they were part of. */
  readonly checked: number
  readonly messagesCompared: number
  /** What was reached, by name: points, states of the disk, faults. */
  readonly reached: Readonly<Record<string, number>>
  readonly seconds: number
  /** Sentences; each is something lost, changed or damaged. */
  readonly losses: readonly string[]
}

/** Counts by name. */
export class Tally {
  readonly #counts = new Map<string, number>()

  add(name: string, times = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + times)
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(Array.from(this.#counts).sort(([a], [b]) => a.localeCompare(b)))
  }
}

/** What a client that failed had to say: a server that answers what it must not is a loss, too. */
export function failure(error: unknown): string {
  return `a client failed: ${error instanceof Error ? error.message : String(error)}`
}

/** How a kind is run. */
export interface TortureOptions {
  /** Empty; what is left in it when there are losses is the evidence. */
  readonly folder: string
  readonly rounds: number
  readonly seed: number
  readonly tell: (line: string) => void
}
