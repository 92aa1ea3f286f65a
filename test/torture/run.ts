/**
 * `npm run torture`: kills, power cuts and failing disks, until something that was acknowledged is lost.
 *
 * ```
 * npm run torture -- [--rounds 60] [--seed N] [--kinds crash,power,faults]
 * ```
 * Rounds are of each kind. Power cuts and faults need strace. Ends on one line: rounds run, acknowledged operations
 * checked, losses; exit code 1 with any loss, the data is then kept. `docs/durability.md` says what is done. @module
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { crashRounds } from './crash.ts'
import { faultRounds } from './faults.ts'
import { powerRounds } from './power.ts'
import type { TortureOptions, TortureReport } from './report.ts'

const KINDS: Readonly<Record<string, (options: TortureOptions) => Promise<TortureReport>>> = {
  crash: crashRounds,
  power: powerRounds,
  faults: faultRounds,
}
const SHOWN = 30

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    kinds: { type: 'string', default: Object.keys(KINDS).join(',') },
  },
})
const folder = await mkdtemp(path.join(tmpdir(), 'malle-torture-'))
console.log(`seed ${values.seed}, data in ${folder}`)
const reports: TortureReport[] = []
for (const kind of values.kinds.split(',')) {
  const run = KINDS[kind]
  if (run === undefined) throw new Error(`There is no kind "${kind}", only ${Object.keys(KINDS).join(', ')}`)
  const own = path.join(folder, kind)
  await mkdir(own)
  const report = await run({
    folder: own,
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    tell: (line) => console.log(line),
  })
  reports.push(report)
  for (const loss of report.losses.slice(0, SHOWN)) console.log(`LOSS ${kind}: ${loss}`)
  console.log(JSON.stringify({ ...report, losses: report.losses.length }))
}
const sum = (pick: (report: TortureReport) => number): number => reports.reduce((all, each) => all + pick(each), 0)
const losses = sum((report) => report.losses.length)
console.log(
  `${sum((report) => report.rounds)} rounds, ${sum((report) => report.acknowledged)} acknowledged operations (${sum((report) => report.checked)} checks of them), ${sum((report) => report.messagesCompared)} messages compared, ${sum((report) => report.seconds)} s, losses ${losses}`,
)
if (losses === 0) await rm(folder, { recursive: true })
else process.exitCode = 1
