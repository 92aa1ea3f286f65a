/**
 * Mail for many domains goes through Malle and through Debian's Postfix, one after the other: submitted over 20 connections,
 * on disk before each 250, and sent on to a server that takes everything. Needs root and Debian's postfix.
 *
 * ```
 * node bench/outbound.ts [--messages 10000] [--domains 100] [--octets 10000] [--rounds 3] [--alone] [--profile DIR]
 * ```
 *
 * `--alone`: without Postfix. With `--profile` Malle leaves a CPU profile of each thread.
 *
 * The server is on core 0; the driver and the server that takes everything are this process, on core 1. Both servers have
 * five connections a domain and 100 in all; neither signs, and DNS is not asked: each domain is a port of its own.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Postfix, postfixLacking } from '../test/peers/foreign/postfix.ts'
import { pinDriver, SERVER_CORE } from './compare/cores.ts'
import { cpuSeconds, processTree, proportionalSetSize } from './compare/process-tree.ts'
import { Wire } from './compare/wire.ts'
import { inFolder, megabytes, rounded, textMessage } from './kit.ts'
import { type Endpoint, Installation, type ServerProcess } from './raw.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    domains: { type: 'string', default: '100' },
    octets: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    alone: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
})
const [messages, domains, octets, rounds] = [values.messages, values.domains, values.octets, values.rounds].map(
  Number,
) as [number, number, number, number]

const SUBMITTERS = 20
const CONNECTIONS = 100
const PER_DOMAIN = 5
const SENDER = 'ann@example.org'
const MEMORY_EVERY_MS = 500
const STUCK_MS = 300_000

/** Takes every message and counts it; a port a domain. */
class Sink implements AsyncDisposable {
  readonly ports: readonly number[]
  readonly #servers: readonly Server[]
  readonly #sockets = new Set<Socket>()
  #count = 0
  #waiting: { readonly until: number; readonly resolve: () => void } | undefined

  private constructor(servers: readonly Server[]) {
    this.#servers = servers
    this.ports = servers.map((server) => {
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('It does not listen')
      return address.port
    })
  }

  static async open(count: number): Promise<Sink> {
    const servers = Array.from({ length: count }, () => createServer({ noDelay: true }))
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))))
    const sink = new Sink(servers)
    for (const server of servers) server.on('connection', (socket) => sink.#serve(socket))
    return sink
  }

  /** Settles when so many more messages have come. */
  async take(count: number): Promise<void> {
    this.#count = 0
    const stuck = AbortSignal.timeout(STUCK_MS)
    await new Promise<void>((resolve, reject) => {
      this.#waiting = { until: count, resolve }
      stuck.addEventListener('abort', () => reject(new Error(`${this.#count} of ${count} messages came`)))
    })
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket))
    socket.write('220 sink.example.net ESMTP\r\n')
    let left = ''
    let inData = false
    socket.setEncoding('latin1').on('data', (text: string) => {
      left += text
      let answers = ''
      for (;;) {
        if (inData) {
          const end = left.indexOf('\r\n.\r\n')
          if (end < 0) {
            // only what may be the beginning of the end is kept
            left = left.slice(-4)
            break
          }
          left = left.slice(end + 5)
          inData = false
          answers += '250 2.0.0 Taken\r\n'
          this.#taken()
        }
        const end = left.indexOf('\r\n')
        if (end < 0) break
        const verb = left.slice(0, 4).toUpperCase()
        left = left.slice(end + 2)
        if (verb === 'EHLO')
          answers += '250-sink.example.net\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n'
        else if (verb === 'DATA') {
          inData = true
          // the end of a message may begin with the end of this line
          left = `\r\n${left}`
          answers += '354 Go on\r\n'
        } else if (verb === 'QUIT') {
          socket.end(`${answers}221 2.0.0 Bye\r\n`)
          return
        } else answers += '250 2.0.0 OK\r\n'
      }
      if (answers !== '') socket.write(answers)
    })
  }

  #taken(): void {
    this.#count += 1
    if (this.#count === this.#waiting?.until) this.#waiting.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}

interface Sender {
  readonly name: string
  readonly endpoint: Endpoint
  readonly pid: number
  /** Said after EHLO. */
  readonly login: string | undefined
}

interface Figures {
  readonly accepted: number
  readonly sent: number
  readonly cpuMs: number
  readonly memory: number
}

const missing = values.alone ? false : postfixLacking()
if (missing !== false) throw new Error(missing)
await inFolder(measure)

async function measure(folder: string): Promise<void> {
  pinDriver()
  await using sink = await Sink.open(domains)
  await using postfix = values.alone ? undefined : await startPostfix(sink)
  const { server: malle, login } = await startMalle(folder, sink)
  const senders: Sender[] = [{ name: 'Malle', endpoint: malle.endpoint('submission'), pid: malle.pid, login }]
  if (postfix !== undefined)
    senders.push({
      name: 'Postfix',
      endpoint: { host: '127.0.0.1', port: postfix.port },
      pid: postfix.pid,
      login: undefined,
    })
  const figures = new Map<string, Figures[]>()
  for (let round = 0; round < rounds; round += 1)
    for (const sender of senders) {
      for (const pid of await processTree(sender.pid))
        spawnSync('taskset', ['-a', '-p', '-c', String(SERVER_CORE), String(pid)])
      const one = await send(sender, sink)
      figures.set(sender.name, [...(figures.get(sender.name) ?? []), one])
      console.error(sender.name, one)
    }
  await malle.stop()
  print(figures)
}

async function send({ endpoint, pid, login }: Sender, sink: Sink): Promise<Figures> {
  const lines = await Promise.all(Array.from({ length: SUBMITTERS }, () => open(endpoint, login)))
  const bodies = Array.from({ length: messages }, (_, number) => messageOf(number))
  let memory = 0
  const watching = setInterval(() => {
    void proportionalSetSize(pid).then((size) => {
      memory = Math.max(memory, size)
    })
  }, MEMORY_EVERY_MS)
  const cpu = await cpuSeconds(pid)
  const begun = performance.now()
  const taken = sink.take(messages)
  let next = 0
  const submit = async (line: Wire): Promise<void> => {
    for (let number = next++; number < messages; number = next++) {
      await say(line, `MAIL FROM:<${SENDER}>\r\n`, '250')
      await say(line, `RCPT TO:<someone@d${number % domains}.example>\r\n`, '250')
      await say(line, 'DATA\r\n', '354')
      await say(line, bodies[number] ?? '', '250')
    }
    line.close()
  }
  await Promise.all(lines.map(submit))
  const accepted = performance.now() - begun
  await taken
  const sent = performance.now() - begun
  clearInterval(watching)
  return {
    accepted: rounded((messages * 1_000) / accepted),
    sent: rounded((messages * 1_000) / sent),
    cpuMs: rounded((((await cpuSeconds(pid)) - cpu) * 1_000) / messages),
    memory,
  }
}

/** With the end of DATA. */
function messageOf(number: number): Buffer {
  const text = textMessage(octets, number)
    .toString('latin1')
    .replace(/^From: .*$/m, `From: Ann <${SENDER}>`)
  return Buffer.from(`${text}.\r\n`)
}

async function say(line: Wire, octets: string | Buffer, expected: string): Promise<void> {
  const answer = await line.ask(octets, '')
  if (!answer.line.startsWith(expected)) throw new Error(`A message was answered ${answer.line}`)
}

async function open(endpoint: Endpoint, login: string | undefined): Promise<Wire> {
  const line = await Wire.open(endpoint)
  await line.ask('', '220')
  await line.ask('EHLO client.example.net\r\n', '250 ')
  if (login !== undefined) await line.ask(login, '235')
  return line
}

function startPostfix(sink: Sink): Promise<Postfix> {
  const transports = sink.ports.map((port, number) => `/@d${number}\\.example$/ smtp:[127.0.0.1]:${port}\n`).join('')
  return Postfix.start({
    main: `transport_maps = regexp:$config_directory/transports
default_process_limit = ${CONNECTIONS}
smtp_destination_concurrency_limit = ${PER_DOMAIN}
initial_destination_concurrency = ${PER_DOMAIN}
smtp_connection_cache_on_demand = yes
in_flow_delay = 0
`,
    files: { transports },
  })
}

async function startMalle(folder: string, sink: Sink): Promise<{ server: ServerProcess; login: string }> {
  const routes = sink.ports.map(
    (port, number) =>
      `[[route]]\ndomain = "d${number}.example"\nhost = "127.0.0.1"\nport = ${port}\nsecurity = "none"\n`,
  )
  const queue = `[queue]\nconnections = ${CONNECTIONS}\nconnections_per_destination = ${PER_DOMAIN}\n`
  const limits = '[submission]\nmessages_per_day = 0\nrecipients_per_day = 0\noutburst = 0\n'
  const installation = await Installation.make(path.join(folder, 'malle'), { more: queue + limits + routes.join('') })
  const [account] = await installation.addAccounts(['ann'])
  if (account === undefined) throw new Error('There is no account')
  const login = Buffer.from(`\0${account.address}\0${account.password}`).toString('base64')
  // with the size given, the launcher does not begin again, which a running profile does not survive
  const nodeArguments =
    values.profile === undefined
      ? []
      : ['--max-semi-space-size=16', '--cpu-prof', `--cpu-prof-dir=${path.resolve(values.profile)}`]
  return { server: await installation.serve({ nodeArguments }), login: `AUTH PLAIN ${login}\r\n` }
}

function print(figures: ReadonlyMap<string, readonly Figures[]>): void {
  console.log(`${messages} messages of ${octets} octets to ${domains} domains, medians of ${rounds} rounds\n`)
  console.log('| | taken a second | sent a second | CPU ms a message | memory |\n| --- | --- | --- | --- | --- |')
  for (const [name, all] of figures) {
    const median = (of: (one: Figures) => number): number => all.map(of).toSorted((a, b) => a - b)[all.length >> 1] ?? 0
    console.log(
      `| ${name} | ${median((one) => one.accepted)} | ${median((one) => one.sent)} | ${median((one) => one.cpuMs)} | ${megabytes(median((one) => one.memory))} |`,
    )
  }
  console.log(
    JSON.stringify({ bench: 'outbound', messages, domains, octets, rounds, figures: Object.fromEntries(figures) }),
  )
}
