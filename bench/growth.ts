/**
 * A mailbox with ever more messages, and a server with ever more accounts: what takes how long, and how much memory.
 *
 * ```
 * node bench/growth.ts [mailbox] [accounts] [--most 1000000] [--least 1000] [--folder DIR] [--out DIR] [--profile DIR]
 * ```
 * Sizes are `--least` (accounts: a tenth of it at most 10) and ten times as many, up to `--most` (accounts: a tenth).
 * With `--folder` what was filled stays there and is used again. Results go to `--out` (`data/bench`) as
 * `growth.json`, `growth.md` and `growth.svg`. Exits with 1 where something grew more than it may. Linux only.
 * @module
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { ACCOUNT_MEASURES, measureAccounts } from './growth/accounts.ts'
import { chartOf } from './growth/chart.ts'
import { MAILBOX_MEASURES, measureMailbox } from './growth/mailbox.ts'
import { type Growth, type Point, stepsOf, tableOf } from './growth/measures.ts'
import { inFolder } from './kit.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    most: { type: 'string', default: '1000000' },
    least: { type: 'string', default: '1000' },
    folder: { type: 'string' },
    out: { type: 'string', default: path.join('data', 'bench') },
    profile: { type: 'string' },
  },
})
const nodeArguments =
  values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${path.resolve(values.profile)}`]
const unknown = positionals.find((name) => name !== 'mailbox' && name !== 'accounts')
if (unknown !== undefined) throw new Error(`There is nothing called ${unknown} that grows`)

await (values.folder === undefined ? inFolder(measure) : measure(path.resolve(values.folder)))

async function measure(folder: string): Promise<void> {
  const growths: Growth[] = []
  const asked = (name: string): boolean => positionals.length === 0 || positionals.includes(name)
  if (asked('mailbox'))
    growths.push({
      title: 'One mailbox',
      what: 'messages',
      measures: MAILBOX_MEASURES,
      points: await pointsOf(sizes(1), path.join(folder, 'mailbox'), measureMailbox),
    })
  if (asked('accounts'))
    growths.push({
      title: 'One server',
      what: 'accounts',
      measures: ACCOUNT_MEASURES,
      points: await pointsOf(sizes(10), path.join(folder, 'accounts'), measureAccounts),
    })
  await tell(growths)
}

function sizes(less: number): readonly number[] {
  const all: number[] = []
  for (let size = Number(values.least) / less; size <= Number(values.most) / less; size *= 10)
    if (size >= 10) all.push(size)
  return all
}

type Measuring = (folder: string, size: number, nodeArguments: readonly string[]) => Promise<Point>

async function pointsOf(all: readonly number[], folder: string, measuring: Measuring): Promise<readonly Point[]> {
  const points: Point[] = []
  for (const size of all) {
    const own = path.join(folder, String(size))
    points.push(await measuring(own, size, nodeArguments))
    if (values.folder === undefined) await rm(own, { recursive: true, force: true })
  }
  return points
}

async function tell(growths: readonly Growth[]): Promise<void> {
  const tables = growths.map(tableOf).join('\n\n')
  await mkdir(values.out, { recursive: true })
  const json = growths.map(({ title, points }) => ({
    title,
    points: points.map(({ size, figures }) => ({ size, figures: Object.fromEntries(figures) })),
  }))
  await writeFile(path.join(values.out, 'growth.json'), `${JSON.stringify(json, undefined, 2)}\n`)
  await writeFile(path.join(values.out, 'growth.md'), `${tables}\n`)
  await writeFile(path.join(values.out, 'growth.svg'), chartOf(growths))
  console.log(`\n${tables}\n`)
  for (const { measure, from, to, times } of growths.flatMap(stepsOf).filter(({ broken }) => broken)) {
    console.log(
      `${measure.name}: ${times} times as much with ${to.toLocaleString('en')} as with ${from.toLocaleString('en')}`,
    )
    process.exitCode = 1
  }
}
