import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatMtaStsPolicy } from '#services/mta-sts-policy.ts'
import { listsHost, parseStsPolicy, parseStsRecord } from './sts-policy.ts'

for (const [records, id] of [
  [['v=STSv1; id=20160831085700Z;'], '20160831085700Z'],
  [['v=spf1 -all', 'v=STSv1;id=1'], '1'],
  [['v=STSv1 ; ext=x; id = a1 '], 'a1'],
  [['v=STSv1; id=1', 'v=STSv1; id=2'], undefined],
  [['v=STSv1; id=a-b'], undefined],
  [['v=STSv1;'], undefined],
  [['v=STSv10; id=1'], undefined],
  [['V=STSV1; id=1'], undefined],
  [[`v=STSv1; id=${'1'.repeat(33)}`], undefined],
  [[], undefined],
] as const) {
  test(`parseStsRecord(${JSON.stringify(records)}) is ${id}`, () => assert.equal(parseStsRecord(records), id))
}

test('parseStsPolicy() reads a policy as RFC 8461 §3.2 has it', () => {
  const text =
    'version: STSv1\nmode: enforce\nmx: mail.Example.com\nmx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800\n'
  const policy = {
    mode: 'enforce',
    mx: ['mail.example.com', '*.example.net', 'backupmx.example.com'],
    maxAgeSeconds: 604_800,
  }
  assert.deepEqual(parseStsPolicy(text), policy)
  assert.deepEqual(parseStsPolicy(text.replaceAll('\n', '\r\n')), policy)
  assert.deepEqual(parseStsPolicy(`${text}mode: none\nx.y-z: \n`), policy)
})

test('parseStsPolicy() reads what we serve', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('testing', 'enforce'),
      fc.array(fc.domain(), { minLength: 1, maxLength: 5 }),
      (mode, mx) => {
        const policy = parseStsPolicy(formatMtaStsPolicy({ mode, mx }))
        assert.ok(typeof policy === 'object')
        assert.deepEqual([policy.mode, policy.mx], [mode, mx.map((one) => one.toLowerCase())])
      },
    ),
  )
})

const RIGHT = 'version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 1\n'
for (const [text, wrong] of [
  ['', 'the version is not STSv1'],
  [RIGHT.replace('STSv1', 'STSv2'), 'the version is not STSv1'],
  [RIGHT.replace('enforce', 'Enforce'), 'the mode is none that is known'],
  [RIGHT.replace('max_age: 1', 'max_age: -1'), 'max_age is no number'],
  [RIGHT.replace('mx: a.example\n', ''), 'there is no mx'],
  [RIGHT.replace('a.example', 'a.*.example'), 'an mx is no host name'],
  [RIGHT.replace('a.example', '*'), 'an mx is no host name'],
  [`${RIGHT}<html>`, 'a line is no field'],
  [RIGHT + 'mx: a.example\n'.repeat(200), 'an mx is no host name'],
] as const) {
  test(`parseStsPolicy() says of ${JSON.stringify(text.slice(0, 60))}: ${wrong}`, () => {
    assert.equal(parseStsPolicy(text), wrong)
  })
}

test('parseStsPolicy() needs no mx for mode none, and keeps nothing for ever', () => {
  const policy = parseStsPolicy('version: STSv1\nmode: none\nmax_age: 9999999999\n')
  assert.deepEqual(policy, { mode: 'none', mx: [], maxAgeSeconds: 31_557_600 })
})

test('parseStsPolicy() takes no longer for blanks', () => {
  const begun = performance.now()
  parseStsPolicy(`version: STSv1\nmode: none\nmax_age: 1\nx: a${' '.repeat(65_000)}b\n`)
  assert.ok(performance.now() - begun < 500)
})

for (const [pattern, host, listed] of [
  ['mx.example.org', 'MX.example.org.', true],
  ['mx.example.org', 'mx2.example.org', false],
  ['*.example.org', 'mx.example.org', true],
  ['*.example.org', 'a.mx.example.org', false],
  ['*.example.org', 'example.org', false],
  ['*.example.org', '.example.org', false],
] as const) {
  test(`an mx ${pattern} ${listed ? 'lists' : 'does not list'} ${host}`, () => {
    assert.equal(listsHost({ mode: 'enforce', mx: [pattern], maxAgeSeconds: 1 }, host), listed)
  })
}
