import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ProxyStart, readProxyStart } from './header.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const v1 = (text: string) => Buffer.from(`${text}\r\n`, 'latin1')

/** Short form of what was read. */
function shown(start: ProxyStart): string {
  if (start.kind !== 'header') return start.kind
  const { ends } = start.header
  if (ends === undefined) return `none +${start.length}`
  const { source, destination } = ends
  return `${source.address} ${source.port} > ${destination.address} ${destination.port} +${start.length}`
}

const V4 = hex(`${SIGNATURE} 21 11 000c c0000201 0a000001 dc04 03e1`)
const V6 = hex(
  `${SIGNATURE} 21 21 0027 20010db8000000000000000000000001 20010db8000000000000000000000002 ffff 0001 04 0000`,
)
const VALID: readonly (readonly [Uint8Array, string])[] = [
  [v1('PROXY TCP4 192.0.2.1 10.0.0.1 56324 143'), '192.0.2.1 56324 > 10.0.0.1 143 +41'],
  [v1('PROXY TCP6 2001:DB8:0:0::1 ::1 0 65535'), '2001:db8::1 0 > ::1 65535 +40'],
  [v1('PROXY UNKNOWN'), 'none +15'],
  [v1('PROXY UNKNOWN ffff:f::1 ffff::2 65535 65535'), 'none +45'],
  [V4, '192.0.2.1 56324 > 10.0.0.1 993 +28'],
  [V6, '2001:db8::1 65535 > 2001:db8::2 1 +55'],
  [hex(`${SIGNATURE} 20 00 0000`), 'none +16'],
  [hex(`${SIGNATURE} 20 11 000c c0000201 0a000001 dc04 03e1`), 'none +28'],
  [hex(`${SIGNATURE} 21 00 0003 040000`), 'none +19'],
  [hex(`${SIGNATURE} 21 31 00d8 ${'00'.repeat(216)}`), 'none +232'],
]

for (const [bytes, expected] of VALID) {
  test(`readProxyStart() reads ${expected}, cut anywhere, and leaves what follows`, () => {
    for (let cut = 0; cut < bytes.length; cut += 1) {
      assert.equal(shown(readProxyStart(bytes.subarray(0, cut))), 'more', `${cut}`)
    }
    assert.equal(shown(readProxyStart(bytes)), expected)
    assert.equal(shown(readProxyStart(Buffer.concat([bytes, Buffer.from('\r\na LOGIN')]))), expected)
  })
}

for (const bytes of [
  v1('a LOGIN x y'),
  v1('proxy TCP4 192.0.2.1 10.0.0.1 1 2'),
  v1('PROXY TCP4 192.0.2.1 10.0.0.1 1'),
  v1('PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3'),
  v1('PROXY TCP4  192.0.2.1 10.0.0.1 1 2'),
  v1('PROXY TCP4 192.0.2.256 10.0.0.1 1 2'),
  v1('PROXY TCP4 192.0.2.01 10.0.0.1 1 2'),
  v1('PROXY TCP4 ::1 ::1 1 2'),
  v1('PROXY TCP6 192.0.2.1 10.0.0.1 1 2'),
  v1('PROXY TCP6 ::1::2 ::1 1 2'),
  v1('PROXY TCP6 fe80::1%eth0 ::1 1 2'),
  v1('PROXY TCP4 192.0.2.1 10.0.0.1 65536 2'),
  v1('PROXY TCP4 192.0.2.1 10.0.0.1 01 2'),
  v1('PROXY UDP4 192.0.2.1 10.0.0.1 1 2'),
  v1('PROXY UNKNOWNX'),
  Buffer.from('PROXY TCP4 192.0.2.1 10.0.0.1 1 2\n'),
  Buffer.from(`PROXY UNKNOWN ${'x'.repeat(94)}\r\n`),
  Buffer.from('x'),
  Buffer.of(0x16, 3, 1),
  hex(`${SIGNATURE} 11 11 000c c0000201 0a000001 dc04 03e1`),
  hex(`${SIGNATURE} 22`),
  hex(`${SIGNATURE} 21 12 000c c0000201 0a000001 dc04 03e1`),
  hex(`${SIGNATURE} 21 11 000b c0000201 0a000001 dc04 03`),
  hex(`${SIGNATURE} 21 21 000c c0000201 0a000001 dc04 03e1`),
  hex(`${SIGNATURE} 21 11 ffff`),
])
  test(`readProxyStart() refuses ${JSON.stringify(Buffer.from(bytes).toString('latin1').slice(0, 50))}`, () =>
    assert.equal(shown(readProxyStart(bytes)), 'garbage'))

test('no bytes make readProxyStart() throw, or wait beyond its limits', () => {
  const start = fc.constantFrom(Buffer.from('PROXY '), Buffer.from('PROXY TCP6 '), hex(`${SIGNATURE}21`), Buffer.of())
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, tail) => {
      const bytes = Buffer.concat([head, tail])
      const { kind } = readProxyStart(bytes)
      if (kind === 'more' && head.length < 12) assert.ok(bytes.length < 107)
      readProxyStart(Buffer.concat([bytes, Buffer.alloc(5_000, 0x41)]))
      assert.notEqual(readProxyStart(Buffer.concat([bytes, Buffer.alloc(5_000, 0x41)])).kind, 'more')
    }),
    { numRuns: 300 },
  )
})
