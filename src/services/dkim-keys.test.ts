import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { privateKeyFiles } from '#adapters/files/private-keys.ts'
import { openDirectory } from '#adapters/sqlite/directory.ts'
import type { Directory } from '#store/directory.ts'
import { DKIM_GRACE_MS, DKIM_RETIRED_MS, DkimKeys, type DkimRefusal, dkimRecord, dkimState } from './dkim-keys.ts'

const START = Date.UTC(2026, 10, 29)

interface Kit extends AsyncDisposable {
  readonly clock: { at: number; now(): number }
  readonly directory: Directory
  readonly keys: DkimKeys
  readonly folder: string
  /** Selectors with their states, by age. */
  states(): Promise<readonly string[]>
  files(): readonly string[]
}

async function open(): Promise<Kit> {
  const home = mkdtempSync(path.join(tmpdir(), 'malle-dkim-'))
  const folder = path.join(home, 'dkim')
  const clock = { at: START, now: () => clock.at }
  const directory = await openDirectory(':memory:', clock)
  await directory.addDomain('example.org')
  const keys = new DkimKeys({ directory, files: privateKeyFiles(folder), clock })
  return {
    clock,
    directory,
    keys,
    folder,
    states: async () =>
      (await value(keys.list('example.org'))).map((key) => `${key.selector} ${dkimState(key, clock.at)}`),
    files: () => readdirSync(path.join(folder, 'example.org')),
    async [Symbol.asyncDispose]() {
      await directory[Symbol.asyncDispose]()
      rmSync(home, { recursive: true })
    },
  }
}

type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: DkimRefusal }

async function value<T>(answer: Promise<Answer<T>>): Promise<T> {
  const settled = await answer
  assert.ok(settled.ok, JSON.stringify(settled))
  return settled.value
}

async function refusal<T>(answer: Promise<Answer<T>>): Promise<DkimRefusal> {
  const settled = await answer
  assert.ok(!settled.ok)
  return settled.error
}

test('first keys are one of each algorithm, sign at once, and are there for their owner alone', async () => {
  await using kit = await open()
  const made = await value(kit.keys.add({ domain: 'Example.ORG' }))
  assert.deepEqual(await kit.states(), ['m202611e active', 'm202611r active'])
  for (const key of made) {
    const file = path.join(kit.folder, 'example.org', `${key.selector}.pem`)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700)
    const pem = await privateKeyFiles(kit.folder).read('example.org', key.selector)
    const mine = createPublicKey(createPrivateKey(pem ?? '')).export({ type: 'spki', format: 'der' })
    const told = Buffer.from(key.publicKey, 'base64')
    assert.deepEqual(told, key.algorithm === 'rsa' ? mine : mine.subarray(-32))
    const { name, value: text } = dkimRecord(key)
    assert.equal(name, `${key.selector}._domainkey.example.org`)
    assert.equal(text, `v=DKIM1; k=${key.algorithm}; p=${key.publicKey}`)
  }
  assert.deepEqual(kit.files(), ['m202611e.pem', 'm202611r.pem'])
  assert.equal((await refusal(kit.keys.add({ domain: 'example.org' }))).kind, 'has-dkim-keys')
})

test('a wished selector is taken where it can be', async () => {
  await using kit = await open()
  const add = (selector: string, algorithm?: 'rsa' | 'ed25519') =>
    kit.keys.add({ domain: 'example.org', selector, algorithm })
  for (const bad of ['', '-a', 'a-', 'a.b', '../x', 'ä', 'a'.repeat(64)])
    assert.equal((await refusal(add(bad, 'ed25519'))).kind, 'bad-selector', bad)
  await value(add('Mail', 'ed25519'))
  await value(add('mail2', 'rsa'))
  assert.deepEqual(await kit.states(), ['mail active', 'mail2 active'])
  const taken = await refusal(
    kit.keys.rotate({ domain: 'example.org', algorithm: 'rsa', selector: 'mail', now: false }),
  )
  assert.deepEqual(taken, { kind: 'exists', what: 'dkim-key', name: 'mail' })
  assert.equal((await refusal(kit.keys.add({ domain: 'b.example' }))).kind, 'no-such')
  assert.equal((await refusal(kit.keys.add({ domain: 'b/../c' }))).kind, 'bad-domain')
})

test('a rotated key is published first, then signs; the old one stays published for a week and cannot sign', async () => {
  await using kit = await open()
  const wish = { domain: 'example.org', algorithm: 'ed25519' } as const
  assert.equal((await refusal(kit.keys.rotate({ ...wish, now: false }))).kind, 'no-dkim-keys')
  await value(kit.keys.add(wish))
  await value(kit.keys.rotate({ ...wish, now: false }))
  assert.deepEqual(await kit.states(), ['m202611e active', 'm202611e2 next'])
  assert.equal((await refusal(kit.keys.rotate({ ...wish, now: false }))).kind, 'dkim-rotating')
  kit.clock.at += DKIM_GRACE_MS - 1
  assert.deepEqual(await kit.states(), ['m202611e active', 'm202611e2 next'])
  kit.clock.at += 1
  assert.deepEqual(await kit.states(), ['m202611e retired', 'm202611e2 active'])
  await kit.keys.tidy()
  assert.deepEqual(kit.files(), ['m202611e2.pem'])
  kit.clock.at += DKIM_RETIRED_MS - 1
  assert.deepEqual(await kit.states(), ['m202611e retired', 'm202611e2 active'])
  kit.clock.at += 1
  assert.deepEqual(await kit.states(), ['m202611e2 active'])
  await kit.keys.tidy()
  assert.equal((await kit.directory.dkimKeys()).length, 1)
})

test('no key of a month gets the name of one before it, also where that is gone or was removed', async () => {
  await using kit = await open()
  const wish = { domain: 'example.org', algorithm: 'ed25519' } as const
  kit.clock.at = Date.UTC(2026, 10, 1)
  await value(kit.keys.add(wish))
  await value(kit.keys.rotate({ ...wish, now: true }))
  kit.clock.at += DKIM_RETIRED_MS
  await value(kit.keys.remove('example.org', 'm202611e2'))
  assert.deepEqual([await kit.states(), kit.files()], [[], []])
  await value(kit.keys.add(wish))
  assert.deepEqual(await kit.states(), ['m202611e3 active'])
  kit.clock.at += 1
  // whoever names a key himself may name it so again
  await value(kit.keys.rotate({ ...wish, selector: 'm202611e', now: true }))
  assert.deepEqual(await kit.states(), ['m202611e3 retired', 'm202611e active'])
  kit.clock.at = Date.UTC(2026, 11, 20)
  await kit.keys.tidy()
  assert.deepEqual(
    (await kit.directory.dkimKeys()).map(({ selector }) => selector),
    ['m202611e'],
  )
})

test('rotation now begins what waits, or makes what signs at once', async () => {
  await using kit = await open()
  const wish = { domain: 'example.org', algorithm: 'ed25519' } as const
  await value(kit.keys.add(wish))
  await value(kit.keys.rotate({ ...wish, now: false }))
  kit.clock.at += 1_000
  await value(kit.keys.rotate({ ...wish, now: true }))
  assert.deepEqual(await kit.states(), ['m202611e retired', 'm202611e2 active'])
  await value(kit.keys.rotate({ ...wish, now: true }))
  assert.deepEqual(await kit.states(), ['m202611e retired', 'm202611e2 retired', 'm202611e3 active'])
  assert.deepEqual(kit.files(), ['m202611e3.pem'])
})

test('a successor that is removed leaves the old key in place', async () => {
  await using kit = await open()
  const wish = { domain: 'example.org', algorithm: 'ed25519' } as const
  await value(kit.keys.add(wish))
  await value(kit.keys.rotate({ ...wish, now: false }))
  await value(kit.keys.remove('example.org', 'm202611e2'))
  kit.clock.at += DKIM_GRACE_MS
  assert.deepEqual(await kit.states(), ['m202611e active'])
  await value(kit.keys.remove('example.org', 'm202611e'))
  assert.deepEqual(kit.files(), [])
  assert.deepEqual(await refusal(kit.keys.remove('example.org', 'm202611e')), {
    kind: 'no-such',
    what: 'dkim-key',
    name: 'm202611e',
  })
})

test('wishes that come together are done one after the other', async () => {
  await using kit = await open()
  const wish = { domain: 'example.org', algorithm: 'ed25519' } as const
  const [one, other] = await Promise.all([kit.keys.add(wish), kit.keys.add(wish)])
  assert.equal(one.ok, true)
  assert.equal(other.ok, false)
})

test('a key file is replaced whole, whatever a crash left beside it', async () => {
  await using kit = await open()
  await value(kit.keys.add({ domain: 'example.org', algorithm: 'ed25519' }))
  const files = privateKeyFiles(kit.folder)
  writeFileSync(path.join(kit.folder, 'example.org', 'm202611e.pem.new'), 'half of some', { mode: 0o644 })
  await files.write('example.org', 'm202611e', 'all')
  assert.equal(await files.read('example.org', 'm202611e'), 'all')
  assert.equal(statSync(path.join(kit.folder, 'example.org', 'm202611e.pem')).mode & 0o777, 0o600)
  assert.deepEqual(kit.files(), ['m202611e.pem'])
  assert.equal(await files.read('example.org', 'none'), undefined)
})
