import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProgress } from './progress.ts'

const MB = 1024 * 1024

test('progress says how many of how many, how fast, and how long it will take', () => {
  const progress = { taken: 120, of: 3_000, octets: 12 * MB, ofOctets: 300 * MB }
  assert.equal(formatProgress(progress, 10), '120 / 3000 · 1.2 MB/s · 4:00 left')
})

test('progress before the first octet says no rate, and a server that says too little no negative time', () => {
  assert.equal(formatProgress({ taken: 0, of: 3, octets: 0, ofOctets: 30 }, 0), '0 / 3')
  assert.equal(formatProgress({ taken: 2, of: 3, octets: 5 * MB, ofOctets: 30 }, 1), '2 / 3 · 5.0 MB/s · 0:00 left')
})
