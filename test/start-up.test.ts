/** What a command loads before it does anything: nothing of the server, unless it is one. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'

const ROOT = path.join(import.meta.dirname, '..', 'src')
const OF_A_SERVER = new Set(['server', 'imap', 'pop3', 'smtp', 'http', 'services', 'adapters', 'config'])

/** Our modules that are loaded together with one, itself among them, relative to `src`. */
function loaded(entry: string): ReadonlySet<string> {
  const found = new Set<string>()
  const waiting = [entry]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file)) continue
    found.add(file)
    const text = readFileSync(path.join(ROOT, file), 'utf8')
    for (const [, target = ''] of text.matchAll(/^(?:import|export)\s(?!type\s)(?:[^'"]*?\sfrom\s)?'([#.][^']+)'/gm))
      waiting.push(target.startsWith('#') ? target.slice(1) : path.join(path.dirname(file), target))
  }
  return found
}

for (const entry of ['cli/malle.ts', 'cli/collect.ts', 'cli/sync.ts', 'cli/mail.ts']) {
  test(`${entry} loads nothing of the server`, () => {
    const modules = [...loaded(entry)]
    assert.ok(modules.includes('cli/language.ts'), 'no import was found: this test looked at nothing')
    assert.deepEqual(
      modules.filter((file) => OF_A_SERVER.has(file.split('/')[0] ?? '')),
      [],
    )
  })
}
