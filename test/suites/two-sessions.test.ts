/**
 * Two, three and four real sessions on one mailbox, each in another dialect of IMAP, acting at random and often at once:
 * whenever all have looked, each one's picture, made of untagged responses alone, is what the store has (RFC 9051 §7.5,
 * RFC 7162). `MALLE_LONG=1` walks 10,000 steps. @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { openEmbeddedStore } from '#adapters/embedded/embedded-store.ts'
import { startEmbedded } from '#adapters/embedded/host.ts'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import { systemClock } from '#lib/clock.ts'
import type { MailStore } from '#store/mail-store.ts'
import { walkTogether } from '#testing/followers.ts'
import { type ImapDialect, ImapFollower } from '#testing/imap-follower.ts'
import { ANN, TestImapServer } from '#testing/imap-server.ts'
import { Random } from '#testing/random.ts'

const LONG = process.env['MALLE_LONG'] === '1'

const CASTS: readonly (readonly ImapDialect[])[] = [
  ['plain', 'qresync'],
  ['plain', 'condstore', 'qresync'],
  ['qresync', 'qresync', 'rev2', 'condstore'],
]

/** @param others Connections of other threads to the same store; the clients are spread over all. */
async function walk(
  store: MailStore,
  dialects: readonly ImapDialect[],
  seed: number,
  steps: number,
  others: readonly MailStore[] = [],
): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await TestImapServer.start({ store, mailboxes: ['Other'] }))
  const servers = [server]
  for (const other of others) servers.push(stack.use(await TestImapServer.start({ store: other })))
  const mailbox = (await store.mailboxByName(server.account, 'INBOX'))?.key
  if (mailbox === undefined) throw new Error('There is no INBOX')
  const followers: ImapFollower[] = []
  for (const [index, dialect] of dialects.entries())
    followers.push(
      await ImapFollower.open({
        name: `client ${index + 1}`,
        dialect,
        mailbox: 'INBOX',
        connect: () => (servers[index % servers.length] ?? server).connect(),
        login: `LOGIN ${ANN.address} ${ANN.password}`,
      }),
    )
  const random = new Random(seed)
  try {
    await walkTogether({
      random,
      steps,
      store,
      account: server.account,
      mailbox,
      targets: ['INBOX', 'Other'],
      followers,
    })
  } catch (error) {
    const faults = server.log.lines.filter(({ level }) => level === 'error')
    throw new Error(`${JSON.stringify(faults.map(({ fields }) => String((fields as { err?: unknown }).err)))}`, {
      cause: error,
    })
  } finally {
    for (const follower of followers) await follower[Symbol.asyncDispose]()
  }
}

for (const dialects of CASTS)
  for (const seed of LONG ? [1, 2, 3, 4, 5] : [1, 2])
    test(`${dialects.join(', ')} on one mailbox in memory see the same at every sync, seed ${seed}`, () =>
      walk(openMemoryStore({ sliceRows: seed % 2 === 0 ? 7 : 1_000 }), dialects, seed, LONG ? 10_000 : 600))

for (const threads of [1, 3])
  test(`four dialects on one mailbox in the embedded store, ${threads} connections to it, see the same at every sync`, async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'malle-sessions-'))
    try {
      await using host = await startEmbedded({
        directory,
        shards: 1,
        durability: 'full',
        clock: systemClock,
        log: () => undefined,
      })
      const stores = Array.from({ length: threads }, () => openEmbeddedStore(host.connect()))
      const [first, ...others] = stores
      if (first === undefined) throw new Error('There is no store')
      await walk(first, ['plain', 'condstore', 'qresync', 'rev2'], 7, LONG ? 10_000 : 400, others)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
