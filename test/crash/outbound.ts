/**
 * Kills the server again and again while it sends, and looks whether a message was lost or came twice without a reason.
 *
 * ```
 * node test/crash/outbound.ts --rounds 50 [--seed 1] [--clients 4] [--least 300] [--most 1500]
 * ```
 * Clients hand over mail for four domains by an alias, all the while; the mail server of those domains defers, refuses and
 * drops connections at random. Each round: start, load for a while, SIGKILL. At the end the server drains its queue, and
 * each message that was acknowledged must have arrived or come back. One that arrived twice must have been on the wire
 * when a connection broke or the server was killed. Exit 1 when anything is not as it must be. @module
 */
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { loadConfig } from '#config/load.ts'
import { askControl } from '#server/control.ts'
import { openAdministration } from '#server/open-administration.ts'
import { MailSink, type SinkMessage, type SinkStep } from '#testing/mail-sink.ts'
import { Random } from '#testing/random.ts'
import { startZoneServer } from '#testing/zone-server.ts'
import { type Endpoint, Installation } from './server-process.ts'

export interface OutboundKillOptions {
  readonly folder: string
  readonly rounds: number
  readonly seed: number
  readonly clients: number
  /** Milliseconds of load in a round. */
  readonly least: number
  readonly most: number
  readonly tell: (line: string) => void
}

export interface OutboundKillReport {
  readonly kills: number
  /** Messages with 250, recipients of theirs elsewhere, and what became of those. */
  readonly acknowledged: number
  readonly recipients: number
  readonly delivered: number
  readonly bounced: number
  /** Copies beyond the first: the other server broke the connection, or we were killed with its 250 on the way. */
  readonly twiceByDrop: number
  readonly twiceByKill: number
  /** Of the latter, how long before the kill the 250 was said, at most. */
  readonly longestMs: number
  /** What the other server did on purpose. */
  readonly mischief: Readonly<Record<string, number>>
  readonly faults: readonly string[]
  readonly seconds: number
}

const DOMAINS = 4
const SENDER = 'ann@back.example'
/** A 250 is recorded before so much time has passed, on the slowest machine. */
const IN_FLIGHT_MS = 2_000
/** What had left when the server was killed is seen a little later; another server needs longer to start. */
const ON_THE_WIRE_MS = 500
const DRAIN_MS = 120_000
const LEAST_ACKNOWLEDGED = 5
const PATIENCE_MS = 30_000

interface Arrival {
  readonly message: SinkMessage
  readonly at: number
  readonly dropped: boolean
}

/** What is sent under one name: the alias, and where it leads. */
function targetsOf(alias: number): readonly string[] {
  const one = `u${alias}@d${alias % DOMAINS}.example`
  return alias % 3 === 0 ? [one, `v${alias}@d${(alias + 1) % DOMAINS}.example`] : [one]
}

const ALIASES = 12
const ALL = { ids: null, account: null, domain: null, held: null }

/** A mail server with moods. */
class Unruly {
  readonly arrivals: Arrival[] = []
  readonly mischief: Record<string, number> = {}
  tame = false
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  async answer(step: SinkStep, argument: string): Promise<string | undefined> {
    if (this.tame) return undefined
    if (step === 'message') await delay(this.#random.below(20))
    const choice = MOODS.find(([at, share]) => at === step && this.#random.chance(share))
    if (choice === undefined) return undefined
    // nobody is told of a report that is refused for good
    const isReport = step === 'rcpt' ? argument.includes(SENDER) : /^Auto-Submitted: /m.test(argument)
    if (choice[2].startsWith('5') && isReport) return undefined
    const [, , answer] = choice
    const name = `${step} ${answer.slice(0, 13)}`
    this.mischief[name] = (this.mischief[name] ?? 0) + 1
    return answer
  }

  kept(message: SinkMessage, dropped: boolean): void {
    this.arrivals.push({ message, at: performance.now(), dropped })
  }
}

const MOODS: readonly (readonly [SinkStep, number, string])[] = [
  ['connect', 0.02, '421 4.3.2 busy'],
  ['connect', 0.02, 'drop'],
  ['mail', 0.02, '451 4.3.0 not now'],
  ['mail', 0.02, 'drop'],
  ['rcpt', 0.06, '451 4.2.0 later'],
  ['rcpt', 0.04, '550 5.1.1 nobody'],
  ['data', 0.02, 'drop'],
  ['message', 0.03, '452 4.3.1 full'],
  ['message', 0.03, '554 5.6.0 never'],
  ['message', 0.04, 'drop'],
  ['message', 0.04, 'keep-and-drop'],
]

export async function killOutbound(options: OutboundKillOptions): Promise<OutboundKillReport> {
  const begun = performance.now()
  const random = new Random(options.seed)
  const unruly = new Unruly(random)
  await using sink = await MailSink.start({
    answer: (step, argument) => unruly.answer(step, argument),
    kept: (one, dropped) => unruly.kept(one, dropped),
  })
  await using zone = await startZoneServer(
    ['back', ...Array.from({ length: DOMAINS }, (_, n) => `d${n}`)]
      .map((name) => `$ORIGIN ${name}.example.\n@ MX 10 mx\nmx A 127.0.0.1\n`)
      .join(''),
  )
  const installation = await Installation.make(options.folder)
  await appendFile(
    installation.config,
    `[smtp]\nchecks = false\n[dns]\nservers = ["${zone.server.host}:${zone.server.port}"]\n` +
      `[queue]\nport = ${sink.port}\nretry_minutes = [1]\n`,
  )
  await makeAliases(installation)
  const acknowledged = new Map<string, readonly string[]>()
  const kills: number[] = []
  let next = 0
  for (let round = 1; round <= options.rounds; round += 1) {
    const server = await installation.serve()
    // what was deferred need not wait for its minute
    await askControl(installation.data, 'queue.retry', ALL)
    const stop = new AbortController()
    const clients = Array.from({ length: options.clients }, () =>
      client(
        server.endpoint('smtp'),
        stop.signal,
        (alias) => {
          next += 1
          return { name: `m-${next}`, alias }
        },
        acknowledged,
      ),
    )
    // a slow machine takes its time until something happens
    const enough = acknowledged.size + LEAST_ACKNOWLEDGED
    const end = performance.now() + PATIENCE_MS
    while (acknowledged.size < enough && performance.now() < end) await delay(10)
    await delay(random.between(options.least, options.most))
    kills.push(performance.now())
    await server.kill()
    stop.abort()
    await Promise.all(clients)
    options.tell(`round ${round}: ${acknowledged.size} acknowledged, ${unruly.arrivals.length} arrivals`)
  }
  unruly.tame = true
  const server = await installation.serve()
  const left = await drained(installation)
  await server.stop()
  return {
    ...verdict(acknowledged, unruly, kills, left),
    kills: kills.length,
    seconds: (performance.now() - begun) / 1000,
  }
}

async function makeAliases(installation: Installation): Promise<void> {
  const config = await loadConfig(installation.config)
  if (!config.ok) throw new Error(`The configuration is wrong: ${JSON.stringify(config.error)}`)
  await using administration = await openAdministration(config.value)
  await administration.ask('domain.add', { name: 'example.org', dkim: false })
  for (let alias = 0; alias < ALIASES; alias += 1) {
    await administration.ask('alias.set', {
      address: `to${alias}@example.org`,
      targets: targetsOf(alias),
      create: true,
    })
  }
}

/** Hands over one message after the other, until the connection breaks. */
async function client(
  { host, port }: Endpoint,
  signal: AbortSignal,
  name: (alias: number) => { readonly name: string; readonly alias: number },
  acknowledged: Map<string, readonly string[]>,
): Promise<void> {
  const lines = new Lines(connect({ host, port }))
  try {
    await lines.reply()
    await lines.say('EHLO client.example')
    for (let n = 0; !signal.aborted; n += 1) {
      const message = name(n % ALIASES)
      await lines.say(`MAIL FROM:<${SENDER}>`)
      await lines.say(`RCPT TO:<to${message.alias}@example.org>`)
      await lines.say('DATA')
      const reply = await lines.say(`From: ${SENDER}\r\nSubject: ${message.name}.\r\n\r\n${'text '.repeat(100)}\r\n.`)
      if (reply.startsWith('250')) acknowledged.set(message.name, targetsOf(message.alias))
    }
  } catch (error) {
    if (!(error instanceof Closed)) throw error
  } finally {
    lines.close()
  }
}

class Closed extends Error {}

/** Speaks SMTP a line at a time. */
class Lines {
  readonly #socket: Socket
  #text = ''
  #closed = false
  #wake = (): void => undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#closed = true
      this.#wake()
    })
  }

  say(line: string): Promise<string> {
    this.#socket.write(`${line}\r\n`)
    return this.reply()
  }

  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*(\d{3} [^\n]*)\n/.exec(this.#text)
      if (match !== null) {
        this.#text = this.#text.slice(match[0].length)
        return match[1] ?? ''
      }
      if (this.#closed) throw new Closed('The connection is closed')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** Lets the server send until nothing waits. @returns how many messages still do when that takes too long. */
async function drained({ data }: Installation): Promise<number> {
  const end = performance.now() + DRAIN_MS
  for (;;) {
    await askControl(data, 'queue.retry', ALL)
    await delay(300)
    const answer = await askControl(data, 'queue.list', { ...ALL, limit: 10_000 })
    const left = Array.isArray(answer?.value) ? answer.value.length : 0
    if (left === 0 || performance.now() > end) return left
  }
}

/** Of a message of ours that comes back, or of a message itself. */
function nameIn(body: Buffer): string {
  return /^Subject: (m-\d+)\.\r?$/m.exec(body.toString('latin1'))?.[1] ?? ''
}

function verdict(
  acknowledged: ReadonlyMap<string, readonly string[]>,
  { arrivals, mischief }: Unruly,
  kills: readonly number[],
  left: number,
): Omit<OutboundKillReport, 'kills' | 'seconds'> {
  const faults: string[] = left === 0 ? [] : [`${left} messages are still in the queue`]
  const copies = new Map<string, Arrival[]>()
  const note = (key: string, arrival: Arrival): void => void copies.set(key, [...(copies.get(key) ?? []), arrival])
  const back = new Set<string>()
  for (const arrival of arrivals) {
    const { from, to, body } = arrival.message
    const name = nameIn(body)
    if (from !== '') for (const { address } of to) note(`${name} ${address}`, arrival)
    else {
      const text = body.toString('latin1')
      for (const [, address] of text.matchAll(/^Final-Recipient: rfc822; (\S+)\r\nAction: failed\r$/gm)) {
        back.add(`${name} ${address}`)
        note(`report of ${name} ${address}`, arrival)
      }
    }
  }
  let [delivered, bounced, recipients] = [0, 0, 0]
  for (const [name, targets] of acknowledged) {
    for (const address of targets) {
      recipients += 1
      const key = `${name} ${address}`
      if (copies.has(key)) delivered += 1
      else if (back.has(key)) bounced += 1
      else faults.push(`${key} is lost`)
    }
  }
  let [twiceByDrop, twiceByKill, longestMs] = [0, 0, 0]
  for (const [key, all] of copies) {
    for (const [index, copy] of all.slice(0, -1).entries()) {
      const again = all[index + 1]
      const kill = kills.find((at) => at >= copy.at - ON_THE_WIRE_MS && at <= (again?.at ?? 0))
      if (copy.dropped) twiceByDrop += 1
      else if (kill !== undefined && kill - copy.at <= IN_FLIGHT_MS) {
        twiceByKill += 1
        longestMs = Math.max(longestMs, Math.round(kill - copy.at))
      } else faults.push(`${key} arrived twice without a reason: ${all.map(({ at }) => Math.round(at)).join(', ')} ms`)
    }
  }
  return {
    acknowledged: acknowledged.size,
    recipients,
    delivered,
    bounced,
    twiceByDrop,
    twiceByKill,
    longestMs,
    mischief,
    faults,
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '50' },
      seed: { type: 'string', default: '1' },
      clients: { type: 'string', default: '4' },
      least: { type: 'string', default: '300' },
      most: { type: 'string', default: '1500' },
    },
  })
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-kill-out-'))
  const report = await killOutbound({
    folder,
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    clients: Number(values.clients),
    least: Number(values.least),
    most: Number(values.most),
    tell: (line) => process.stderr.write(`${line}\n`),
  })
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
  if (report.faults.length === 0) await rm(folder, { recursive: true })
  else {
    process.stderr.write(`The data is kept in ${folder}\n`)
    process.exitCode = 1
  }
}

if (import.meta.main) await main()
