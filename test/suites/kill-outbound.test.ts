import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { killOutbound } from '../crash/outbound.ts'

/** Few rounds; `node test/crash/outbound.ts --rounds 50` is the real thing. */
test('A server that is killed while it sends loses no message, and none arrives twice without a reason', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-kill-out-'))
  try {
    const options = {
      against: 'sink' as const,
      rounds: 5,
      seed: 20_261,
      clients: 3,
      least: 300,
      most: 900,
      tell: () => undefined,
    }
    const report = await killOutbound({ ...options, folder })
    assert.deepEqual(report.faults, [])
    assert.equal(report.kills, 5)
    assert.equal(report.delivered + report.bounced, report.recipients)
    assert.ok(report.acknowledged > 20 && report.delivered > 0, JSON.stringify(report))
  } finally {
    await rm(folder, { recursive: true })
  }
})
