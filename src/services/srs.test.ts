import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SenderRewriting } from './srs.ts'

const DAY_MS = 86_400_000
const clock = { at: Date.UTC(2026, 10, 29), now: () => clock.at }
const ours = new SenderRewriting(new Uint8Array(32).fill(1), clock)
const theirs = new SenderRewriting(new Uint8Array(32).fill(2), clock)

test('a rewritten sender is ours and leads back', () => {
  const address = ours.forward('Ann.Example+tag=x@Example.NET', 'example.org')
  assert.match(address, /^SRS0=[a-z2-7]{6}=[a-z2-7]{2}=example\.net=Ann\.Example\+tag=x@example\.org$/)
  assert.equal(ours.reverse(address), 'Ann.Example+tag=x@example.net')
  assert.equal(ours.forward('jörg@exämple.de', 'example.org').split('=').at(-2), 'xn--exmple-cua.de')
})

test('what is no address stays as it is, the null sender too', () => {
  for (const sender of ['', 'ann', '@example.net', 'ann@', 'ann@[192.0.2.1]', 'a@b c'])
    assert.equal(ours.forward(sender, 'example.org'), sender)
})

test('a second forwarder keeps the way back to the first, a third does not lengthen it', () => {
  const first = theirs.forward('ann@example.net', 'b.example')
  const second = ours.forward(first, 'c.example')
  assert.match(second, /^SRS1=[a-z2-7]{6}=b\.example==[a-z2-7]{6}=[a-z2-7]{2}=example\.net=ann@c\.example$/)
  assert.equal(ours.reverse(second), first)
  assert.equal(theirs.reverse(first), 'ann@example.net')
  const third = theirs.forward(second, 'd.example')
  assert.equal(third.length, second.length)
  assert.equal(theirs.reverse(third), first)
  // forwarders that separate with + or -
  for (const other of ['SRS0+abc=tt=example.net=ann@b.example', 'srs0-abc=tt=example.net=ann@b.example']) {
    const rewritten = ours.forward(other, 'c.example')
    assert.equal(ours.reverse(rewritten), `SRS0${other.slice(4)}`)
  }
})

test('nobody else can make one, nor change one', () => {
  const address = ours.forward('ann@example.net', 'example.org')
  const twice = ours.forward(theirs.forward('ann@example.net', 'b.example'), 'c.example')
  for (const forged of [
    theirs.forward('ann@example.net', 'example.org'),
    address.replace('=ann@', '=eve@'),
    address.replace('example.net', 'evil.example'),
    address.replace(/^SRS0=...../, 'SRS0=aaaaa'),
    address.replace(/^SRS0=[^=]*/, 'SRS0='),
    twice.replace('=b.example=', '=evil.example='),
    twice.replace('=ann@', '=eve@'),
    twice.replace(/^SRS1=[^=]*/, 'SRS1='),
    'SRS0=@example.org',
    'SRS0@example.org',
    'SRS1=a=b=c@example.org',
    'ann@example.org',
    '',
  ])
    assert.equal(ours.reverse(forged), undefined, forged)
})

test('any case is read, as servers change it', () => {
  const address = ours.forward('Ann@example.net', 'example.org')
  assert.equal(ours.reverse(address.toLowerCase()), 'ann@example.net')
  assert.equal(ours.reverse(address.toUpperCase()), 'ANN@example.net')
  const twice = ours.forward(theirs.forward('ann@example.net', 'b.example'), 'c.example')
  const back = ours.reverse(twice.toUpperCase())
  assert.equal(theirs.reverse(back ?? ''), 'ANN@example.net')
})

test('an address is good for 21 days, over the end of the count of days too', () => {
  const begun = clock.at
  try {
    for (const start of [begun, 1_023 * DAY_MS + 17 * 1_024 * DAY_MS]) {
      clock.at = start
      const address = ours.forward('ann@example.net', 'example.org')
      for (const [days, good] of [
        [0, true],
        [1, true],
        [20, true],
        [21, true],
        [22, false],
        [500, false],
        [1_022, false],
        [-1, true],
        [-2, false],
      ] as const) {
        clock.at = start + days * DAY_MS
        assert.equal(ours.reverse(address), good ? 'ann@example.net' : undefined, `${days} days`)
      }
    }
  } finally {
    clock.at = begun
  }
})

test('a local part of any form comes back as it was', () => {
  for (const local of ['"a b"', '"a@b"', '"a\\"b\\\\c"', 'jörg', 'a='])
    assert.equal(ours.reverse(ours.forward(`${local}@example.net`, 'example.org')), `${local}@example.net`)
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 70 }), (content) => {
      const local = /^[A-Za-z0-9=.+-]+$/.test(content) && !/^\.|\.\.|\.$/.test(content) ? content : quoted(content)
      const address = ours.forward(`${local}@example.net`, 'example.org')
      const back = ours.reverse(address) ?? ''
      const mine = back.slice(0, -'@example.net'.length)
      assert.equal(mine.startsWith('"') ? mine : quoted(mine), local.startsWith('"') ? local : quoted(local))
    }),
  )
})

function quoted(content: string): string {
  return `"${content.replace(/["\\]/g, '\\$&')}"`
}
