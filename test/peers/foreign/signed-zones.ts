/** DNSSEC for tests: zones signed by Debian's ldns, served by its NSD, validated by its unbound; all on loopback. @module */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openResolver } from '#adapters/dns/dns-resolver.ts'
import { PROGRAM_PATH } from '../install.ts'
import { freePort } from '../ports.ts'
import { installed, why } from './debian.ts'

const START_MS = 20_000

/** @returns what to give to `skip`. @throws under CI */
export function signedZonesLacking(): string | false {
  const unbound = installed(() => existsSync('/usr/sbin/unbound'), ['unbound'], '/run/unbound.pid')
  const nsd = installed(() => existsSync('/usr/sbin/nsd'), ['nsd'], '/run/nsd/nsd.pid')
  const ldns = installed(() => existsSync('/usr/bin/ldns-signzone'), ['ldnsutils'], '/nonexistent')
  return why('unbound, NSD or ldns', unbound ?? nsd ?? ldns)
}

export interface ZoneToServe {
  /** `example.org`; its text has no SOA and NS. */
  readonly name: string
  readonly text: string
  /** Absent: not signed. Else what becomes of the signed zone: as it is, or spoilt. */
  readonly signed?: (zone: string) => string
}

/** A resolver that validates, above an authoritative server. */
export class SignedZones implements AsyncDisposable {
  /** As in the configuration's `dns.servers`. */
  readonly server: { readonly host: string; readonly port: number }
  readonly #folder: string
  readonly #children: readonly ChildProcess[]

  private constructor(folder: string, port: number, children: readonly ChildProcess[]) {
    this.server = { host: '127.0.0.1', port }
    this.#folder = folder
    this.#children = children
  }

  static async start(zones: readonly ZoneToServe[]): Promise<SignedZones> {
    const folder = await mkdtemp(path.join(tmpdir(), 'malle-dnssec-'))
    const anchors: string[] = []
    for (const zone of zones) anchors.push(...(await writeZone(folder, zone)))
    const [authority, resolver] = [await freePort(), await freePort()]
    await writeFile(path.join(folder, 'nsd.conf'), nsdConf(folder, authority, zones))
    await writeFile(path.join(folder, 'unbound.conf'), unboundConf(folder, resolver, authority, zones, anchors))
    const children = [
      begin('nsd', ['-d', '-c', path.join(folder, 'nsd.conf')]),
      begin('unbound', ['-d', '-c', path.join(folder, 'unbound.conf')]),
    ]
    const made = new SignedZones(folder, resolver, children)
    await made.#ready(zones[0]?.name ?? '')
    return made
  }

  /** What they wrote about themselves. */
  async log(): Promise<string> {
    const read = (name: string) => readFile(path.join(this.#folder, name), 'utf8').catch(() => '')
    return `${await read('nsd.log')}\n${await read('unbound.log')}`
  }

  async #ready(name: string): Promise<void> {
    const until = Date.now() + START_MS
    while (Date.now() < until && this.#children.every((child) => child.exitCode === null)) {
      const dns = openResolver({ servers: [this.server], trustAd: 'loopback', timeoutMs: 500 })
      if ((await dns.ns(name)).ok) return
      await pause(50)
    }
    const log = await this.log()
    await this[Symbol.asyncDispose]()
    throw new Error(`NSD or unbound did not start: ${log}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** @returns the keys that a resolver may begin with. */
async function writeZone(folder: string, { name, text, signed }: ZoneToServe): Promise<string[]> {
  const head = `$ORIGIN ${name}.\n$TTL 0\n@ SOA ns hostmaster 1 3600 600 86400 0\n@ NS ns\nns A 127.0.0.1\n`
  const file = path.join(folder, `${name}.zone`)
  await writeFile(file, `${head}${text}\n`)
  if (signed === undefined) return []
  const key = run(folder, 'ldns-keygen', ['-a', 'ECDSAP256SHA256', '-k', name]).trim()
  run(folder, 'ldns-signzone', ['-f', file, file, key])
  await writeFile(file, signed(await readFile(file, 'utf8')))
  return [(await readFile(path.join(folder, `${key}.key`), 'utf8')).trim()]
}

function nsdConf(folder: string, port: number, zones: readonly ZoneToServe[]): string {
  const server = `server:
  ip-address: 127.0.0.1@${port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  pidfile: "${folder}/nsd.pid"
  xfrdfile: "${folder}/xfrd.state"
  xfrdir: "${folder}"
  zonelistfile: "${folder}/zone.list"
  logfile: "${folder}/nsd.log"
remote-control:
  control-enable: no
`
  return server + zones.map(({ name }) => `zone:\n  name: "${name}"\n  zonefile: "${name}.zone"\n`).join('')
}

function unboundConf(
  folder: string,
  port: number,
  authority: number,
  zones: readonly ZoneToServe[],
  anchors: readonly string[],
): string {
  const server = `server:
  interface: 127.0.0.1
  port: ${port}
  do-ip6: no
  do-not-query-localhost: no
  num-threads: 1
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: "${folder}/unbound.pid"
  use-syslog: no
  logfile: "${folder}/unbound.log"
  module-config: "validator iterator"
  ede: yes
${anchors.map((one) => `  trust-anchor: '${one.replaceAll('\t', ' ').replace(/;.*$/, '').trim()}'\n`).join('')}
remote-control:
  control-enable: no
`
  const stub = ({ name }: ZoneToServe): string =>
    `stub-zone:\n  name: "${name}"\n  stub-addr: 127.0.0.1@${authority}\n  stub-prime: no\n`
  return server + zones.map(stub).join('')
}

function begin(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { env: { PATH: PROGRAM_PATH }, stdio: 'ignore' })
  // told by `#ready`
  child.on('error', () => undefined)
  process.once('exit', () => child.kill('SIGKILL'))
  return child
}

function run(cwd: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env: { PATH: PROGRAM_PATH } })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr || stdout}`)
  return stdout
}
