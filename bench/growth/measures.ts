/** What is measured while something grows, and what is allowed. @module */
import { percentile, rounded } from '../kit.ts'

/** How a figure may grow when the size is ten times as large. */
export type Rule =
  /** Work on all of it: at most 13 times. */
  | 'with-size'
  /** Work on what is new: at most twice. */
  | 'flat'
  /** Only shown. */
  | 'none'

export interface Measure {
  readonly name: string
  readonly unit: 'ms' | 'MB'
  readonly rule: Rule
}

/** Figures at one size, by the name of the measure. */
export interface Point {
  readonly size: number
  readonly figures: ReadonlyMap<string, number>
}

/** How it is measured. */
export interface Manner {
  /** Of the server, for profiles. */
  readonly nodeArguments: readonly string[]
  /** Seconds for which the search index is waited for. */
  readonly patience: number
}

/** What grows, and how it did. */
export interface Growth {
  readonly title: string
  /** Of what there is more and more. */
  readonly what: string
  readonly measures: readonly Measure[]
  readonly points: readonly Point[]
}

const LONG_MS = 10_000

/** Figures of one size, as they come. */
export class Figures {
  readonly #measures: readonly Measure[]
  readonly #quietly: boolean
  readonly figures: Map<string, number> = new Map()

  constructor(measures: readonly Measure[], how?: 'quietly') {
    this.#measures = measures
    this.#quietly = how === 'quietly'
  }

  set(name: string, figure: number): void {
    if (!this.#measures.some((measure) => measure.name === name)) throw new Error(`There is no measure ${name}`)
    this.figures.set(name, rounded(figure))
    if (!this.#quietly) console.log(`  ${name}: ${rounded(figure)}`)
  }

  /** The median of so many times, or of fewer where it takes very long. */
  async time(name: string, times: number, work: () => Promise<unknown>): Promise<void> {
    const waits: number[] = []
    const begun = performance.now()
    while (waits.length < times && performance.now() - begun < LONG_MS) waits.push(await clocked(work))
    this.set(name, percentile(waits, 0.5))
  }
}

/** Milliseconds that it took. */
export async function clocked(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

const MOST: Readonly<Record<Rule, number>> = {
  'with-size': 13,
  flat: 2,
  none: Number.POSITIVE_INFINITY,
}
/** Below this, what is measured is the machine. */
const NOISE: Readonly<Record<Measure['unit'], number>> = { ms: 3, MB: 1 }

export interface Step {
  readonly measure: Measure
  readonly from: number
  readonly to: number
  readonly times: number
  readonly broken: boolean
}

/** Every step from one size to ten times of it. */
export function stepsOf({ measures, points }: Growth): readonly Step[] {
  return measures.flatMap((measure) =>
    points.slice(1).flatMap((point, index) => {
      const before = points[index]?.figures.get(measure.name)
      const after = point.figures.get(measure.name)
      if (before === undefined || after === undefined) return []
      const tenfold = point.size / (points[index]?.size ?? 1) / 10
      const broken = after > NOISE[measure.unit] && after > MOST[measure.rule] * tenfold * before
      return [{ measure, from: points[index]?.size ?? 0, to: point.size, times: rounded(after / before), broken }]
    }),
  )
}

/** A table in Markdown: a row a measure, a column a size, and the largest step. */
export function tableOf(growth: Growth): string {
  const { measures, points, what } = growth
  const steps = stepsOf(growth)
  const head = [what, ...points.map(({ size }) => size.toLocaleString('en')), 'largest step', 'rule']
  const rows = measures.map((measure) => {
    const own = steps.filter((step) => step.measure === measure)
    const largest = own.reduce((most, { times }) => Math.max(most, times), 0)
    const most = MOST[measure.rule]
    return [
      `${measure.name}, ${measure.unit}`,
      ...points.map(({ figures }) => String(figures.get(measure.name) ?? '–')),
      own.length === 0 ? '–' : `${largest}×`,
      Number.isFinite(most) ? `${most}×${own.some(({ broken }) => broken) ? ' missed' : ''}` : '',
    ]
  })
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
