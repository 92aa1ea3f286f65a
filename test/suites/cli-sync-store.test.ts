/** `malle sync` with accounts of stores on this machine, while their server runs and while it does not. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { letterOf } from '#testing/sync-pair.ts'
import { Place } from './cli-process.ts'

test('accounts of a store are ends of a sync, with the server stopped and running, in both directions', async () => {
  await using place = await Place.make()
  await place.ok(['domain', 'add', 'example.org'])
  for (const address of ['ann@example.org', 'bob@example.org'])
    await place.ok(['account', 'add', address, '--password-stdin'], 'correct horse battery\n')
  const maildir = path.join(place.folder, 'Mail')
  for (const n of [1, 2, 3]) await place.file(`Mail/cur/${n}.x:2,S`, letterOf(n))
  for (const each of ['new', 'tmp']) await place.file(`Mail/${each}/.keep`, '')
  const state = ['--state', path.join(place.folder, 'sync.db')]
  const stopped = await place.malle(['sync', maildir, 'store:ann@example.org', ...state, '--verify', 'bodies'])
  assert.deepEqual([stopped.code, stopped.stderr], [0, ''])
  assert.match(
    stopped.stdout,
    /Mail to ann@example\.org: 1 mailbox, 3 messages copied \(.*\), 3 messages verified\.\n$/,
  )

  await place.serve()
  const both = ['sync', 'store:ann@example.org', 'store:bob@example.org', ...state, '--two-way', '--verify', 'bodies']
  const running = await place.malle(both)
  assert.deepEqual([running.code, running.stderr], [0, ''])
  assert.match(
    running.stdout,
    /^ann@example\.org and bob@example\.org: .* 3 messages copied .* 3 messages verified\.\n$/,
  )
  const copied = await place.ok(['mail', 'list', 'bob@example.org', '--json'])
  assert.ok(Array.isArray(copied) && copied.length === 3)

  const nobody = await place.malle(['sync', 'store:nobody@example.org', maildir, ...state])
  assert.equal(nobody.code, 66)
  assert.equal(nobody.stderr.trimEnd().split('\n').length, 1)
})
