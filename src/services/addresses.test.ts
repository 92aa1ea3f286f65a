import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalLocal, parseAddress, parseDomain, splitDetail } from './addresses.ts'

for (const [text, expected] of [
  ['Ann@Example.ORG', 'ann@example.org'],
  ['Jörg@Exämple.DE', 'jörg@xn--exmple-cua.de'],
  ['jo\u0308rg@example.org', 'jörg@example.org'],
  ['a@例え.テスト', 'a@xn--r8jz45g.xn--zckzah'],
  ['ann+x+y@example.org.', 'ann+x+y@example.org'],
  ['"ann"@example.org', 'ann@example.org'],
  ['"Ann Lee"@example.org', '"ann lee"@example.org'],
  ['"a\\"b"@example.org', '"a\\"b"@example.org'],
  ['"a@b"@example.org', '"a@b"@example.org'],
  ['a..b.@example.org', 'a..b.@example.org'],
  ['root@localhost', 'root@localhost'],
  ["o'neil@example.org", "o'neil@example.org"],
] as const) {
  test(`parseAddress() makes ${text} ${expected}`, () => assert.equal(parseAddress(text)?.address, expected))
}

for (const text of [
  '',
  'ann',
  '@example.org',
  'ann@',
  'ann lee@example.org',
  'a@b@example.org',
  '<ann@example.org>',
  'ann@example..org',
  'ann@-example.org',
  'ann@example.org:25',
  'ann@[127.0.0.1]',
  'ann@127.0.0.1',
  'ann@exa mple.org',
  'ann@ex%61mple.org',
  'ann@ä/b.org',
  'ann@ä%41.org',
  'a\0b@example.org',
  '"a\nb"@example.org',
  '"a"b"@example.org',
  '\ud800@example.org',
  `${'a'.repeat(65)}@example.org`,
  `a@${'a'.repeat(64)}.org`,
  `a@${'a.'.repeat(127)}org`,
]) {
  test(`parseAddress() refuses ${JSON.stringify(text.slice(0, 30))}`, () => assert.equal(parseAddress(text), undefined))
}

test('a canonical address is its own canonical form', () => {
  const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(part, part, (local, domain) => {
      const parsed = parseAddress(`${local}@${domain}.org`)
      if (parsed !== undefined) assert.deepEqual(parseAddress(parsed.address), parsed)
    }),
    { numRuns: 300 },
  )
})

test('splitDetail() parts at the first plus', () => {
  assert.deepEqual(splitDetail('ann+a+b'), { base: 'ann', detail: 'a+b' })
  assert.deepEqual(splitDetail('ann+'), { base: 'ann', detail: '' })
  assert.equal(splitDetail('ann'), undefined)
  assert.equal(splitDetail('+ann'), undefined)
  assert.equal(splitDetail('"a+b c"'), undefined)
  assert.equal(canonicalLocal('"'), undefined)
  assert.equal(parseDomain('.'), undefined)
})
