/** See `embedded/sql.ts`: SQLite prepares a statement anew for each number that is bound right behind LIMIT. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'

test('no statement has a bound number right behind LIMIT', async () => {
  const files = (await readdir(import.meta.dirname, { recursive: true })).filter((file) =>
    /(?<!\.test)\.ts$/.test(file),
  )
  let limits = 0
  for (const file of files) {
    const text = await readFile(path.join(import.meta.dirname, file), 'utf8')
    limits += text.split('LIMIT +?').length - 1
    if (file !== path.join('embedded', 'sql.ts')) assert.doesNotMatch(text, /LIMIT \?/, file)
  }
  assert.ok(limits > 20)
})
