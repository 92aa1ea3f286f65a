import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemClock } from '#lib/clock.ts'
import type { OpenedStore } from '#store/kit.contract.ts'
import type { MailStore } from '#store/mail-store.ts'
import { modelContract } from '#store/model.contract.ts'
import { openEmbeddedStore } from './embedded-store.ts'
import { type EmbeddedHost, startEmbedded } from './host.ts'
import type { EmbeddedTuning } from './options.ts'

/** A store in a folder of its own. What it logs as an error fails the test that closes it. */
async function open(tuning: Partial<EmbeddedTuning>): Promise<OpenedStore> {
  const directory = await mkdtemp(path.join(tmpdir(), 'malle-contract-'))
  const errors: string[] = []
  let host: EmbeddedHost
  let store: MailStore
  const start = async (): Promise<MailStore> => {
    host = await startEmbedded({
      directory,
      shards: 1,
      durability: 'full',
      clock: systemClock,
      log: (entry) => {
        if (entry.level === 'error') errors.push(entry.message)
      },
      tuning: { reserveBytes: 65_536, upkeepMs: 0, ...tuning },
    })
    store = openEmbeddedStore(host.connect())
    return store
  }
  const stop = async (): Promise<void> => {
    await store[Symbol.asyncDispose]()
    await host[Symbol.asyncDispose]()
  }
  return {
    store: await start(),
    close: async () => {
      await stop()
      await rm(directory, { recursive: true })
      if (errors.length > 0) throw new Error(`The store logged: ${errors.join('; ')}`)
    },
  }
}

modelContract('the embedded store', () => open({ tombstoneRanges: 20, segmentBytes: 65_536 }))

// Long requests are cut into commits of a few messages each.
modelContract('the embedded store in small slices', () => open({ sliceMessages: 7, tombstoneRanges: 20 }), {
  together: false,
})
