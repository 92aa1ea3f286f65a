/** Which servers are asked: those of the configuration, else those of /etc/resolv.conf. @module */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { Clock } from '#lib/clock.ts'
import type { DnsServer } from './exchange.ts'

/** How long the file is not looked at again. */
const FRESH_MS = 30_000
/** glibc takes as many. */
const MOST_SERVERS = 3

/** The servers in the text of a resolv.conf; without any, the one on this machine. */
export function parseResolvConf(text: string): readonly DnsServer[] {
  const servers: DnsServer[] = []
  for (const line of text.split('\n')) {
    const host = /^nameserver\s+(\S+)/.exec(line)?.[1]
    if (host !== undefined && isIP(host.replace(/%.*$/, '')) !== 0) servers.push({ host, port: 53 })
  }
  return servers.length === 0 ? [{ host: '127.0.0.1', port: 53 }] : servers.slice(0, MOST_SERVERS)
}

/** Servers, read anew from the file when it may have changed. */
export class ServerList {
  readonly #fixed: readonly DnsServer[]
  readonly #clock: Clock
  readonly #file: string
  #read: Promise<readonly DnsServer[]> | undefined
  #readAt = 0

  /** @param fixed Empty: those of the file. */
  constructor(fixed: readonly DnsServer[], clock: Clock, file = '/etc/resolv.conf') {
    this.#fixed = fixed
    this.#clock = clock
    this.#file = file
  }

  all(): readonly DnsServer[] | Promise<readonly DnsServer[]> {
    if (this.#fixed.length > 0) return this.#fixed
    const now = this.#clock.now()
    if (this.#read === undefined || now - this.#readAt > FRESH_MS) {
      this.#readAt = now
      this.#read = readServers(this.#file)
    }
    return this.#read
  }
}

async function readServers(file: string): Promise<readonly DnsServer[]> {
  try {
    return parseResolvConf(await readFile(file, 'utf8'))
  } catch {
    // no file, or not for us: as glibc does without one
    return parseResolvConf('')
  }
}

/** On this machine: nobody else can have changed an answer on its way. */
export function onLoopback({ host }: DnsServer): boolean {
  return host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
