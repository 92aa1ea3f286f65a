/**
 * Hostile input for as long as is asked: `node test/fuzz/run.ts --minutes 10 [--seed N] [--warm-up SECONDS]`.
 * Exits with 1 where the server crashed, faulted, or grew by 64 MB or more.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Installation } from '../crash/server-process.ts'
import { fuzz, megabytes } from './fuzzer.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'warm-up': { type: 'string', default: '30' },
  },
})
const folder = await mkdtemp(path.join(tmpdir(), 'malle-fuzz-'))
try {
  process.stdout.write(`seed ${values.seed}\n`)
  const figures = await fuzz({
    installation: await Installation.make(folder, { durability: 'relaxed' }),
    forMs: Number(values.minutes) * 60_000,
    warmUpMs: Number(values['warm-up']) * 1_000,
    seed: Number(values.seed),
    report: (line) => process.stdout.write(`${line}\n`),
  })
  const { inputs, conversations, octetsSent, crashes, faults, growth, memoryAtStart, slowestMs, bystander } = figures
  const total = Object.values(inputs).reduce((sum, count) => sum + count, 0)
  process.stdout.write(
    [
      `inputs             ${total} (${Object.entries(inputs)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')})`,
      `conversations      ${conversations}, ${megabytes(octetsSent)} MB sent`,
      `crashes            ${crashes}`,
      `other faults       ${faults.length}`,
      `memory             ${megabytes(memoryAtStart)} MB after the warm-up, at most ${megabytes(growth)} MB more`,
      `slowest            ${Math.round(slowestMs)} ms for a whole conversation`,
      `bystander          ${bystander.answers} answers, all the same, the slowest after ${Math.round(bystander.slowestMs)} ms`,
      '',
    ].join('\n'),
  )
  process.exitCode = crashes > 0 || faults.length > 0 || growth >= 64 * 1_048_576 ? 1 : 0
} finally {
  await rm(folder, { recursive: true, force: true })
}
