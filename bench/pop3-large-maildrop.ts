/**
 * A maildrop of 200,000 tiny messages: login, STAT, LIST, UIDL, and RETR of the last one; twice.
 *
 * ```
 * node bench/pop3-large-maildrop.ts [--messages 200000]
 * ```
 * The growth is VmHWM minus VmRSS before the login. Linux only. @module
 */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import path from 'node:path'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { inFolder, megabytes, report, rounded } from './kit.ts'
import { Installation, type Login, RawLines, type ServerProcess } from './raw.ts'

const { values } = parseArgs({ options: { messages: { type: 'string', default: '200000' } } })
const messages = Number(values.messages)
/** 100 octets a message, and what the rest of the process does meanwhile. */
const GOAL = 100 * messages + 20 * 1_048_576

await inFolder(async (folder) => {
  const installation = await Installation.make(folder)
  const [large, small] = await installation.addAccounts(['large', 'small'])
  if (large === undefined || small === undefined) throw new Error('There are no accounts')
  await fill(installation, large.address)
  const server = await installation.serve()
  // Code that never ran is not what is measured.
  await session(server, small, 0)
  await delay(1_000)
  const before = (await server.memory()).now
  const rounds = []
  for (let round = 0; round < 2; round += 1) {
    await server.resetPeak()
    const times = await session(server, large, messages)
    rounds.push({ times, growth: (await server.memory()).peak - before })
  }
  const after = (await server.memory()).now - before
  await server.stop()
  const growth = Math.max(...rounds.map((round) => round.growth))
  report(
    'pop3-large-maildrop',
    `${messages} messages; ${Object.entries(rounds[0]?.times ?? {})
      .map(([name, ms]) => `${name} ${ms} ms`)
      .join(
        ', ',
      )}; at most ${megabytes(growth)} more memory, goal ${megabytes(GOAL)}; ${megabytes(after)} more afterwards`,
    { messages, before, rounds, growth, after, goal: GOAL, met: growth < GOAL },
  )
})

/** `malle import` of an mbox. */
async function fill(installation: Installation, address: string): Promise<void> {
  const file = path.join(installation.folder, 'tiny.mbox')
  const stream = createWriteStream(file)
  for (let number = 1; number <= messages; number += 1) {
    const more = stream.write(`From a@example.net Mon Nov 23 10:00:00 2026\nSubject: ${number}\n\nx\n\n`)
    if (!more) await once(stream, 'drain')
  }
  stream.end()
  await finished(stream)
  const begun = performance.now()
  await installation.verb('import', address, file, '--mailbox', 'INBOX')
  console.log(`imported ${messages} messages in ${rounded((performance.now() - begun) / 1_000)} s`)
}

async function session(
  server: ServerProcess,
  { address, password }: Login,
  count: number,
): Promise<Record<string, number>> {
  const times: Record<string, number> = {}
  const pop3 = await RawLines.connect(server.endpoint('pop3'))
  await pop3.line()
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const begun = performance.now()
    const result = await work()
    times[name] = rounded(performance.now() - begun)
    return result
  }
  await pop3.ok(`USER ${address}`)
  await timed('login', () => pop3.ok(`PASS ${password}`))
  const stat = await timed('STAT', () => pop3.ok('STAT'))
  if (Number(stat.split(' ')[1]) !== count) throw new Error(`STAT was answered ${stat}`)
  for (const name of ['LIST', 'UIDL']) {
    const lines = await timed(name, async () => {
      await pop3.ok(name)
      return (await pop3.multiline()).toString('latin1').split('\r\n').slice(0, -1)
    })
    if (lines.length !== count) throw new Error(`${name} gave ${lines.length} lines`)
    const last = lines.at(-1)
    if (last !== undefined && !last.startsWith(`${count} `)) throw new Error(`The last line of ${name} is ${last}`)
  }
  if (count > 0) {
    const body = await timed('RETR', async () => {
      await pop3.ok(`RETR ${count}`)
      return (await pop3.multiline()).toString('latin1')
    })
    if (!body.includes(`Subject: ${count}\r\n`)) throw new Error(`The last message is ${body}`)
  }
  await pop3.ok('QUIT')
  return times
}
