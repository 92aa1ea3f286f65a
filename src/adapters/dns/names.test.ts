import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedName, hostFrom, reverseName } from './names.ts'

for (const [written, asked] of [
  ['Example.ORG.', 'example.org'],
  ['_dmarc.exämple.org', '_dmarc.xn--exmple-cua.org'],
  ['25.0.0.127.in-addr.arpa', '25.0.0.127.in-addr.arpa'],
  ['a+b=c._spf.example.org', 'a+b=c._spf.example.org'],
  ['', undefined],
  ['.', undefined],
  ['a..b', undefined],
  ['.a', undefined],
  ['a b.example', undefined],
  ['a\0b.example', undefined],
  [`${'a'.repeat(64)}.example`, undefined],
  [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  [`${'a.'.repeat(127)}`, 'a.'.repeat(127).slice(0, -1)],
  [`${'a.'.repeat(128)}`, undefined],
] as const) {
  test(`askedName(${JSON.stringify(written.slice(0, 40))}) is ${asked?.slice(0, 40)}`, () => {
    assert.equal(askedName(written), asked)
  })
}

for (const [answered, host] of [
  ['MX1.Example.org', 'mx1.example.org'],
  ['_x.example.org', '_x.example.org'],
  ['.', undefined],
  ['a b', undefined],
  ['a\r\nb.example', undefined],
  ['é.example', undefined],
  ['127.0.0.1', '127.0.0.1'],
] as const) {
  test(`hostFrom(${JSON.stringify(answered)}) is ${host}`, () => assert.equal(hostFrom(answered), host))
}

for (const [address, name] of [
  ['192.0.2.7', '7.2.0.192.in-addr.arpa'],
  ['::ffff:192.0.2.7', '7.2.0.192.in-addr.arpa'],
  ['::1', `1.${'0.'.repeat(31)}ip6.arpa`],
  ['2001:db8::c:1', '1.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
  ['2001:db8:1:2:3:4:5:6', '6.0.0.0.5.0.0.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
  ['fe80::1%eth0', undefined],
  ['example', undefined],
] as const) {
  test(`reverseName(${address}) is ${name?.slice(0, 30)}`, () => assert.equal(reverseName(address), name))
}
