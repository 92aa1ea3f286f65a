import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemClock } from '#lib/clock.ts'
import { mailStoreContract, type OpenedStore } from '#store/mail-store.contract.ts'
import type { MailStore } from '#store/mail-store.ts'
import { openEmbeddedStore } from './embedded-store.ts'
import { type EmbeddedHost, startEmbedded } from './host.ts'

mailStoreContract('embedded, one shard', () => open(1), true)
mailStoreContract('embedded, three shards', () => open(3), true)

async function open(shards: number): Promise<OpenedStore> {
  const directory = await mkdtemp(path.join(tmpdir(), 'malle-store-'))
  let host: EmbeddedHost
  let store: MailStore
  const start = async (): Promise<MailStore> => {
    host = await startEmbedded({ directory, shards, durability: 'full', clock: systemClock, log: () => {} })
    store = openEmbeddedStore(host.connect())
    return store
  }
  const stop = async (): Promise<void> => {
    await store[Symbol.asyncDispose]()
    await host[Symbol.asyncDispose]()
  }
  return {
    store: await start(),
    shards,
    reopen: async () => {
      await stop()
      return start()
    },
    close: async () => {
      await stop()
      await rm(directory, { recursive: true })
    },
  }
}
