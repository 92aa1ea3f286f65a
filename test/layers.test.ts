import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'

/** Who may import whom under `src/`: a folder may always import itself and `lib`. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  mail: [],
  wire: ['mail'],
  store: ['mail'],
  config: ['mail'],
  services: ['store', 'mail'],
  imap: ['wire', 'services', 'store', 'mail'],
  pop3: ['wire', 'services', 'store', 'mail'],
  smtp: ['wire', 'services', 'store', 'mail'],
  outbound: ['services', 'store', 'mail'],
  http: ['services', 'store', 'mail'],
  client: ['wire', 'mail'],
  adapters: ['store', 'services', 'mail'],
  transfer: ['client', 'wire', 'services', 'store', 'mail'],
}

/** These compose the rest and may import everything. */
const COMPOSERS = new Set(['cli', 'testing', 'server'])

const root = path.join(import.meta.dirname, '..', 'src')

test('every folder imports only the layers below it', () => {
  const faults: string[] = []
  let imports = 0
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue
    const folder = file.split(path.sep)[0] ?? ''
    const mayComposeTests = file.endsWith('.test.ts') || file.endsWith('.contract.ts')
    const text = readFileSync(path.join(root, file), 'utf8')
    for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
      if (target === undefined || !/^[.#]/.test(target)) continue
      imports += 1
      const to = target.startsWith('#')
        ? target.slice(1).split('/')[0]
        : path.relative(root, path.join(root, path.dirname(file), target)).split(path.sep)[0]
      if (to === undefined || to === folder || to === 'lib' || COMPOSERS.has(folder)) continue
      if (mayComposeTests && (to === 'testing' || to === 'adapters')) continue
      const allowed = LAYERS[folder]
      if (allowed === undefined) faults.push(`${file}: the folder "${folder}" is not in the table`)
      else if (!allowed.includes(to)) faults.push(`${file}: "${folder}" may not import "${target}"`)
    }
  }
  assert.deepEqual(faults, [])
  assert.ok(imports > 0, 'no import was found: this test looked at nothing')
})
