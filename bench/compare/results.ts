/** What the rounds of a scenario gave, and the table of them. @module */
import { percentile, rounded } from '../kit.ts'
import type { Contestant } from './contestant.ts'
import type { Meters, Scenario } from './scenario.ts'

/** One round of one server. */
export interface Measured extends Meters {
  readonly figure: number
  readonly waits: readonly number[]
  readonly answers: number
  readonly errors: number
}

/** All rounds of one server, as one line of JSON. */
export interface Result {
  readonly scenario: string
  readonly server: Contestant['name'] | 'postfix'
  readonly unit: Scenario['unit']
  /** Medians of the rounds. */
  readonly figure: number
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  readonly serverCpuSeconds: number
  readonly pssMegabytes: number
  readonly driverLoad: number
  readonly answers: number
  readonly errors: number
  readonly figures: readonly number[]
}

/** A scenario with what each server gave; `ratio` is larger than 1 where Malle is better. */
export interface Row {
  readonly scenario: Scenario
  readonly malle: Result | undefined
  readonly dovecot: Result | undefined
  readonly ratio: number | undefined
  /** Whether the ratio is to Malle's own figure of another scenario. */
  readonly ofItself: boolean
  /** What makes the row worthless, in words; empty where nothing does. */
  readonly faults: readonly string[]
}

/** A driver that is busier than this measures itself. */
const FULL_DRIVER = 0.95

export function resultOf(scenario: Scenario, server: Contestant['name'], rounds: readonly Measured[]): Result {
  const middle = (of: (round: Measured) => number): number => median(rounds.map(of))
  const waits = rounds.flatMap((round) => round.waits)
  return {
    scenario: scenario.name,
    server: server === 'dovecot' && scenario.peer === 'Postfix' ? 'postfix' : server,
    unit: scenario.unit,
    figure: significant(middle((round) => round.figure)),
    p50Ms: waits.length === 0 ? undefined : rounded(percentile(waits, 0.5)),
    p99Ms: waits.length === 0 ? undefined : rounded(percentile(waits, 0.99)),
    serverCpuSeconds: rounded(middle((round) => round.serverCpuSeconds)),
    pssMegabytes: rounded(middle((round) => round.pssOctets) / 1_048_576),
    driverLoad: rounded(middle((round) => round.driverLoad)),
    answers: middle((round) => round.answers),
    errors: rounds.reduce((sum, round) => sum + round.errors, 0),
    figures: rounds.map((round) => significant(round.figure)),
  }
}

/** @param base Malle in the scenario that this one's ratio is to. */
export function rowOf(scenario: Scenario, malle: Result | undefined, dovecot: Result | undefined, base?: Result): Row {
  const faults: string[] = []
  for (const result of [malle, dovecot]) {
    if (result === undefined) continue
    if (result.errors > 0) faults.push(`${result.errors} errors of ${result.server}`)
    if (result.driverLoad > FULL_DRIVER) faults.push(`the driver was the limit (${result.server})`)
  }
  if (malle !== undefined && dovecot !== undefined && malle.answers !== dovecot.answers)
    faults.push(`${malle.answers} answers and ${dovecot.answers}`)
  const other = scenario.ratioTo === undefined ? dovecot : base
  const ratio =
    // memory that was given back while connections were counted is no ratio
    malle === undefined || other === undefined || malle.figure <= 0 || other.figure <= 0
      ? undefined
      : rounded(scenario.more ? malle.figure / other.figure : other.figure / malle.figure)
  return { scenario, malle, dovecot, ratio, ofItself: scenario.ratioTo !== undefined, faults }
}

/** A table in Markdown, one row a scenario. */
export function tableOf(rows: readonly Row[]): string {
  const head = [
    'scenario',
    'unit',
    'Malle',
    'Dovecot',
    'ratio',
    'budget',
    'p50/p99 ms',
    'CPU s',
    'PSS MB',
    'driver',
    '',
  ]
  const body = rows.map(({ scenario, malle, dovecot, ratio, ofItself, faults }) => {
    const both = (of: (result: Result) => string | number | undefined): string =>
      [malle, dovecot].map((result) => (result === undefined ? '–' : String(of(result) ?? '–'))).join(' · ')
    return [
      scenario.title,
      scenario.unit,
      malle?.figure ?? '–',
      dovecot === undefined ? '–' : `${dovecot.figure}${scenario.peer === undefined ? '' : ` (${scenario.peer})`}`,
      ratio === undefined ? '–' : `${ratio}×${ofItself ? ' of itself' : ''}`,
      budgetOf(scenario, malle, ratio),
      both(({ p50Ms, p99Ms }) => (p50Ms === undefined ? undefined : `${p50Ms}/${p99Ms}`)),
      both((result) => result.serverCpuSeconds),
      both((result) => result.pssMegabytes),
      both((result) => `${Math.round(result.driverLoad * 100)}%`),
      faults.join(', '),
    ]
  })
  return [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function budgetOf({ goal, bound, more }: Scenario, malle: Result | undefined, ratio: number | undefined): string {
  const budgets: string[] = []
  if (goal !== undefined) budgets.push(`${goal}×${(ratio ?? goal) >= goal ? '' : ' missed'}`)
  if (bound !== undefined) {
    const figure = malle?.figure ?? bound
    budgets.push(`${more ? '≥' : '≤'} ${bound}${(more ? figure >= bound : figure <= bound) ? '' : ' missed'}`)
  }
  return budgets.join(', ')
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** Three significant digits, more where the number is larger than 1,000. */
function significant(value: number): number {
  return value >= 1_000 ? Math.round(value) : Number(value.toPrecision(3))
}
