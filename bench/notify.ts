/**
 * One connection watches many folders by NOTIFY while mail is delivered into all of them; then many such connections wait.
 *
 * ```
 * node bench/notify.ts [--folders 50] [--deliveries 2000] [--connections 4] [--sessions 500]
 * ```
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { deliver, inFolder, openLmtp, percentile, report, rounded, textMessage } from './kit.ts'
import { Installation, type Login, RawImap, RawLines, type ServerProcess } from './raw.ts'

const { values } = parseArgs({
  options: {
    folders: { type: 'string', default: '50' },
    deliveries: { type: 'string', default: '2000' },
    connections: { type: 'string', default: '4' },
    sessions: { type: 'string', default: '500' },
    workers: { type: 'string', default: '1' },
  },
})
const folders = Number(values.folders)
const deliveries = Number(values.deliveries)
const connections = Number(values.connections)
const sessions = Number(values.sessions)

const NOTIFY =
  'NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge FlagChange MailboxName))'

await inFolder(measure)

async function measure(folder: string): Promise<void> {
  const installation = await Installation.make(folder, { workers: Number(values.workers) })
  const [login] = await installation.addAccounts(['ann'])
  if (login === undefined) throw new Error('There is no account')
  const server = await installation.serve()
  const imap = await RawImap.login(server.endpoint('imap'), login.address, login.password)
  for (let n = 0; n < folders; n += 1) await imap.ok(`CREATE f${n}`)
  const { waits, perSecond, lines } = await watchDeliveries(server, login)
  const octetsPerSession = await watchIdly(server, login)
  imap.close()
  await server.stop()
  const [p50, p99] = [rounded(percentile(waits, 0.5)), rounded(percentile(waits, 0.99))]
  report(
    'notify',
    `${deliveries} deliveries into ${folders} folders, ${perSecond}/s over ${connections} connections: from LMTP's 250 to STATUS p50 ${p50} ms, p99 ${p99} ms, goal 50; ${lines} lines; ${rounded(octetsPerSession / 1024)} KB a waiting session`,
    {
      folders,
      deliveries,
      perSecond,
      p50,
      p99,
      max: rounded(Math.max(...waits)),
      lines,
      octetsPerSession,
      met: p99 < 50,
    },
  )
}

interface Watched {
  /** Milliseconds from each acknowledgement to the line that tells of it; 0 where the line was first. */
  readonly waits: readonly number[]
  readonly perSecond: number
  readonly lines: number
}

async function watchDeliveries(server: ServerProcess, login: Login): Promise<Watched> {
  const watcher = await RawLines.connect(server.endpoint('imap'))
  await watcher.line()
  for (const command of [`LOGIN ${login.address} ${login.password}`, 'SELECT INBOX', NOTIFY]) {
    watcher.send(`a ${command}\r\n`)
    while (!(await watcher.line()).startsWith('a OK'));
  }
  /** When each folder's nth message was acknowledged and seen. */
  const acknowledged = Array.from({ length: folders }, (): number[] => [])
  const seen = Array.from({ length: folders }, (): number[] => [])
  let told = 0
  let lines = 0
  const watching = (async () => {
    while (told < deliveries) {
      const line = await watcher.line()
      const match = /^\* STATUS f(\d+) \(MESSAGES (\d+) /.exec(line)
      if (match === null) throw new Error(`Not a STATUS: ${line}`)
      lines += 1
      const of = seen[Number(match[1])]
      for (; of !== undefined && of.length < Number(match[2]); told += 1) of.push(performance.now())
    }
  })()
  const message = textMessage(4_000, 1)
  const [name, domain] = login.address.split('@')
  let next = 0
  const begun = performance.now()
  const delivering = Array.from({ length: connections }, async () => {
    const lmtp = await openLmtp(server.endpoint('lmtp'))
    while (next < deliveries) {
      const folder = next % folders
      next += 1
      await deliver(lmtp, `${name}+f${folder}@${domain}`, message)
      acknowledged[folder]?.push(performance.now())
    }
    lmtp.close()
  })
  await Promise.all(delivering)
  const seconds = (performance.now() - begun) / 1000
  await watching
  watcher.close()
  const waits = acknowledged.flatMap((times, folder) =>
    times.map((time, n) => Math.max(0, (seen[folder]?.[n] ?? Number.POSITIVE_INFINITY) - time)),
  )
  return { waits, perSecond: Math.round(deliveries / seconds), lines }
}

/** Octets of memory that a session costs which watches and hears nothing. */
async function watchIdly(server: ServerProcess, login: Login): Promise<number> {
  const opened: RawImap[] = []
  const open = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      const imap = await RawImap.login(server.endpoint('imap'), login.address, login.password)
      opened.push(imap)
      await imap.ok('SELECT INBOX')
      await imap.ok(NOTIFY)
    }
    await delay(3_000)
  }
  await open(sessions)
  const before = (await server.memory()).now
  await open(sessions)
  const after = (await server.memory()).now
  for (const imap of opened) imap.close()
  return Math.round((after - before) / sessions)
}
