import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { QUIRKS } from './quirks.ts'

test('every quirk is named where the code has it, and none is named that is not listed', () => {
  const folders = [import.meta.dirname, path.join(import.meta.dirname, '..', '..', 'pop3')]
  const named = new Set<string>()
  for (const folder of folders) {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue
      const text = readFileSync(path.join(folder, file), 'utf8')
      for (const [, name] of text.matchAll(/quirk `?([a-z-]+)/gi)) if (name !== undefined) named.add(name)
    }
  }
  assert.deepEqual([...named].sort(), QUIRKS.map((quirk) => quirk.name).sort())
})
