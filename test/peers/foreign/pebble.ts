/** Debian's pebble, an authority for tests of ACME: its names come from a server of zones, nothing leaves loopback. @module */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { selfMadeCertificate } from '#server/self-made-certificate.ts'
import { PROGRAM_PATH } from '../install.ts'
import { freePort } from '../ports.ts'

const START_MS = 20_000

export interface PebbleOptions {
  /** Where it looks for what is shown. */
  readonly httpPort: number
  readonly tlsPort: number
  readonly dns: { readonly host: string; readonly port: number }
  /** Life of its certificates. */
  readonly seconds: number
}

export interface Pebble extends AsyncDisposable {
  readonly directory: string
  /** Path of the certificate to trust when it is spoken with. */
  readonly ca: string
  /** What it signs with at last, PEM. */
  root(): Promise<string>
  readonly log: readonly string[]
}

export async function startPebble({ httpPort, tlsPort, dns, seconds }: PebbleOptions): Promise<Pebble> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-pebble-'))
  const own = await selfMadeCertificate(folder, ['localhost', '127.0.0.1'])
  const [port, management] = [await freePort(), await freePort()]
  const config = path.join(folder, 'pebble.json')
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: own.cert,
    privateKey: own.key,
    httpPort,
    tlsPort,
    externalAccountBindingRequired: false,
    certificateValidityPeriod: seconds,
  }
  await writeFile(config, JSON.stringify({ pebble }))
  const child = spawn('pebble', ['-config', config, '-dnsserver', `${dns.host}:${dns.port}`], {
    // a fifth of its nonces is refused, nothing is remembered of names that were ours before
    env: { PATH: PROGRAM_PATH, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '20', PEBBLE_AUTHZREUSE: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  process.on('exit', () => child.kill('SIGKILL'))
  const log: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => log.push(bytes.toString()))
  const ca = await readFile(own.ca, 'utf8')
  const directory = `https://127.0.0.1:${port}/dir`
  try {
    await answers(child, directory, ca, log)
  } catch (error) {
    child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  return {
    directory,
    ca: own.ca,
    log,
    root: () => get(`https://127.0.0.1:${management}/roots/0`, ca),
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function answers(child: ChildProcess, url: string, ca: string, log: readonly string[]): Promise<void> {
  const end = Date.now() + START_MS
  for (;;) {
    try {
      await get(url, ca)
      return
    } catch (error) {
      if (child.exitCode !== null || Date.now() > end)
        throw new Error(`pebble does not start\n${log.join('')}`, { cause: error })
      await sleep(100)
    }
  }
}

function get(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca, agent: false }, (answer) => {
      text(answer).then(resolve, reject)
    })
    asked.on('error', reject)
    asked.end()
  })
}
