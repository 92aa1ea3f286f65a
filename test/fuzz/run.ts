/**
 * Hostile input for as long as is asked: `node test/fuzz/run.ts --minutes 10 [--seed N] [--warm-up SECONDS] [--workers N]`.
 * Exits with 1 where the server crashed, faulted, had more than 512 MB, or grew: the mean of the last third is more than a
 * tenth above that of the middle third.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { isFlat, meansOfThirds } from '#testing/thirds.ts'
import { Installation } from '../crash/server-process.ts'
import { fuzz, megabytes } from './fuzzer.ts'

const MOST_OCTETS = 512 * 1_048_576

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'warm-up': { type: 'string', default: '30' },
    workers: { type: 'string', default: '1' },
  },
})
const warmUpSeconds = Number(values['warm-up'])
if (!(warmUpSeconds >= 0 && warmUpSeconds <= 30)) throw new RangeError('The warm-up takes 30 seconds at most')
const folder = await mkdtemp(path.join(tmpdir(), 'malle-fuzz-'))
try {
  process.stdout.write(`seed ${values.seed}, warm-up ${warmUpSeconds} s\n`)
  const figures = await fuzz({
    installation: await Installation.make(folder, { durability: 'relaxed', workers: Number(values.workers) }),
    forMs: Number(values.minutes) * 60_000,
    warmUpMs: warmUpSeconds * 1_000,
    seed: Number(values.seed),
    report: (line) => process.stdout.write(`${line}\n`),
  })
  const { inputs, responses, conversations, octetsSent, crashes, faults, memory, slowestMs, witness } = figures
  const thirds = meansOfThirds(memory.samples)
  const total = Object.values(inputs).reduce((sum, count) => sum + count, 0)
  process.stdout.write(
    [
      `inputs             ${total} (${Object.entries(inputs)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')})`,
      `responses          ${responses} read by our own readers, made up or changed`,
      `conversations      ${conversations}, ${megabytes(octetsSent)} MB sent`,
      `crashes            ${crashes}`,
      `other faults       ${faults.length}`,
      `memory             ${thirds.map(megabytes).join(', ')} MB by thirds, ${megabytes(memory.peak)} at most`,
      `slowest            ${Math.round(slowestMs)} ms for a whole conversation`,
      `witness            ${witness.count} round trips, p50 ${witness.p50Ms.toFixed(1)} ms, p99 ${witness.p99Ms.toFixed(1)} ms, slowest ${Math.round(witness.slowestMs)} ms`,
      '',
    ].join('\n'),
  )
  process.exitCode = crashes > 0 || faults.length > 0 || memory.peak > MOST_OCTETS || !isFlat(thirds) ? 1 : 0
} finally {
  await rm(folder, { recursive: true, force: true })
}
