/**
 * Malle and Dovecot do the same work, in the same run, on the same core, one after the other.
 *
 * ```
 * npm run bench -- [scenario…] [--against dovecot] [--rounds 3] [--list] [--out DIR] [--profile DIR]
 * ```
 * A scenario is named as `--list` shows, or by its group (`login`), or is all of them. Results are printed as a table and
 * written to DIR (`data/bench`) as `results.jsonl`, `table.md` and `chart.svg`. With `--profile` Malle leaves a CPU profile
 * of each thread.
 * @module
 */
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { makeCertificate } from './compare/certificate.ts'
import { chartOf } from './compare/chart.ts'
import { type Cast, type Contestant, DOMAIN, PASSWORD, PEOPLE, person } from './compare/contestant.ts'
import { pinDriver } from './compare/cores.ts'
import { startDovecot } from './compare/dovecot.ts'
import { startMalle } from './compare/malle.ts'
import { cpuSeconds, proportionalSetSize } from './compare/process-tree.ts'
import { type Measured, type Result, type Row, resultOf, rowOf, tableOf } from './compare/results.ts'
import type { Meters, Scenario, Watch } from './compare/scenario.ts'
import { SCENARIOS } from './compare/scenarios/index.ts'
import { inFolder } from './kit.ts'

const ROUNDS = 3

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    against: { type: 'string' },
    rounds: { type: 'string', default: String(ROUNDS) },
    list: { type: 'boolean', default: false },
    profile: { type: 'string' },
    out: { type: 'string', default: path.join('data', 'bench') },
  },
})

// The servers go with the bench, however it ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

if (values.against !== undefined && values.against !== 'dovecot') throw new Error('Malle is compared with dovecot')
const chosen = choose(positionals)
if (values.list) console.log(SCENARIOS.map(({ name, title }) => `${name.padEnd(28)} ${title}`).join('\n'))
else await inFolder(compare)

function choose(names: readonly string[]): readonly Scenario[] {
  for (const name of names)
    if (!SCENARIOS.some((scenario) => matches(scenario, name))) throw new Error(`There is no scenario ${name}`)
  return names.length === 0 ? SCENARIOS : SCENARIOS.filter((scenario) => names.some((name) => matches(scenario, name)))
}

function matches({ name }: Scenario, asked: string): boolean {
  return name === asked || name.startsWith(`${asked}/`)
}

async function compare(folder: string): Promise<void> {
  pinDriver()
  const people = Array.from({ length: PEOPLE }, (_, number) => person(number))
  const others = new Set(chosen.flatMap(({ accounts = [] }) => accounts))
  const cast: Cast = { names: [...people, ...Array.from(others, (name) => `${name}@${DOMAIN}`)], password: PASSWORD }
  const certificate = await makeCertificate(folder)
  await mkdir(values.out, { recursive: true })
  const lines = path.join(values.out, 'results.jsonl')
  await rm(lines, { force: true })

  await using malle = await startMalle(path.join(folder, 'malle'), cast, certificate, values.profile)
  await using dovecot =
    values.against === undefined ? undefined : await startDovecot(path.join(folder, 'dovecot'), cast, certificate)
  const contestants = dovecot === undefined ? [malle] : [malle, dovecot]
  const rows: Row[] = []
  for (const [at, scenario] of chosen.entries()) {
    const begun = performance.now()
    const row = await rowFor(scenario, chosen[at + 1], contestants, rows)
    rows.push(row)
    for (const result of [row.malle, row.dovecot])
      if (result !== undefined) await appendFile(lines, `${JSON.stringify(result)}\n`)
    console.log(`${tableOf([row]).split('\n').at(-1)} ${Math.round((performance.now() - begun) / 1_000)} s`)
  }
  const table = tableOf(rows)
  await writeFile(path.join(values.out, 'table.md'), `${table}\n`)
  await writeFile(path.join(values.out, 'chart.svg'), chartOf(rows))
  console.log(`\n${table}`)
  if (rows.some(({ faults }) => faults.length > 0)) process.exitCode = 1
}

/** What came of a scenario. One that fails costs its own row and a fresh start of the servers, not the whole run. */
async function rowFor(
  scenario: Scenario,
  next: Scenario | undefined,
  contestants: readonly Contestant[],
  before: readonly Row[],
): Promise<Row> {
  try {
    const results = await play(scenario, next, contestants)
    const base = before.find(({ scenario: { name } }) => name === scenario.ratioTo)?.malle
    return rowOf(scenario, results.get('malle'), results.get('dovecot'), base)
  } catch (error) {
    console.error(error)
    for (const server of contestants) await server.restart()
    const fault = `failed: ${error instanceof Error ? error.message : String(error)}`
    return { scenario, malle: undefined, dovecot: undefined, ratio: undefined, ofItself: false, faults: [fault] }
  }
}

/** All rounds of one scenario, the servers taking turns. */
async function play(
  scenario: Scenario,
  next: Scenario | undefined,
  contestants: readonly Contestant[],
): Promise<ReadonlyMap<Contestant['name'], Result>> {
  const taking = contestants.filter(({ name }) => scenario.only === undefined || scenario.only === name)
  const rounds = new Map<Contestant['name'], Measured[]>(taking.map(({ name }) => [name, []]))
  for (const server of taking) await scenario.prepare?.(server)
  const { warmUp = 0 } = scenario
  for (let round = 0; round < warmUp + (scenario.rounds ?? Number(values.rounds)); round += 1)
    for (const server of taking) {
      await scenario.before?.(server)
      const one = await measured(scenario, server)
      if (round >= warmUp) rounds.get(server.name)?.push(one)
    }
  for (const server of taking) await scenario.after?.(server, next)
  return new Map(Array.from(rounds, ([name, done]) => [name, resultOf(scenario, name, done)]))
}

async function measured(scenario: Scenario, server: Contestant): Promise<Measured> {
  let watched: Meters | undefined
  const watch: Watch = async (work, pid) => {
    const pidBefore = pid ?? server.pid
    const cpuBefore = await cpuSeconds(pidBefore)
    const driverBefore = process.cpuUsage()
    const begun = performance.now()
    const value = await work()
    const seconds = (performance.now() - begun) / 1_000
    const { user, system } = process.cpuUsage(driverBefore)
    const pidAfter = pid ?? server.pid
    const meters = {
      driverLoad: (user + system) / 1_000_000 / seconds,
      // a server that was started meanwhile has taken nothing before
      serverCpuSeconds: (await cpuSeconds(pidAfter)) - (pidAfter === pidBefore ? cpuBefore : 0),
      pssOctets: await proportionalSetSize(pidAfter),
    }
    watched = meters
    return { seconds, value, meters }
  }
  const { figure, waits = [], answers, errors = 0, meters = watched } = await scenario.round(server, watch)
  if (meters === undefined) throw new Error(`${scenario.name} did its work without being watched`)
  return { figure, waits, answers, errors, ...meters }
}
