import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressGroup, networkGroup, networkTest } from './networks.ts'
import { LoginThrottle } from './throttle.ts'

function throttle(failuresPerMinute = 10) {
  const clock = { time: 0, now: () => clock.time }
  return {
    clock,
    throttle: new LoginThrottle({ clock, failuresPerMinute, exempt: networkTest(['127.0.0.0/8', '::1']) }),
  }
}

function fail(on: LoginThrottle, times: number, address: (n: number) => string, login: (n: number) => string): void {
  for (let n = 0; n < times; n += 1) on.failed(address(n), login(n))
}

test('an address may fail as often as configured, then waits and is forgiven', () => {
  const { clock, throttle: one } = throttle()
  fail(
    one,
    9,
    () => '192.0.2.1',
    (n) => `user${n}`,
  )
  assert.equal(one.waitMs('192.0.2.1', 'other'), 0)
  one.failed('192.0.2.1', 'more')
  const wait = one.waitMs('192.0.2.1', 'other')
  assert.ok(wait > 5_000 && wait < 7_000, String(wait))
  assert.equal(one.waitMs('192.0.2.2', 'other'), 0)
  clock.time = wait - 100
  assert.ok(one.waitMs('192.0.2.1', 'other') > 0)
  clock.time = wait
  assert.equal(one.waitMs('192.0.2.1', 'other'), 0)
})

test('one who never stops gets about as many tries a minute as configured', () => {
  const { clock, throttle: one } = throttle()
  let tries = 0
  for (; clock.time < 10 * 60_000; clock.time += 100) {
    if (one.waitMs('192.0.2.1', 'user') > 0) continue
    one.failed('192.0.2.1', 'user')
    tries += 1
  }
  assert.ok(tries > 90 && tries < 115, String(tries))
})

test('an account is slowed for strangers from everywhere, not for where its owner is', () => {
  const { throttle: one } = throttle()
  one.succeeded('198.51.100.1', 'ann')
  fail(
    one,
    20,
    (n) => `192.0.2.${n}`,
    () => 'ann',
  )
  assert.ok(one.waitMs('203.0.113.1', 'ann') > 0)
  assert.equal(one.waitMs('203.0.113.1', 'ben'), 0)
  assert.equal(one.waitMs('198.51.100.1', 'ann'), 0)
  fail(
    one,
    20,
    () => '198.51.100.1',
    () => 'ben',
  )
  assert.ok(one.waitMs('198.51.100.1', 'ann') > 0)
})

test('exempt networks are neither counted nor slowed', () => {
  const { throttle: one } = throttle()
  fail(
    one,
    50,
    () => '127.0.0.1',
    () => 'ann',
  )
  assert.equal(one.waitMs('127.0.0.1', 'ann'), 0)
  assert.equal(one.waitMs('192.0.2.1', 'ann'), 0)
  fail(
    one,
    50,
    () => '192.0.2.1',
    () => 'ann',
  )
  assert.equal(one.waitMs('::ffff:127.0.0.9', 'ann'), 0)
  assert.ok(one.waitMs('192.0.2.1', 'ann') > 0)
})

test('a network may fail five times as often as one of its addresses', () => {
  const { throttle: one } = throttle()
  fail(
    one,
    44,
    (n) => `192.0.2.${n}`,
    (n) => `user${n}`,
  )
  assert.equal(one.waitMs('192.0.2.200', 'ann'), 0)
  fail(
    one,
    2,
    (n) => `192.0.2.${100 + n}`,
    (n) => `user${50 + n}`,
  )
  assert.ok(one.waitMs('192.0.2.200', 'ann') > 0)
  assert.equal(one.waitMs('192.0.3.200', 'ann'), 0)
  one.succeeded('192.0.2.200', 'ann')
  assert.equal(one.waitMs('192.0.2.200', 'ann'), 0)
})

test('failures are answered at once, then later and later', () => {
  const { clock, throttle: one } = throttle()
  const delays = Array.from({ length: 10 }, () => {
    one.failed('192.0.2.1', 'ann')
    return one.delayMs('192.0.2.1', 'ann')
  })
  assert.deepEqual(delays.slice(0, 3), [0, 0, 0])
  for (const [n, ms] of delays.entries()) assert.ok(n < 3 || n === 9 || ms > (delays[n - 1] ?? 0), delays.join())
  assert.equal(delays.at(-1), 3_000)
  clock.time += 10 * 60_000
  one.failed('192.0.2.1', 'ann')
  assert.equal(one.delayMs('192.0.2.1', 'ann'), 0)
})

test('who logged in from there comes first, who failed last', () => {
  const { clock, throttle: one } = throttle()
  assert.equal(one.rank('192.0.2.1', 'ann'), 1)
  one.failed('192.0.2.1', 'ann')
  assert.equal(one.rank('192.0.2.1', 'ann'), 2)
  assert.equal(one.rank('192.0.2.2', 'ann'), 1)
  one.succeeded('192.0.2.1', 'ann')
  assert.equal(one.rank('192.0.2.1', 'ann'), 0)
  assert.equal(one.rank('192.0.2.1', 'ben'), 2)
  clock.time += 10 * 60_000
  assert.equal(one.rank('192.0.2.1', 'ben'), 1)
})

test('no limit configured is no throttle', () => {
  const { throttle: one } = throttle(0)
  fail(
    one,
    50,
    () => '192.0.2.1',
    () => 'ann',
  )
  assert.equal(one.waitMs('192.0.2.1', 'ann'), 0)
})

for (const [address, group] of [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8:0:0:1:2:3:4', '2001:db8:0:0::/64'],
  ['2001:0db8:1:2::', '2001:db8:1:2::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['', ''],
] as const) {
  test(`addressGroup() of "${address}" is "${group}"`, () => assert.equal(addressGroup(address), group))
}

test('networkGroup() is the /24 or the /48', () => {
  assert.equal(networkGroup('192.0.2.17'), '192.0.2.0/24')
  assert.equal(networkGroup('::ffff:192.0.2.17'), '192.0.2.0/24')
  assert.equal(networkGroup('2001:db8:1:2::3'), '2001:db8:1::/48')
})

test('networkTest() refuses what is no network', () => {
  assert.throws(() => networkTest(['localhost']), /"localhost" is not a network/)
})
