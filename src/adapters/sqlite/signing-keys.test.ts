import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { privateKeyFiles } from '#adapters/files/private-keys.ts'
import { DKIM_GRACE_MS, DkimKeys } from '#services/dkim-keys.ts'
import { openDirectory } from './directory.ts'
import { SqliteSigningKeys } from './signing-keys.ts'

test('a thread apart sees keys as they change, and what is missing of them', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'malle-signing-'))
  const clock = { at: Date.UTC(2026, 10, 29), now: () => clock.at }
  try {
    await using directory = await openDirectory(path.join(home, 'directory.db'), clock)
    const folder = path.join(home, 'dkim')
    const dkim = new DkimKeys({ directory, files: privateKeyFiles(folder), clock })
    const missing: string[] = []
    using keys = new SqliteSigningKeys({
      database: path.join(home, 'directory.db'),
      folder,
      clock,
      unreadable: (domain, selector) => missing.push(`${selector} of ${domain}`),
    })
    const active = (): readonly string[] => keys.active('example.org').map(({ selector }) => selector)
    assert.deepEqual(active(), [])
    await directory.addDomain('example.org')
    await dkim.add({ domain: 'example.org' })
    assert.deepEqual(active(), ['m202611r', 'm202611e'])
    assert.deepEqual(keys.active('other.example'), [])
    const [rsa] = keys.active('example.org')
    assert.equal(rsa?.privateKey.asymmetricKeyDetails?.modulusLength, 2_048)
    await dkim.rotate({ domain: 'example.org', now: false })
    assert.deepEqual(active(), ['m202611r', 'm202611e'])
    clock.at += DKIM_GRACE_MS
    assert.deepEqual(active(), ['m202611r2', 'm202611e2'])
    await dkim.rotate({ domain: 'example.org', algorithm: 'ed25519', now: true })
    assert.deepEqual(active(), ['m202611r2', 'm202612e'])
    writeFileSync(path.join(folder, 'example.org', 'm202612e.pem'), 'nonsense')
    assert.deepEqual(active(), ['m202611r2', 'm202612e'])
    await directory.setCatchAll('example.org', 'all@example.org')
    assert.deepEqual([active(), active()], [['m202611r2'], ['m202611r2']])
    assert.deepEqual(missing, ['m202612e of example.org'])
    await dkim.remove('example.org', 'm202611r2')
    assert.deepEqual(active(), [])
  } finally {
    rmSync(home, { recursive: true })
  }
})
