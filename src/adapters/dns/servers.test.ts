import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { onLoopback, parseResolvConf, ServerList } from './servers.ts'

test('parseResolvConf() reads what glibc reads', () => {
  const text =
    '# a comment\nsearch example.org\nnameserver 192.0.2.1\n nameserver 192.0.2.2\nnameserver\tfe80::1%eth0\n'
  assert.deepEqual(parseResolvConf(text), [
    { host: '192.0.2.1', port: 53 },
    { host: 'fe80::1%eth0', port: 53 },
  ])
  assert.deepEqual(parseResolvConf('nameserver example.org\n'), [{ host: '127.0.0.1', port: 53 }])
  assert.equal(parseResolvConf('nameserver 192.0.2.1\n'.repeat(9)).length, 3)
})

test('a resolv.conf that changes is read again after a while', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-resolv-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = path.join(folder, 'resolv.conf')
  let now = 0
  const list = new ServerList([], { now: () => now }, file)
  assert.deepEqual(await list.all(), [{ host: '127.0.0.1', port: 53 }])
  await writeFile(file, 'nameserver 192.0.2.1\n')
  now = 29_000
  assert.deepEqual(await list.all(), [{ host: '127.0.0.1', port: 53 }])
  now = 31_000
  assert.deepEqual(await list.all(), [{ host: '192.0.2.1', port: 53 }])
})

test('onLoopback() knows this machine', () => {
  assert.deepEqual(
    ['127.0.0.53', '::1', '192.0.2.1', '::2', '127.evil.example'].map((host) => onLoopback({ host, port: 53 })),
    [true, true, false, false, false],
  )
})
