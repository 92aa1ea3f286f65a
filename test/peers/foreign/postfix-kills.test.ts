/** Our server is killed while it sends to Debian's Postfix, which defers, refuses, and whose connections break. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite, test } from 'node:test'
import { killOutbound } from '../../crash/outbound.ts'
import { postfixLacking } from './postfix.ts'

/** Few rounds; `node test/crash/outbound.ts --rounds 50 --against postfix` is the real thing. */
suite('Kills while mail goes to Postfix', { skip: postfixLacking() }, () => {
  test('lose no message, and none arrives twice without a reason', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'malle-kill-postfix-'))
    try {
      const options = { against: 'postfix', rounds: 3, seed: 20_262, clients: 3, least: 200, most: 600 } as const
      const report = await killOutbound({ ...options, folder, tell: () => undefined })
      assert.deepEqual(report.faults, [])
      assert.equal(report.kills, 3)
      assert.equal(report.delivered + report.bounced, report.recipients)
      const harm = Object.values(report.mischief).reduce((sum, times) => sum + times, 0)
      assert.ok(report.acknowledged > 20 && report.delivered > 0 && harm > 3, JSON.stringify(report))
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
