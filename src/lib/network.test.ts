import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatNetwork, parseNetwork } from './network.ts'

test('parseNetwork() takes addresses, alone or with a prefix', () => {
  assert.deepEqual(parseNetwork('10.0.0.0/8'), { address: '10.0.0.0', prefix: 8, family: 'ipv4' })
  assert.deepEqual(parseNetwork('::1'), { address: '::1', prefix: 128, family: 'ipv6' })
})

for (const text of [
  '',
  'x',
  'localhost',
  '10.0.0.0/33',
  '10.0.0/8',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '10.0.0.0/-1',
  '::/129',
  '::/-1',
  '::/',
  'fe80::%eth0/64',
])
  test(`parseNetwork() refuses ${JSON.stringify(text)}`, () => assert.equal(parseNetwork(text), undefined))

test('formatNetwork() writes what parseNetwork() reads', () => {
  for (const text of ['10.0.0.0/8', '2001:db8::/32']) {
    const network = parseNetwork(text)
    assert.ok(network)
    assert.equal(formatNetwork(network), text)
  }
})
