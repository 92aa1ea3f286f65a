/**
 * What the embedded store does alone: deliveries, slices, flags, copies.
 *
 * ```
 * node bench/store-deliveries.ts [--connections 100] [--accounts 100] [--seconds 5] [--size 10000] [--large]
 * strace -f -c -e trace=fdatasync,fsync node bench/store-deliveries.ts --connections 20 --seconds 5
 * ```
 * `--large` adds a mailbox of 100,000 messages. @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { openEmbeddedStore } from '#adapters/embedded/embedded-store.ts'
import { startEmbedded } from '#adapters/embedded/host.ts'
import { systemClock } from '#lib/clock.ts'
import type { AccountId, MailboxKey, Uid } from '#mail/ids.ts'
import type { PreparedEmail } from '#mail/prepare.ts'
import { SEEN } from '#store/flags.ts'
import { type AccountRef, ENVELOPE, HEADER, type NewMessage, STRUCTURE } from '#store/types.ts'

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '100' },
    accounts: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '5' },
    size: { type: 'string', default: '10000' },
    shards: { type: 'string', default: '1' },
    large: { type: 'boolean', default: false },
    data: { type: 'string', default: tmpdir() },
  },
})
const connections = Number(values.connections)
const accounts = Number(values.accounts)
const shards = Number(values.shards)

const directory = await mkdtemp(path.join(values.data, 'malle-bench-'))
const host = await startEmbedded({
  directory,
  shards,
  durability: 'full',
  clock: systemClock,
  log: ({ level, message }) => console.error(`${level}: ${message}`),
})
const store = openEmbeddedStore(host.connect())

function accountOf(index: number): AccountRef {
  return { id: (index + 1) as AccountId, shard: index % shards }
}

const body = new Uint8Array(Number(values.size)).fill(97)
let made = 0

/** As a scan would prepare an ordinary message: 2 KB of header, 700 octets ready to send. */
function prepared(): PreparedEmail {
  made += 1
  return {
    size: body.length,
    lines: 200,
    envelope: new Uint8Array(420).fill(98),
    bodyStructure: new Uint8Array(280).fill(99),
    parts: new Uint8Array(60),
    headerSize: 1_800,
    header: new Uint8Array(1_800).fill(100),
    fields: new Uint8Array(120),
    preview: 'p'.repeat(180),
    hasAttachment: false,
    subject: `Message number ${made} about something`,
    from: 'Someone <someone@example.org>',
    to: 'Somebody Else <somebody@example.net>',
    cc: '',
    sentAt: 1_700_000_000_000,
    sentDay: 19_675,
    messageId: `<${made}@example.org>`,
    references: [],
    baseSubject: `MESSAGE NUMBER ${made} ABOUT SOMETHING`,
  }
}

const trace = Buffer.from('Return-Path: <someone@example.org>\r\nDelivered-To: somebody@example.net\r\n'.repeat(2))

async function deliverOne(account: AccountRef): Promise<void> {
  const recipient = {
    account,
    mailbox: 'INBOX',
    trace,
    flags: { system: 0, keywords: [] },
    internalDate: Date.now(),
    internalZone: 0,
  }
  const [answer] = await store.deliver({
    shard: account.shard,
    by: 'bench',
    body: { kind: 'bytes', bytes: body },
    email: prepared(),
    recipients: [recipient],
  })
  if (answer?.ok !== true) throw new Error(`Refused: ${JSON.stringify(answer)}`)
}

async function timed(name: string, work: () => Promise<string | undefined>): Promise<void> {
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  const begun = performance.now()
  const cpu = process.threadCpuUsage()
  const more = await work()
  const ms = performance.now() - begun
  const { user, system } = process.threadCpuUsage(cpu)
  loop.disable()
  console.log(
    `${name}: ${more ?? ''} ${ms.toFixed(1)} ms (${((user + system) / 1_000).toFixed(0)} ms CPU here), loop p99 ${(loop.percentile(99) / 1e6 - 1).toFixed(1)} ms`,
  )
}

for (let index = 0; index < accounts; index += 1) {
  await store.write('openAccount', {
    account: accountOf(index),
    by: 'bench',
    mailboxes: [],
    limits: { storageBytes: undefined, messages: undefined },
  })
}

const [before] = await host.status()
await timed(`deliveries, ${connections} at once, ${accounts} accounts`, async () => {
  const until = performance.now() + Number(values.seconds) * 1_000
  const begun = performance.now()
  let delivered = 0
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      for (let turn = 0; performance.now() < until; turn += 1) {
        await deliverOne(accountOf((connection + turn * connections) % accounts))
        delivered += 1
      }
    }),
  )
  const rate = (delivered / (performance.now() - begun)) * 1_000
  const [after] = await host.status()
  const batches = (after?.batches ?? 0) - (before?.batches ?? 0)
  const syncs = (after?.syncs ?? 0) - (before?.syncs ?? 0)
  return `${rate.toFixed(0)}/s, ${delivered} in ${batches} batches (shard 0), ${(syncs / delivered).toFixed(3)} syncs each,`
})

if (values.large) await large()

async function large(): Promise<void> {
  const account: AccountRef = { id: 1_000_000 as AccountId, shard: 0 }
  const by = 'bench'
  const limits = { storageBytes: undefined, messages: undefined }
  const mailboxes = [{ name: 'Target', specialUse: undefined, subscribed: false }]
  await store.write('openAccount', { account, by, mailboxes, limits })
  const box = await store.mailboxByName(account, 'INBOX')
  const target = (await store.mailboxByName(account, 'Target'))?.key as MailboxKey
  const mailbox = box?.key as MailboxKey
  const all = [[1 as Uid, 100_000 as Uid]] as const
  await timed('append of 100,000 in groups of 500', async () => {
    for (let group = 0; group < 200; group += 1) {
      const messages = Array.from(
        { length: 500 },
        (): NewMessage => ({
          body: { kind: 'bytes', bytes: body.subarray(0, 2_000) },
          email: prepared(),
          trace: new Uint8Array(0),
          flags: { system: 0, keywords: [] },
          internalDate: 1_700_000_000_000,
          internalZone: 0,
          uidl: undefined,
        }),
      )
      const answer = await store.write('append', { account, by, mailbox, messages })
      if (!answer.ok) throw new Error(JSON.stringify(answer))
    }
    return undefined
  })
  for (const round of [1, 2]) {
    await timed(`100,000 messages in slices, round ${round}`, async () => {
      let after = 0 as Uid | 0
      let longest = 0
      for (;;) {
        const begun = performance.now()
        const page = await store.messages(account, mailbox, after)
        longest = Math.max(longest, performance.now() - begun)
        after = (page.uids.at(-1) ?? after) as Uid
        if (page.uids.length < 5_000) return `longest slice ${longest.toFixed(1)} ms,`
      }
    })
    for (const [name, fields] of [
      ['envelope + structure', ENVELOPE | STRUCTURE],
      ['header', HEADER],
    ] as const) {
      await timed(`100,000 emails: ${name}, round ${round}`, async () => {
        let rows = 0
        for await (const slice of store.emails(account, mailbox, all, fields)) rows += slice.length
        return `${rows} rows,`
      })
    }
  }
  const flag = async (last: number, system: number, keywords: readonly string[]): Promise<undefined> => {
    const answer = await store.write('changeFlags', {
      account,
      by,
      mailbox,
      uids: [[1 as Uid, last as Uid]],
      action: 'add',
      flags: { system, keywords },
      unchangedSince: undefined,
    })
    if (!answer.ok) throw new Error(JSON.stringify(answer))
    return undefined
  }
  await timed('changeFlags on 10,000: \\Seen', () => flag(10_000, SEEN, []))
  await timed('changeFlags on 10,000: a keyword', () => flag(10_000, 0, ['$Work']))
  let waits: number[] = []
  await timed('changeFlags on 100,000: \\Flagged, with a delivery every 20 ms beside it', async () => {
    let done = false
    const beside = (async () => {
      while (!done) {
        const begun = performance.now()
        await deliverOne(accountOf(0))
        waits.push(performance.now() - begun)
        await new Promise((resolve) => {
          setTimeout(resolve, 20)
        })
      }
    })()
    await flag(100_000, 4, [])
    done = true
    await beside
    return `longest wait of a delivery ${Math.max(...waits).toFixed(0)} ms,`
  })
  for (const kind of ['copy', 'move'] as const) {
    waits = []
    await timed(`${kind} of 100,000`, async () => {
      const answer = await store.write(kind, { account, by, mailbox, uids: all, target })
      if (!answer.ok) throw new Error(JSON.stringify(answer))
      return undefined
    })
  }
  await timed('expunge of 200,000', async () => {
    await store.write('expunge', { account, by, mailbox: target, uids: undefined, which: 'any' })
    return undefined
  })
}

console.log(JSON.stringify(await host.status()))
await store[Symbol.asyncDispose]()
await host[Symbol.asyncDispose]()
await rm(directory, { recursive: true })
