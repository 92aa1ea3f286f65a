import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatSourceUrl, parseSourceUrl } from './source-url.ts'

const SAME = [
  'pop3s://ann@pop.example.org',
  'pop3://ann@example.org@pop.example.org:10110',
  'imaps://ann@example.org@[::1]:10993/Archiv%2F2026',
]
for (const text of SAME) {
  test(`${text} is read and written`, () => {
    const url = parseSourceUrl(text)
    assert.ok(typeof url === 'object')
    assert.equal(formatSourceUrl(url), text)
  })
}

test('an address as login can be written plainly or encoded', () => {
  const [plain, encoded] = ['pop3s://ann@example.org@pop.example.org', 'POP3S://ann%40example.org@pop.example.org']
  assert.deepEqual(parseSourceUrl(plain ?? ''), parseSourceUrl(encoded ?? ''))
})

const FAULTS = [
  ['', 'no-url'],
  ['pop.example.org', 'no-url'],
  ['https://ann@example.org', 'protocol'],
  ['pop3s://pop.example.org', 'no-login'],
  ['pop3s://ann:secret@pop.example.org', 'password'],
  ['pop3s://ann@pop.example.org/Work', 'path'],
  ['pop3s://ann@pop.example.org:99999', 'no-url'],
] as const
for (const [text, fault] of FAULTS) {
  test(`${JSON.stringify(text)} is refused: ${fault}`, () => assert.equal(parseSourceUrl(text), fault))
}
