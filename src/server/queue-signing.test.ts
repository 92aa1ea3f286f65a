import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { privateKeyFiles } from '#adapters/files/private-keys.ts'
import { openDirectory } from '#adapters/sqlite/directory.ts'
import { systemClock } from '#lib/clock.ts'
import { DkimKeys } from '#services/dkim-keys.ts'
import { ListLog } from '#testing/list-log.ts'
import { plainMail } from '#testing/messages.ts'
import { openQueueSigning } from './queue-signing.ts'

test('the queue thread signs with the keys that the data directory has at the time', async () => {
  const data = await mkdtemp(path.join(tmpdir(), 'malle-queue-signing-'))
  try {
    await using directory = await openDirectory(path.join(data, 'directory.db'))
    const dkim = new DkimKeys({ directory, files: privateKeyFiles(path.join(data, 'dkim')), clock: systemClock })
    using signing = openQueueSigning({ data, hostname: 'mx.example.org', checked: true, log: new ListLog() })
    const selectors = async (): Promise<readonly string[]> => {
      const lines = await signing.sign(
        { id: 'a1', sender: 'ann@example.org', account: 'ann@example.org' },
        (async function* () {
          yield plainMail()
        })(),
      )
      return Array.from(
        Buffer.from(lines)
          .toString()
          .matchAll(/ s=(\w+);/g),
        ([, selector = '']) => selector,
      )
    }
    assert.deepEqual(await selectors(), [])
    await directory.addDomain('example.org')
    await dkim.add({ domain: 'example.org', algorithm: 'rsa', selector: 'one' })
    assert.deepEqual(await selectors(), ['one'])
    await dkim.add({ domain: 'example.org', algorithm: 'ed25519', selector: 'two' })
    assert.deepEqual(await selectors(), ['one', 'two'])
    await dkim.rotate({ domain: 'example.org', algorithm: 'rsa', selector: 'three', now: true })
    assert.deepEqual(await selectors(), ['three', 'two'])
  } finally {
    await rm(data, { recursive: true })
  }
})
