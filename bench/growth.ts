/**
 * A mailbox with ever more messages, and a server with ever more accounts: what takes how long, and how much memory.
 *
 * ```
 * node bench/growth.ts [mailbox] [accounts] [--most 1000000] [--least 1000] [--folder DIR] [--out DIR] [--profile DIR] [--patience SECONDS]
 * ```
 * Sizes are `--least` (accounts: a tenth of it at most 10) and ten times as many, up to `--most` (accounts: a tenth).
 * With `--folder` what was filled stays there and is used again. Results go to `--out` (`data/bench`) as
 * `growth.json`, `growth.md` and `growth.svg`; what was not measured this time stays as it was there, so that one size
 * can be measured after the other. SEARCH waits for the index, `--patience` (1,800) seconds at most. Exits with 1 where something grew more than it may. Linux only.
 * @module
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { ACCOUNT_MEASURES, measureAccounts } from './growth/accounts.ts'
import { chartOf } from './growth/chart.ts'
import { withKept } from './growth/kept.ts'
import { MAILBOX_MEASURES, measureMailbox } from './growth/mailbox.ts'
import { type Growth, type Manner, type Point, stepsOf, tableOf } from './growth/measures.ts'
import { inFolder } from './kit.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    most: { type: 'string', default: '1000000' },
    least: { type: 'string', default: '1000' },
    folder: { type: 'string' },
    out: { type: 'string', default: path.join('data', 'bench') },
    profile: { type: 'string' },
    patience: { type: 'string', default: '1800' },
  },
})
const nodeArguments =
  values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${path.resolve(values.profile)}`]
const unknown = positionals.find((name) => name !== 'mailbox' && name !== 'accounts')
if (unknown !== undefined) throw new Error(`There is nothing called ${unknown} that grows`)

await (values.folder === undefined ? inFolder(measure) : measure(path.resolve(values.folder)))

async function measure(folder: string): Promise<void> {
  const asked = (name: string): boolean => positionals.length === 0 || positionals.includes(name)
  const growths = [
    {
      title: 'One mailbox',
      what: 'messages',
      measures: MAILBOX_MEASURES,
      points: asked('mailbox') ? await pointsOf(sizes(1), path.join(folder, 'mailbox'), measureMailbox) : [],
    },
    {
      title: 'One server',
      what: 'accounts',
      measures: ACCOUNT_MEASURES,
      points: asked('accounts') ? await pointsOf(sizes(10), path.join(folder, 'accounts'), measureAccounts) : [],
    },
  ]
  await mkdir(values.out, { recursive: true })
  await tell(await withKept(path.join(values.out, 'growth.json'), growths))
}

function sizes(less: number): readonly number[] {
  const all: number[] = []
  for (let size = Number(values.least) / less; size <= Number(values.most) / less; size *= 10)
    if (size >= 10) all.push(size)
  return all
}

type Measuring = (folder: string, size: number, manner: Manner) => Promise<Point>

async function pointsOf(all: readonly number[], folder: string, measuring: Measuring): Promise<readonly Point[]> {
  const points: Point[] = []
  for (const size of all) {
    const own = path.join(folder, String(size))
    points.push(await measuring(own, size, { nodeArguments, patience: Number(values.patience) }))
    if (values.folder === undefined) await rm(own, { recursive: true, force: true })
  }
  return points
}

async function tell(growths: readonly Growth[]): Promise<void> {
  const tables = growths.map(tableOf).join('\n\n')
  await writeFile(path.join(values.out, 'growth.md'), `${tables}\n`)
  await writeFile(path.join(values.out, 'growth.svg'), chartOf(growths))
  console.log(`\n${tables}\n`)
  for (const { measure, from, to, times } of growths.flatMap(stepsOf).filter(({ broken }) => broken)) {
    console.log(`${measure.name}: ${times} times as much with ${count(to)} as with ${count(from)}`)
    process.exitCode = 1
  }
}

function count(size: number): string {
  return size.toLocaleString('en')
}
