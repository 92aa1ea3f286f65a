/** docs/protocols.md against the citations in the code. @module */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { protocolsPage } from '../../scripts/protocols.ts'

test('docs/protocols.md is what scripts/protocols.ts makes of the citations', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/protocols.md'), 'utf8')
  assert.equal(page, protocolsPage(), 'stale: run `node scripts/protocols.ts`')
})
