/**
 * Syncs per acknowledged delivery: strace counts fdatasync and fsync of a server to which 20 connections deliver.
 *
 * ```
 * node bench/syncs.ts [--connections 20] [--accounts 20] [--seconds 5] [--size 10000]
 * ```
 * @module
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { deliver, inFolder, openLmtp, report, rounded, textMessage } from './kit.ts'
import { Installation } from './raw.ts'

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '20' },
    accounts: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '5' },
    size: { type: 'string', default: '10000' },
  },
})

await inFolder(async (folder) => {
  const installation = await Installation.make(folder)
  const logins = await installation.addAccounts(
    Array.from({ length: Number(values.accounts) }, (_, index) => `user${index}`),
  )
  const counted = path.join(folder, 'strace.txt')
  const server = await installation.serve({
    wrapper: ['strace', '-f', '-c', '-e', 'trace=fdatasync,fsync', '-o', counted],
  })
  const message = textMessage(Number(values.size), 1)
  // Opening the accounts is not part of it.
  const warm = await openLmtp(server.endpoint('lmtp'))
  for (const { address } of logins) await deliver(warm, address, message)
  const syncsBefore = await server.metric('malle_shard_syncs')
  const until = performance.now() + Number(values.seconds) * 1_000
  const begun = performance.now()
  let delivered = 0
  await Promise.all(
    Array.from({ length: Number(values.connections) }, async (_, connection) => {
      const lmtp = await openLmtp(server.endpoint('lmtp'))
      for (let turn = connection; performance.now() < until; turn += 1) {
        await deliver(lmtp, logins[turn % logins.length]?.address ?? '', message)
        delivered += 1
      }
      lmtp.close()
    }),
  )
  const seconds = (performance.now() - begun) / 1_000
  const syncs = (await server.metric('malle_shard_syncs')) - syncsBefore
  await server.stop()
  const calls = Array.from(
    (await readFile(counted, 'utf8')).matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s.*(fdatasync|fsync)$/gm),
    ([, count]) => Number(count),
  ).reduce((sum, count) => sum + count, 0)
  const all = delivered + logins.length
  const figures = {
    connections: Number(values.connections),
    delivered,
    perSecond: Math.round(delivered / seconds),
    straceSyncs: calls,
    straceSyncsPerDelivery: rounded(calls / all),
    storeSyncsPerDelivery: rounded(syncs / delivered),
    goal: 'well under 1',
  }
  report(
    'syncs',
    `${delivered} deliveries over ${values.connections} connections, ${figures.perSecond}/s under strace: ${figures.straceSyncsPerDelivery} syncs each counted from start to stop, ${figures.storeSyncsPerDelivery} by the store's own count`,
    figures,
  )
})
