/**
 * A client opens a large mailbox while another says NOOP every 5 ms; then 100 sessions have it open.
 *
 * ```
 * node bench/large-mailbox.ts [--messages 100000] [--sessions 100] [--folder DIR] [--profile DIR]
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
import { inFolder, megabytes, percentile, report, rounded, textMessage } from './kit.ts'
import { startProbe } from './noop-probe.ts'
import { expandSet, fetched, Installation, type Login, RawImap, type ServerProcess } from './raw.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '100000' },
    sessions: { type: 'string', default: '100' },
    size: { type: 'string', default: '1500' },
    folder: { type: 'string' },
    profile: { type: 'string' },
  },
})
const messages = Number(values.messages)
/** prom-client's monitor ticks every 10 ms and counts the tick itself. */
const TICK_MS = 10

await (values.folder === undefined ? inFolder(measure) : measure(values.folder))

async function measure(folder: string): Promise<void> {
  const installation = await Installation.make(folder)
  const { login, filled } = await prepare(installation)
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`]
  const server = await installation.serve({ nodeArguments: profile })
  const opened = await firstCommands(server, login)
  const memory = await sessions(server, login)
  await server.stop()
  const { idle, busy, loopP99, times } = opened
  const met = busy.p99 < 20 && loopP99 < 20
  report(
    'large-mailbox',
    `${messages} messages; ${Object.entries(times)
      .map(([name, ms]) => `${name} ${ms} ms`)
      .join(
        ', ',
      )}; NOOP beside it p99 ${busy.p99} ms (max ${busy.max}, idle p99 ${idle.p99}), loop delay p99 ${loopP99} ms, goal 20; ${megabytes(memory.perSession)} a session with it open`,
    { messages, fillPerSecond: filled, times, noopIdle: idle, noopBusy: busy, loopP99Ms: loopP99, met, memory },
  )
}

interface Prepared {
  readonly login: Login
  /** Messages a second. */
  readonly filled: number
}

async function prepare(installation: Installation): Promise<Prepared> {
  const file = path.join(installation.folder, 'prepared.json')
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8')) as Prepared
  const [login] = await installation.addAccounts(['a'])
  if (login === undefined) throw new Error('There is no account')
  const prepared = { login, filled: await fill(installation, login) }
  await writeFile(file, JSON.stringify(prepared))
  return prepared
}

/** `malle import` of an mbox. @returns messages a second. */
async function fill(installation: Installation, { address }: Login): Promise<number> {
  const file = path.join(installation.folder, 'large.mbox')
  const stream = createWriteStream(file)
  for (let number = 1; number <= messages; number += 1) {
    const text = textMessage(200 + ((number * 7_919) % (2 * Number(values.size))), number)
    const more = stream.write(
      `From sender@example.net Mon Nov 23 10:00:00 2026\n${text.toString('latin1')}\n`,
      'latin1',
    )
    if (!more) await once(stream, 'drain')
  }
  stream.end()
  await finished(stream)
  const begun = performance.now()
  await installation.verb('import', address, file, '--mailbox', 'INBOX')
  const rate = Math.round((messages / (performance.now() - begun)) * 1_000)
  console.log(`imported ${messages} messages, ${rate}/s`)
  return rate
}

interface Waits {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

function waitsOf(values: readonly number[]): Waits {
  return {
    count: values.length,
    p50: rounded(percentile(values, 0.5)),
    p99: rounded(percentile(values, 0.99)),
    max: rounded(Math.max(...values)),
  }
}

async function firstCommands(
  server: ServerProcess,
  login: Login,
): Promise<{ idle: Waits; busy: Waits; loopP99: number; times: Record<string, number> }> {
  await using probe = await startProbe(server.endpoint('imap'), login)
  await delay(1_000)
  const idle = waitsOf(await probe.take())
  await server.metric('nodejs_eventloop_lag_p99_seconds')
  const times: Record<string, number> = {}
  const imap = await RawImap.login(server.endpoint('imap'), login.address, login.password)
  const timed = async (name: string, command: string, rows: number): Promise<void> => {
    const begun = performance.now()
    const answer = await imap.ok(command)
    times[name] = rounded(performance.now() - begun)
    const got = rowsOf(answer.lines, answer.untagged)
    if (got !== rows) throw new Error(`${command} gave ${got} rows, not ${rows}`)
  }
  for (const round of ['cold', 'warm']) {
    await timed(`SELECT ${round}`, 'SELECT INBOX', 0)
    await timed(`FETCH flags ${round}`, 'UID FETCH 1:* (FLAGS)', messages)
    await timed(`SEARCH ALL ${round}`, 'UID SEARCH ALL', messages)
    await timed(`FETCH 200 envelopes ${round}`, `UID FETCH ${messages - 199}:* (UID FLAGS ENVELOPE)`, 200)
  }
  const busy = waitsOf(await probe.take())
  const loopP99 = rounded((await server.metric('nodejs_eventloop_lag_p99_seconds')) * 1_000 - TICK_MS)
  imap.close()
  return { idle, busy, loopP99, times }
}

function rowsOf(lines: readonly string[], untagged: Parameters<typeof fetched>[0]): number {
  const search = lines.find((line) => /^\* E?SEARCH /.test(line))
  if (search === undefined) return fetched(untagged).length
  const all = / ALL (\S+)/.exec(search)?.[1]
  return all === undefined ? search.split(' ').length - 2 : expandSet(all).length
}

async function sessions(
  server: ServerProcess,
  { address, password }: Login,
): Promise<{ readonly one: number; readonly all: number; readonly perSession: number }> {
  const open = async (): Promise<RawImap> => {
    const imap = await RawImap.login(server.endpoint('imap'), address, password)
    await imap.ok('SELECT INBOX')
    return imap
  }
  const clients = [await open()]
  await delay(2_000)
  const one = (await server.memory()).now
  while (clients.length < Number(values.sessions)) clients.push(await open())
  await delay(2_000)
  const all = (await server.memory()).now
  for (const client of clients) client.close()
  return { one, all, perSession: Math.round((all - one) / (clients.length - 1)) }
}
