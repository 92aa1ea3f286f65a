import assert from 'node:assert/strict'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { Greylist } from './greylist.ts'

const MINUTE = 60_000
const DAY = 86_400_000

function scene(): { list: Greylist; pass: (ms: number) => void } {
  let now = 1_800_000_000_000
  const clock = { now: () => now }
  return {
    list: new Greylist({ path: ':memory:', waitMs: 5 * MINUTE, clock }),
    pass: (ms) => {
      now += ms
    },
  }
}

test('who comes again after the wait is let in, and stays known', () => {
  const { list, pass } = scene()
  assert.equal(list.holds('192.0.2.1', 'a@x.example', 'ann@example.org'), true)
  pass(4 * MINUTE)
  assert.equal(list.holds('192.0.2.1', 'a@x.example', 'ann@example.org'), true)
  pass(MINUTE)
  // from another machine of the same farm
  assert.equal(list.holds('192.0.2.77', 'A@X.example', 'Ann@example.org'), false)
  pass(34 * DAY)
  assert.equal(list.holds('192.0.2.1', 'a@x.example', 'ann@example.org'), false)
  pass(36 * DAY)
  assert.equal(list.holds('192.0.2.1', 'a@x.example', 'ann@example.org'), true)
})

test('another network, sender or recipient waits for itself', () => {
  const { list, pass } = scene()
  list.holds('192.0.2.1', 'a@x.example', 'ann@example.org')
  pass(10 * MINUTE)
  assert.equal(list.holds('192.0.3.1', 'a@x.example', 'ann@example.org'), true)
  assert.equal(list.holds('192.0.2.1', 'b@x.example', 'ann@example.org'), true)
  assert.equal(list.holds('192.0.2.1', 'a@x.example', 'bob@example.org'), true)
  assert.equal(list.holds('2001:db8::1', '', 'bob@example.org'), true)
  pass(10 * MINUTE)
  assert.equal(list.holds('2001:db8::ffff:2', '', 'bob@example.org'), false)
})

test('who comes again too late is new, and a network that always comes again waits no more', () => {
  const { list, pass } = scene()
  list.holds('192.0.2.1', 'a@x.example', 'ann@example.org')
  pass(3 * DAY)
  assert.equal(list.holds('192.0.2.1', 'a@x.example', 'ann@example.org'), true)
  for (let index = 0; index < 5; index += 1) list.holds('192.0.2.1', `${index}@x.example`, 'ann@example.org')
  pass(10 * MINUTE)
  for (let index = 0; index < 5; index += 1)
    assert.equal(list.holds('192.0.2.1', `${index}@x.example`, 'ann@example.org'), false)
  assert.equal(list.holds('192.0.2.1', 'new@x.example', 'ann@example.org'), false)
  pass(40 * DAY)
  assert.equal(list.holds('192.0.2.1', 'newer@x.example', 'ann@example.org'), true)
})

test('a list that is damaged begins anew', async () => {
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'malle-'))
  const file = path.join(folder.path, 'greylist.db')
  await writeFile(file, 'no database at all, and long enough to be looked at'.repeat(100))
  using list = new Greylist({ path: file, waitMs: MINUTE, clock: { now: () => 0 } })
  assert.equal(list.holds('192.0.2.1', 'a@x.example', 'ann@example.org'), true)
})
