/**
 * SORT and THREAD over a large mailbox while another client says NOOP every 5 ms: time, loop delay and memory of each.
 *
 * ```
 * node bench/sort-and-thread.ts [--messages 100000] [--folder DIR] [--profile DIR]
 * ```
 * With `--folder` the filled mailbox is kept there, and used again.
 * @module
 */
import { once } from 'node:events'
import { createWriteStream, existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { inFolder, megabytes, percentile, report, rounded } from './kit.ts'
import { startProbe } from './noop-probe.ts'
import { Installation, type Login, RawImap, type ServerProcess } from './raw.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '100000' },
    folder: { type: 'string' },
    profile: { type: 'string' },
  },
})
const messages = Number(values.messages)
/** prom-client's monitor ticks every 10 ms and counts the tick itself. */
const TICK_MS = 10
const LOOP = ['nodejs_eventloop_lag_p99_seconds', 'nodejs_eventloop_lag_max_seconds']
/** Messages of one conversation, each an answer to the one before. */
const CONVERSATION = 8

const COMMANDS = [
  'UID SORT (ARRIVAL) UTF-8 ALL',
  'UID SORT (REVERSE DATE) UTF-8 ALL',
  'UID SORT (SUBJECT DATE) UTF-8 ALL',
  'UID SORT (FROM DATE) UTF-8 ALL',
  'UID SORT RETURN (PARTIAL 1:50) (REVERSE DATE) UTF-8 ALL',
  'UID SORT RETURN (ALL) (REVERSE DATE) UTF-8 ALL',
  'UID SORT RETURN (ALL RELEVANCY) (RELEVANCY) UTF-8 FUZZY SUBJECT thing',
  'SORT (DISPLAYFROM DATE) UTF-8 ALL',
  'UID THREAD ORDEREDSUBJECT UTF-8 ALL',
  'UID THREAD REFERENCES UTF-8 ALL',
  'UID THREAD REFS UTF-8 ALL',
]

await (values.folder === undefined ? inFolder(measure) : measure(values.folder))

async function measure(folder: string): Promise<void> {
  const installation = await Installation.make(folder)
  const login = await prepare(installation)
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`]
  const server = await installation.serve({ nodeArguments: profile })
  const rows = await commands(server, login)
  await server.stop()
  for (const { command, ms, loopP99, loopMax, noopP99, grown } of rows)
    console.log(
      `${command}: ${ms} ms, loop delay p99 ${loopP99} ms (most ${loopMax}), NOOP beside it p99 ${noopP99} ms, ${megabytes(grown)} more`,
    )
  const [p99, most] = [Math.max(...rows.map((row) => row.loopP99)), Math.max(...rows.map((row) => row.loopMax))]
  report(
    'sort-and-thread',
    `${messages} messages; at most ${Math.max(...rows.map((row) => row.ms))} ms, loop delay p99 ${p99} ms (most ${most}), goal 20`,
    { messages, rows, met: p99 < 20 },
  )
}

async function prepare(installation: Installation): Promise<Login> {
  const file = path.join(installation.folder, 'prepared.json')
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8')) as Login
  const [login] = await installation.addAccounts(['a'])
  if (login === undefined) throw new Error('There is no account')
  const mbox = path.join(installation.folder, 'large.mbox')
  const stream = createWriteStream(mbox)
  for (let number = 1; number <= messages; number += 1)
    if (!stream.write(mail(number), 'latin1')) await once(stream, 'drain')
  stream.end()
  await finished(stream)
  await installation.verb('import', login.address, mbox, '--mailbox', 'INBOX')
  await writeFile(file, JSON.stringify(login))
  return login
}

/** One of a conversation; those of many conversations come mixed, from 500 people. */
function mail(number: number): string {
  const conversations = Math.max(1, Math.floor(messages / CONVERSATION))
  const talk = number % conversations
  const step = Math.floor(number / conversations)
  const idOf = (at: number): string => `<${talk}.${at}@bench.example.net>`
  const person = (number * 7_919) % 500
  const date = new Date(Date.UTC(2026, 0, 1) + ((number * 104_729) % 25_000_000) * 1_000)
  const before = Array.from({ length: step }, (_, at) => idOf(at))
  const answers = step === 0 ? '' : `In-Reply-To: ${before.at(-1)}\nReferences: ${before.join(' ')}\n`
  return (
    `From sender@example.net Mon Nov 23 10:00:00 2026\nFrom: Person ${person} <person${person}@example.net>\nTo: a@example.org\n` +
    `Subject: ${step === 0 ? '' : 'Re: '}About thing ${(talk * 31) % conversations}\nDate: ${date.toUTCString().replace('GMT', '+0000')}\n` +
    `Message-ID: ${idOf(step)}\n${answers}\nSomething is said here.\n\n`
  )
}

interface Row {
  readonly command: string
  readonly ms: number
  readonly loopP99: number
  readonly loopMax: number
  readonly noopP99: number
  /** Octets at most above what the server had before. */
  readonly grown: number
}

async function commands(server: ServerProcess, login: Login): Promise<readonly Row[]> {
  await using probe = await startProbe(server.endpoint('imap'), login)
  const imap = await RawImap.login(server.endpoint('imap'), login.address, login.password)
  await imap.ok('SELECT INBOX')
  const rows: Row[] = []
  for (const command of COMMANDS) {
    await delay(500)
    await probe.take()
    await server.resetPeak()
    const { now } = await server.memory()
    await server.metrics(LOOP)
    const begun = performance.now()
    await imap.ok(command)
    const ms = rounded(performance.now() - begun)
    const noops = await probe.take()
    const [p99 = Number.NaN, most = Number.NaN] = await server.metrics(LOOP)
    rows.push({
      command,
      ms,
      loopP99: rounded(p99 * 1_000 - TICK_MS),
      loopMax: rounded(most * 1_000 - TICK_MS),
      noopP99: rounded(percentile(noops, 0.99)),
      grown: (await server.memory()).peak - now,
    })
  }
  imap.close()
  return rows
}
