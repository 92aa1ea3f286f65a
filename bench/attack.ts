/**
 * Logins of people while others guess passwords and hold connections open: their p50 and p99 in quiet, then under the
 * attack, and the server's memory.
 *
 * ```
 * node bench/attack.ts [--seconds 60] [--attackers 200] [--slow 500]
 * ```
 * Every attacker has an address and a network of its own (127.x.y.1): half of them guess at `ann`, who logs in all the
 * while, the others at names that are nobody's. Of the slow ones, half stop in the middle of a TLS handshake, half send
 * one octet of a command every few seconds. All come back at once when they are sent away. @module
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { parseArgs } from 'node:util'
import { loadConfig } from '#config/load.ts'
import { openAdministration } from '#server/open-administration.ts'
import { inFolder, megabytes, percentile, report, rounded } from './kit.ts'
import { Installation } from './raw.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    attackers: { type: 'string', default: '200' },
    slow: { type: 'string', default: '500' },
    ports: { type: 'string' },
  },
})
const seconds = Number(values.seconds)
const attackers = Number(values.attackers)
const slow = Number(values.slow)

/** Logins a second of ann, and of people who were not seen before. */
const KNOWN_PER_SECOND = 5
const NEW_PER_SECOND = 1
const QUIET_SECONDS = 10
const BACK_AFTER_MS = 50
const OCTET_EVERY_MS = 5_000
const PASSWORD = 'correct horse battery staple'

interface Ports {
  readonly imap: number
  readonly imaps: number
}

if (values.ports === undefined) await inFolder(measure)
else attack(JSON.parse(values.ports) as Ports)

// --- people ---

async function measure(folder: string): Promise<void> {
  const installation = await Installation.make(folder)
  await writeFile(
    installation.config,
    [
      'hostname = "mail.example.org"\ndata = "data"',
      '[listen]\nimap = ["127.0.0.1:0"]\nimaps = ["127.0.0.1:0"]',
      '[auth]\nallow_plaintext = true\n[log]\nlevel = "error"\n[workers]\ncount = 1\n',
    ].join('\n'),
  )
  const people = Array.from({ length: (QUIET_SECONDS + seconds) * NEW_PER_SECOND }, (_, n) => `new${n}`)
  await addPeople(installation.config, ['ann', ...people])
  const server = await installation.serve()
  const ports = { imap: server.endpoint('imap').port, imaps: server.endpoint('imaps').port }
  const newcomers = people.values()
  const quiet = await logins(ports, newcomers, QUIET_SECONDS)
  const before = await resident(server.pid)
  const attacker = fork(import.meta.filename, ['--ports', JSON.stringify(ports), ...process.argv.slice(2)])
  let peak = before
  const watching = setInterval(() => void resident(server.pid).then((now) => (peak = Math.max(peak, now))), 500)
  const attacked = await logins(ports, newcomers, seconds)
  clearInterval(watching)
  const guesses = await called(attacker)
  await server.stop()
  const [known, fresh] = [summary(attacked.known), summary(attacked.fresh)]
  report(
    'attack',
    `${attackers} attackers and ${slow} slow connections for ${seconds} s, ${guesses.tries} guesses: login of who is known p50 ${known.p50} ms, p99 ${known.p99} ms (quiet ${summary(quiet.known).p99}), of who is new p50 ${fresh.p50} ms, p99 ${fresh.p99} ms (quiet ${summary(quiet.fresh).p99}); ${attacked.failed} failed; memory ${megabytes(before)}, at most ${megabytes(peak)}`,
    {
      seconds,
      attackers,
      slow,
      ...guesses,
      quiet: { known: summary(quiet.known), fresh: summary(quiet.fresh) },
      attacked: { known, fresh },
      failed: attacked.failed + quiet.failed,
      residentBefore: before,
      residentPeak: peak,
      met: known.p99 < 500 && fresh.p99 < 500 && attacked.failed === 0,
    },
  )
}

async function addPeople(file: string, names: readonly string[]): Promise<void> {
  const config = await loadConfig(file)
  if (!config.ok) throw new Error(`The configuration is wrong: ${JSON.stringify(config.error)}`)
  await using administration = await openAdministration(config.value)
  await administration.ask('domain.add', { name: 'example.org' })
  for (const name of names) {
    await administration.ask('account.add', { address: `${name}@example.org`, password: PASSWORD })
  }
}

interface Logins {
  /** Milliseconds from the connection to OK. */
  readonly known: number[]
  readonly fresh: number[]
  failed: number
}

/** Ann's phone, and every second somebody whose password nobody has checked yet. */
async function logins(ports: Ports, newcomers: Iterator<string>, duration: number): Promise<Logins> {
  const result: Logins = { known: [], fresh: [], failed: 0 }
  const running: Promise<void>[] = []
  const begin = (into: number[], name: string, from: string): void => {
    const one = logIn(ports.imaps, `${name}@example.org`, from).then(
      (ms) => void into.push(ms),
      (error: unknown) => {
        console.error(`${name}: ${String(error)}`)
        result.failed += 1
      },
    )
    running.push(one)
  }
  for (let n = 0; n < duration * KNOWN_PER_SECOND; n += 1) {
    begin(result.known, 'ann', '127.2.0.1')
    if (n % (KNOWN_PER_SECOND / NEW_PER_SECOND) === 0) {
      const { value, done } = newcomers.next()
      if (done !== true) begin(result.fresh, value, `127.3.${running.length % 250}.1`)
    }
    await pause(1_000 / KNOWN_PER_SECOND)
  }
  await Promise.all(running)
  return result
}

async function logIn(port: number, address: string, localAddress: string): Promise<number> {
  const start = performance.now()
  const plain = connect({ port, host: '127.0.0.1', localAddress })
  const socket = connectTls({ socket: plain, rejectUnauthorized: false })
  try {
    await answered(socket, /^\* OK/)
    socket.write(`a LOGIN ${address} "${PASSWORD}"\r\n`)
    const answer = await answered(socket, /^a (?:OK|NO|BAD).*/m)
    if (!answer.startsWith('a OK')) throw new Error(answer)
    return performance.now() - start
  } finally {
    socket.destroy()
  }
}

/** Reads on until the text is there. */
async function answered(socket: Socket, text: RegExp): Promise<string> {
  let read = ''
  for (;;) {
    const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(30_000) })) as [Buffer]
    read += chunk.toString('latin1')
    const found = text.exec(read)
    if (found !== null && read.endsWith('\n')) return found[0]
  }
}

function summary(times: readonly number[]): { readonly n: number; readonly p50: number; readonly p99: number } {
  return { n: times.length, p50: rounded(percentile(times, 0.5)), p99: rounded(percentile(times, 0.99)) }
}

async function resident(pid: number): Promise<number> {
  const status = await readFile(path.join('/proc', String(pid), 'status'), 'latin1')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}

// --- attackers, in a process of their own ---

interface Guesses {
  readonly tries: number
  readonly answered: number
  readonly connections: number
}

async function called(attacker: ChildProcess): Promise<Guesses> {
  const answer = once(attacker, 'message')
  attacker.send('enough')
  const [guesses] = (await answer) as [Guesses]
  attacker.kill('SIGKILL')
  return guesses
}

function attack(ports: Ports): void {
  const counts = { tries: 0, answered: 0, connections: 0 }
  for (let n = 0; n < attackers; n += 1) void guess(n)
  for (let n = 0; n < slow; n += 1) void dawdle(n)
  process.on('message', () => process.send?.(counts))

  async function guess(n: number): Promise<void> {
    const localAddress = `127.${10 + Math.floor(n / 250)}.${n % 250}.1`
    const login = n % 2 === 0 ? 'ann@example.org' : `nobody${n}@example.org`
    for (;;) {
      const socket = connect({ port: ports.imap, host: '127.0.0.1', localAddress })
      counts.connections += 1
      socket.on('data', (chunk) => {
        if (/^(?:\* OK|a NO)/m.test(chunk.toString('latin1'))) {
          counts.tries += 1
          socket.write(`a LOGIN ${login} guess${counts.tries}\r\n`)
        }
        if (/^a NO \[AUTHENTICATIONFAILED\]/m.test(chunk.toString('latin1'))) counts.answered += 1
      })
      await gone(socket)
      await pause(BACK_AFTER_MS)
    }
  }

  async function dawdle(n: number): Promise<void> {
    const port = n % 2 === 0 ? ports.imaps : ports.imap
    const localAddress = `127.${100 + Math.floor(n / 250)}.${n % 250}.1`
    const says = n % 2 === 0 ? Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]) : Buffer.from('a LOGIN "ann')
    for (;;) {
      const socket = connect({ port, host: '127.0.0.1', localAddress })
      let said = 0
      const speaking = setInterval(
        () => socket.write(says.subarray(said % says.length, (said++ % says.length) + 1)),
        OCTET_EVERY_MS,
      )
      await gone(socket)
      clearInterval(speaking)
      await pause(BACK_AFTER_MS)
    }
  }
}

async function gone(socket: Socket): Promise<void> {
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('close', resolve))
}
