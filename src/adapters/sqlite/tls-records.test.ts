import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { KnownStsPolicy, TlsSessions } from '#store/tls-records.ts'
import { openTlsRecords } from './tls-records.ts'

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'malle-tls-records-'))
  t.after(() => rm(made, { recursive: true }))
  return path.join(made, 'queue')
}

const POLICY: KnownStsPolicy = {
  id: 'a1',
  mode: 'enforce',
  mx: ['mx1.example.org', '*.example.net'],
  maxAgeSeconds: 100,
  fetchedAt: 1_000_000,
}

const SESSIONS: TlsSessions = {
  domain: 'example.org',
  policy: { type: 'sts', text: ['version: STSv1', 'mode: enforce'], mx: ['mx1.example.org'] },
  host: 'mx1.example.org',
  address: '192.0.2.1',
  failure: '',
  words: '',
  count: 2,
}

test('policies are there after the database was closed, until their time is over', async (t) => {
  const directory = await folder(t)
  {
    await using records = await openTlsRecords(directory)
    assert.equal(await records.stsPolicy('example.org'), undefined)
    await records.keepStsPolicy('example.org', { ...POLICY, id: 'a0' })
    await records.keepStsPolicy('example.org', POLICY)
    await records.keepStsPolicy('example.net', { ...POLICY, mode: 'none', mx: [] })
  }
  await using records = await openTlsRecords(directory)
  assert.deepEqual(await records.stsPolicy('example.org'), POLICY)
  assert.deepEqual(await records.stsPolicy('example.net'), { ...POLICY, mode: 'none', mx: [] })
  await records.dropStsPolicies(1_099_999)
  assert.deepEqual(await records.stsPolicy('example.org'), POLICY)
  await records.dropStsPolicies(1_100_000)
  assert.equal(await records.stsPolicy('example.org'), undefined)
})

test('sessions that went alike are counted together, by day and domain', async (t) => {
  await using records = await openTlsRecords(await folder(t))
  const failed: TlsSessions = { ...SESSIONS, failure: 'certificate-expired', words: 'has expired', count: 1 }
  const other: TlsSessions = {
    ...SESSIONS,
    domain: 'example.net',
    policy: { type: 'no-policy-found', text: [], mx: [] },
  }
  await records.count('2026-11-29', [SESSIONS, failed, other])
  await records.count('2026-11-29', [SESSIONS])
  await records.count('2026-11-28', [other])
  assert.deepEqual(await records.days(), ['2026-11-28', '2026-11-29'])
  assert.deepEqual(await records.domains('2026-11-29'), ['example.net', 'example.org'])
  assert.deepEqual(await records.sessions('2026-11-29', 'example.org'), [{ ...SESSIONS, count: 4 }, failed])
  assert.deepEqual(await records.sessions('2026-11-28', 'example.net'), [other])
  await records.forget('2026-11-29', 'example.org')
  assert.deepEqual(await records.domains('2026-11-29'), ['example.net'])
  await records.forget('2026-11-29')
  assert.deepEqual(await records.days(), ['2026-11-28'])
})

test('a damaged database is made anew', async (t) => {
  const directory = await folder(t)
  await (await openTlsRecords(directory))[Symbol.asyncDispose]()
  await writeFile(path.join(directory, 'tls.db'), 'this is no database, and was none either'.repeat(100))
  await using records = await openTlsRecords(directory)
  await records.keepStsPolicy('example.org', POLICY)
  assert.deepEqual(await records.stsPolicy('example.org'), POLICY)
})
