/**
 * Syncs per acknowledged delivery: strace counts fdatasync and fsync of a server to which 20 connections deliver, once
 * with the disk as it is and once with every sync made 1 ms slower, as on an ordinary cloud disk.
 *
 * ```
 * node bench/syncs.ts [--connections 20] [--accounts 20] [--seconds 5] [--size 10000] [--delays 0,1000]
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
    delays: { type: 'string', default: '0,1000' },
  },
})

for (const delay of values.delays.split(',')) await inFolder((folder) => count(folder, Number(delay)))

/** @param delay Added to every sync, in microseconds. */
async function count(folder: string, delay: number): Promise<void> {
  const installation = await Installation.make(folder)
  const logins = await installation.addAccounts(
    Array.from({ length: Number(values.accounts) }, (_, index) => `user${index}`),
  )
  const counted = path.join(folder, 'strace.txt')
  const slower = delay === 0 ? '' : `-e inject=fdatasync,fsync:delay_exit=${delay}`
  const server = await installation.serve({
    wrapper: `strace -f --seccomp-bpf -c -e trace=fdatasync,fsync ${slower} -o`.split(/ +/).concat(counted),
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
    delayMicroseconds: delay,
    delivered,
    perSecond: Math.round(delivered / seconds),
    straceSyncs: calls,
    straceSyncsPerDelivery: rounded(calls / all),
    storeSyncsPerDelivery: rounded(syncs / delivered),
    goal: 'well under 1',
  }
  report(
    'syncs',
    `${delivered} deliveries over ${values.connections} connections, ${figures.perSecond}/s under strace${delay === 0 ? '' : `, syncs ${delay} µs slower`}: ${figures.straceSyncsPerDelivery} syncs each counted from start to stop, ${figures.storeSyncsPerDelivery} by the store's own count`,
    figures,
  )
}
