/**
 * What a large message costs in memory: in by LMTP and by APPEND, out by FETCH BODY[] and by RETR.
 *
 * ```
 * node bench/large-message.ts [--megabytes 25] [--rounds 2] [--only lmtp,retr]
 * ```
 * The growth is VmHWM during the transfer minus VmRSS before it, after a warm-up with the same kind of transfer of a
 * small message. Linux only. @module
 */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { deliver, inFolder, megabytes, openLmtp, report, rounded, textMessage } from './kit.ts'
import { fetched, Installation, type Login, RawImap, RawLines, type ServerProcess } from './raw.ts'

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '25' },
    rounds: { type: 'string', default: '2' },
    only: { type: 'string', default: 'lmtp,append,fetch,retr' },
  },
})
const GOAL = 20 * 1_048_576

interface Measured {
  readonly transfer: string
  readonly growth: number
  readonly seconds: number
}

const MEGABYTE = 1_048_576

await inFolder(async (folder) => {
  const installation = await Installation.make(folder)
  const [login] = await installation.addAccounts(['a'])
  if (login === undefined) throw new Error('There is no account')
  const server = await installation.serve()
  const atStart = (await server.memory()).now
  const large = textMessage(Number(values.megabytes) * MEGABYTE, 1)
  const transfers = await open(server, login)
  const measured: Measured[] = []
  // Code that never ran and buffers that never grew are not what is measured.
  for (const transfer of Object.values(transfers)) await transfer(textMessage(2 * MEGABYTE, 0))
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const name of values.only.split(',')) {
      const transfer = transfers[name]
      if (transfer === undefined) throw new Error(`There is no transfer ${name}`)
      await delay(500)
      await server.resetPeak()
      const before = (await server.memory()).now
      const begun = performance.now()
      await transfer(large)
      const seconds = rounded((performance.now() - begun) / 1_000)
      const growth = (await server.memory()).peak - before
      measured.push({ transfer: name, growth, seconds })
      console.log(`${name}: ${megabytes(growth)} in ${seconds} s, ${megabytes(before)} before`)
    }
  }
  await server.stop()
  const worst = measured.reduce((a, b) => (a.growth > b.growth ? a : b))
  report(
    'large-message',
    `${megabytes(large.length)} in and out: at most ${megabytes(worst.growth)} more (${worst.transfer}), goal 20 MB; ${megabytes(atStart)} when it was ready`,
    { octets: large.length, atStart, measured, worst: worst.growth, goal: GOAL, met: worst.growth < GOAL },
  )
})

type Transfer = (message: Buffer) => Promise<void>

/** Connections are made before, as they are not what is measured. */
async function open(server: ServerProcess, { address, password }: Login): Promise<Record<string, Transfer>> {
  const lmtp = await openLmtp(server.endpoint('lmtp'))
  const imap = await RawImap.login(server.endpoint('imap'), address, password)
  await imap.ok('CREATE Large')
  return {
    lmtp: (message) => deliver(lmtp, address, message),
    append: async (message) => {
      await imap.ok(`APPEND Large {${message.length}+}`, message)
    },
    fetch: async (message) => {
      await imap.ok('SELECT Large')
      const [newest] = fetched((await imap.ok('FETCH * (UID BODY.PEEK[])')).untagged)
      same(newest?.body, message)
    },
    retr: async (message) => {
      const pop3 = await RawLines.connect(server.endpoint('pop3'))
      await pop3.line()
      await pop3.ok(`USER ${address}`)
      await pop3.ok(`PASS ${password}`)
      const [, count] = (await pop3.ok('STAT')).split(' ')
      await pop3.ok(`RETR ${count}`)
      same(await pop3.multiline(), message)
      await pop3.ok('QUIT')
    },
  }
}

function same(got: Uint8Array | undefined, message: Buffer): void {
  const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
  if (got === undefined || hash(got.subarray(got.length - message.length)) !== hash(message)) {
    throw new Error('The message came back with other bytes')
  }
}
