/** The destination takes messages, and its answers never come. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { ImapClient, type ImapClientOptions } from '#client/index.ts'
import { wholeServer } from '#testing/whole-server.ts'
import { ImapSide } from './imap-side.ts'
import { SpeedLimit } from './speed-limit.ts'
import { SyncState } from './state.ts'
import { type SyncReport, synchronise } from './sync.ts'

const PASSWORD = 'correct horse battery'

/** Passes connections on, and cuts each time at the first answer that names UIDs of new messages, so often. */
async function losing(
  port: number,
  times: number,
): Promise<{ port: number; lost: () => number; close: () => Promise<unknown> }> {
  let lost = 0
  const server = createServer((near) => {
    const far = dial(port, '127.0.0.1')
    const both: readonly Socket[] = [near, far]
    for (const socket of both) {
      socket.on('error', () => undefined)
      socket.on('close', () => both.forEach((each) => each.destroy()))
    }
    near.pipe(far)
    far.on('data', (chunk: Buffer) => {
      if (lost === times || !chunk.includes('APPENDUID')) return void near.write(chunk)
      lost += 1
      near.destroy()
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const close = (): Promise<unknown> => new Promise((resolve) => server.close(resolve))
  return { port: (server.address() as AddressInfo).port, lost: () => lost, close }
}

test('messages whose answers were lost are found at the destination, by this run and by the next one', async (t) => {
  await using whole = await wholeServer({
    auth: { allow_plaintext: true },
    limits: { exempt: ['127.0.0.0/8', '::1/128'] },
  })
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-sync-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  for (const address of ['old@example.org', 'new@example.org'])
    await whole.server.administration.ask('account.add', { address, password: PASSWORD })
  const options = (login: string, port: number): ImapClientOptions => ({
    host: '127.0.0.1',
    port,
    security: 'none',
    allowPlaintext: true,
    credentials: { login, password: PASSWORD },
    reconnect: false,
  })
  const port = whole.port('imap')
  await using old = await ImapClient.connect(options('old@example.org', port))
  // some have an id, some do not, and some are there twice
  const bodies = Array.from({ length: 250 }, (_, n) => {
    const id = n % 3 === 0 ? '' : `Message-ID: <${n % 90}@example.org>\r\n`
    return `Subject: ${n % 90}\r\n${id}\r\n${'text\r\n'.repeat(n % 90)}`
  })
  await old.appendAll(
    'INBOX',
    bodies.map((body) => ({ body })),
  )

  const run = async (times: number): Promise<{ lost: number; report: SyncReport | undefined }> => {
    const proxy = await losing(port, times)
    try {
      using state = new SyncState(path.join(folder, 'state.db'), 'old', 'new')
      await using left = await ImapSide.connect('old', () => ImapClient.connect(options('old@example.org', port)))
      await using right = await ImapSide.connect('new', () =>
        ImapClient.connect(options('new@example.org', proxy.port)),
      )
      const report = await synchronise({
        left,
        right,
        state,
        twoWay: false,
        deletions: true,
        mailboxDeletions: false,
        emptyToo: false,
        dryRun: false,
        verify: 'bodies',
        wanted: ([name]) => name === 'INBOX',
        limit: new SpeedLimit(undefined),
        parallel: 1,
        signal: new AbortController().signal,
        progress: () => undefined,
      }).catch(() => undefined)
      return { lost: proxy.lost(), report }
    } finally {
      await proxy.close()
    }
  }

  // more often than one run puts up with
  await run(3)
  const { report } = await run(1)
  assert.deepEqual([report?.verified?.differences, report?.removed], [[], 0])
  await using fresh = await ImapClient.connect(options('new@example.org', port))
  await fresh.select('INBOX')
  const there: string[] = []
  for await (const { body } of fresh.fetch('1:*', { body: true })) there.push(String(await body?.bytes()))
  assert.equal(there.length, bodies.length)
  assert.ok(there.sort().join('\0') === [...bodies].sort().join('\0'), 'other messages than those sent')
})
