/** That docs/conformance.md says what the transcripts say of other servers, and that RFCs say what they quote. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { allCases } from '../conformance/play.ts'
import { differencesTable } from '../conformance/report.ts'

const ROOT = path.join(import.meta.dirname, '..', '..')
const RFCS = path.join(ROOT, '..', 'shared', 'rfc')

for (const subject of ['dovecot', 'cyrus'] as const)
  test(`docs/conformance.md has every difference of ${subject} as the transcripts do`, () => {
    const text = readFileSync(path.join(ROOT, 'docs', 'conformance.md'), 'utf8')
    assert.ok(text.includes(differencesTable(subject)), 'npm run conformance -- --against malle,dovecot,cyrus --write')
  })

test('the sentences that decide differences stand in the RFCs', { skip: !existsSync(RFCS) && 'no texts here' }, () => {
  let found = 0
  for (const { file, one } of allCases())
    for (const { rule, quote } of one.differences) {
      const name = `rfc${/\d+/.exec(rule)?.[0]}.txt`
      const text = flowing(readFileSync(path.join(RFCS, name), 'utf8'))
      assert.ok(text.includes(flowing(quote)), `${file}: ${rule}: ${quote}`)
      found += 1
    }
  assert.ok(found > 0)
})

/** Without page breaks and marks of comments in ABNF, with one space between words. */
function flowing(text: string): string {
  return text
    .replace(/\n[^\n]*\[Page \d+\]\n\f?\n*RFC \d+ [^\n]*\n/g, '\n')
    .replace(/-\n\s*/g, '-')
    .replace(/(?<=\s);+\s/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}
