/** Power cuts and failing disks, a few rounds; `npm run torture` is the real thing. @module */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { faultRounds } from '../torture/faults.ts'
import { powerRounds } from '../torture/power.ts'
import type { TortureReport } from '../torture/report.ts'
import { lacking } from './install.ts'

const skip = lacking('strace')
const COMMON = { seed: 20_261, tell: (): void => undefined }

async function torture(run: (folder: string) => Promise<TortureReport>): Promise<TortureReport> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-torture-'))
  try {
    return await run(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('power cuts lose nothing that was acknowledged', { skip }, async () => {
  const report = await torture((folder) => powerRounds({ ...COMMON, folder, rounds: 6, operations: 200 }))
  assert.deepEqual(report.losses, [])
  assert.equal(report.rounds, 6)
  assert.ok(report.checked > 0 && report.messagesCompared > 0, 'nothing was looked at')
})

test('a failing disk loses nothing that was acknowledged', { skip }, async () => {
  const report = await torture((folder) => faultRounds({ ...COMMON, folder, rounds: 2 }))
  assert.deepEqual(report.losses, [])
  assert.equal(report.rounds, 2)
})

for (const broken of ['unsynced-bodies', 'unsynced-commits'] as const)
  test(`power cuts see a store with ${broken.replace('-', ' ')}`, { skip }, async () => {
    const { losses } = await torture((folder) => powerRounds({ ...COMMON, folder, rounds: 12, operations: 80, broken }))
    assert.match(losses.join('\n'), /is lost|cannot be read|damaged-body|missing-body|older-index|went back/)
  })
