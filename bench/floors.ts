/**
 * What rows of the comparison could be at best: servers that do nothing but what nobody can leave out on this runtime, on
 * one core as there, with the driver on the other.
 *
 * ```
 * node bench/floors.ts [--rounds 5]
 * ```
 * @module
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { makeCertificate } from './compare/certificate.ts'
import { onServerCores, pinDriver } from './compare/cores.ts'
import { DriverLmtp, forLmtp } from './compare/lmtp-driver.ts'
import { plainMessage } from './compare/mail.ts'
import { cpuSeconds } from './compare/process-tree.ts'
import { type Openness, Wire } from './compare/wire.ts'
import { inFolder, percentile, report, rounded } from './kit.ts'
import type { Endpoint } from './raw.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } })
const SERVER = new URL('floors/bare-server.ts', import.meta.url).pathname
const LOGINS = 1_000
const LINES = 4_000
const MESSAGES = 2_000
const MESSAGE_OCTETS = 10_000
/** As in the comparison: `login/tls-10`, `delivery/10k-20-many`. */
const LOGINS_AT_ONCE = 10
const SENDERS = 20

/** Medians of the rounds. */
interface Floor {
  readonly perSecond: number
  /** Of the server, for one. */
  readonly cpuMs: number
}

await inFolder(async (folder) => {
  pinDriver()
  await makeCertificate(folder)
  await withServer('tls', folder, async (endpoint, pid) => {
    const full = await measured(pid, LOGINS, () => logIn(endpoint, { tls: true }))
    const session = await sessionOf(endpoint)
    const resumed = await measured(pid, LOGINS, () => logIn(endpoint, { tls: true, session }))
    const gain = rounded(resumed.perSecond / full.perSecond)
    const gainByCpu = rounded(full.cpuMs / resumed.cpuMs)
    report(
      'floors/tls',
      `connection over TLS 1.3, greeting, one line: ${said(full)}; resumed ${said(resumed)}, ${gain} times as many, ${gainByCpu} by CPU`,
      { full, resumed, gain, gainByCpu },
    )
  })
  for (const what of ['synced', 'synced-by-worker'])
    await withServer(what, folder, async (endpoint, pid) => {
      const wire = await Wire.open(endpoint)
      const floor = await measured(pid, LINES, async () => {
        for (let line = 0; line < LINES; line += 1) await wire.ask('a UID STORE 1 +FLAGS (\\Flagged)\r\n', 'OK')
      })
      wire.close()
      report(`floors/${what}`, `a line, five pages written and synced, the answer: ${said(floor)}`, { ...floor })
    })
  await withServer('lmtp', folder, async (endpoint, pid) => {
    const messages = Array.from({ length: MESSAGES }, (_, number) => forLmtp(plainMessage(number, MESSAGE_OCTETS)))
    const floor = await measured(pid, MESSAGES, () => deliver(endpoint, messages))
    report('floors/lmtp', `10 KB taken by the SMTP engine and forgotten: ${said(floor)}`, { ...floor })
  })
})

function said({ perSecond, cpuMs }: Floor): string {
  return `${perSecond} a second, ${cpuMs} ms of CPU each`
}

async function withServer(
  what: string,
  folder: string,
  work: (endpoint: Endpoint, pid: number) => Promise<void>,
): Promise<void> {
  const [command, ...words] = [...onServerCores(false), process.execPath, SERVER, what, folder]
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  try {
    const [port] = (await once(createInterface(child.stdout), 'line')) as [string]
    await work({ host: '127.0.0.1', port: Number(port) }, child.pid ?? 0)
  } finally {
    child.kill()
    await exit
  }
}

/** One round more than is counted: the first one's code has not run before. */
async function measured(pid: number, count: number, work: () => Promise<void>): Promise<Floor> {
  await work()
  const rates: number[] = []
  const costs: number[] = []
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const [cpu, begun] = [await cpuSeconds(pid), performance.now()]
    await work()
    rates.push((count * 1_000) / (performance.now() - begun))
    costs.push((((await cpuSeconds(pid)) - cpu) * 1_000) / count)
  }
  return { perSecond: Math.round(percentile(rates, 0.5)), cpuMs: rounded(percentile(costs, 0.5)) }
}

/** @throws when a session that was to be resumed was not. */
async function logIn(endpoint: Endpoint, openness: Openness): Promise<void> {
  await atOnce(LOGINS_AT_ONCE, LOGINS, async () => {
    const wire = await visit(endpoint, openness)
    if (wire.resumed !== (openness.session !== undefined)) throw new Error('TLS resumed, or did not')
    await wire.ended()
  })
}

async function sessionOf(endpoint: Endpoint): Promise<Buffer> {
  // the ticket of TLS 1.3 comes behind the handshake: by the answer it is there
  const { session } = await visit(endpoint, { tls: true })
  if (session === undefined) throw new Error('There is no session to resume')
  return session
}

/** Until the line has been answered. */
async function visit(endpoint: Endpoint, openness: Openness): Promise<Wire> {
  const wire = await Wire.open(endpoint, openness)
  await wire.ask('', '* OK')
  await wire.ask('a LOGOUT\r\n', '* BYE')
  return wire
}

async function deliver(endpoint: Endpoint, messages: readonly Buffer[]): Promise<void> {
  const senders = await Promise.all(
    Array.from({ length: SENDERS }, () => DriverLmtp.open({ endpoint: () => endpoint })),
  )
  let sender = 0
  await Promise.all(
    senders.map(async (lmtp) => {
      for (let at = sender++; at < messages.length; at += SENDERS)
        await lmtp.deliver(['somebody@example.org'], messages[at] ?? Buffer.alloc(0))
      lmtp.close()
    }),
  )
}

async function atOnce(lanes: number, count: number, work: () => Promise<void>): Promise<void> {
  let begun = 0
  const lane = async (): Promise<void> => {
    while (begun < count) {
      begun += 1
      await work()
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
