/** What suites do inside the threads of a store: kill the process or stop at a named point, or break a promise. @module */
import fs from 'node:fs'
import type { Moment, MomentFacts, Probe } from '#adapters/embedded/probe.ts'
import type { SegmentFiles } from '#adapters/embedded/segment-files.ts'

/** Points of a batch with bodies, in their order. */
export const BODY_POINTS = [
  'executed',
  'write',
  'torn',
  'written',
  'synced',
  'commit',
  'committed',
  'answered',
] as const
/** Points of a batch without. */
export const BATCH_POINTS = ['executed', 'commit', 'committed', 'answered'] as const

/** A moment of the store, or one of its calls on segment files: before a write, in the middle, after, after a sync. */
export type Point = Moment | 'write' | 'torn' | 'written' | 'synced' | 'new-segment' | 'segment-synced'

/** The process ends itself there, by SIGKILL. */
export interface DieOrder {
  readonly at: Point
  /** Only in a batch with such a request; `task:` and a name for upkeep. */
  readonly kind?: string
  /** At the nth time. */
  readonly nth: number
}

/** The thread stops there, until somebody kills the process; other threads go on. Counts from the beginning. */
export type HoldOrder = DieOrder

/**
 * A promise broken on purpose, so that a suite can show that it sees it: bodies are not synced, commits are not synced,
 * answers go out before the commit.
 */
export type Broken = 'unsynced-bodies' | 'unsynced-commits' | 'early-answers'

export interface ProbeOrders {
  readonly die?: DieOrder
  readonly hold?: HoldOrder
  readonly broken?: Broken
}

/** What threads are given: orders, and whether points count yet (1), shared by all of them. */
export interface ArmedOrders extends ProbeOrders {
  readonly armed: Int32Array
}

/** Points of the start: they count from the beginning. */
const AT_START: ReadonlySet<Point> = new Set<Point>(['opening', 'migrating', 'opened'])

/** Called by threads of the store (`ProbeOrder.module`). */
export function makeProbe(order: unknown): Probe {
  return new OrderedProbe(order as ArmedOrders)
}

class OrderedProbe implements Probe {
  readonly #broken: Broken | undefined
  readonly #die: DieOrder | undefined
  #kinds: ReadonlySet<string> = new Set()
  readonly #armed: Int32Array
  #left: number
  readonly #hold: HoldOrder | undefined
  #holdLeft: number

  constructor({ die, hold, broken, armed }: ArmedOrders) {
    this.#armed = armed
    this.#die = die
    this.#broken = broken
    this.#left = die?.nth ?? Number.POSITIVE_INFINITY
    this.#hold = hold
    this.#holdLeft = hold?.nth ?? Number.POSITIVE_INFINITY
  }

  files(real: SegmentFiles): SegmentFiles {
    return {
      ...real,
      writev: (fd, buffers, position) => {
        this.#reached('write')
        if (this.#dies('torn')) {
          const all = Buffer.concat(buffers)
          real.writev(fd, [all.subarray(0, Math.floor(all.length / 2))], position)
          end()
        }
        real.writev(fd, buffers, position)
        this.#reached('written')
      },
      sync: (fd) => {
        if (this.#broken !== 'unsynced-bodies') real.sync(fd)
        this.#reached('synced')
      },
      syncFolder: (path) => {
        if (path.endsWith('segments')) this.#reached('new-segment')
        real.syncFolder(path)
        if (path.endsWith('segments')) this.#reached('segment-synced')
      },
    }
  }

  at(moment: Moment, { kinds, answer, sql }: MomentFacts): void {
    this.#kinds = kinds
    if (moment === 'opened' && this.#broken === 'unsynced-commits') sql?.db.exec('PRAGMA synchronous = OFF')
    if (moment === 'commit' && this.#broken === 'early-answers' && this.#isArmed) {
      answer?.()
      // The answers are on their way while a slow disk works.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25)
    }
    this.#reached(moment)
  }

  get #isArmed(): boolean {
    return Atomics.load(this.#armed, 0) === 1
  }

  #dies(point: Point): boolean {
    if (this.#die?.at !== point) return false
    if (!AT_START.has(point) && !this.#isArmed) return false
    if (!this.#isMet(this.#die, point)) return false
    this.#left -= 1
    return this.#left === 0
  }

  #isMet({ at, kind }: DieOrder, point: Point): boolean {
    return at === point && (kind === undefined || this.#kinds.has(kind))
  }

  #reached(point: Point): void {
    if (this.#dies(point)) end()
    if (this.#hold === undefined || !this.#isMet(this.#hold, point)) return
    this.#holdLeft -= 1
    if (this.#holdLeft === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
}

/** Nothing of this process happens after it. */
function end(): never {
  // Whoever waits for this process can tell this end from others.
  fs.writeSync(2, `${DIED}\n`)
  for (;;) process.kill(process.pid, 'SIGKILL')
}

/** What stderr then ends on. */
export const DIED = 'died as ordered'
