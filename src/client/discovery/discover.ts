/**
 * The servers of an address, from the address alone: the provider's own configuration file, Thunderbird's collection,
 * SRV records (RFC 6186, RFC 8314 §5.1), and names that are usual, in this order. The first source that names a server
 * to read from, and the first that names one to send through, count.
 * @module
 */
import { type AddressParts, hostName, parseAutoconfig } from './autoconfig.ts'
import { DISCOVERY_MS, SRV_RECORDS, STEP_MS } from './limits.ts'
import { systemNetwork } from './network.ts'
import type {
  DiscoveredServer,
  Discovery,
  DiscoveryNetwork,
  DiscoverySource,
  DiscoveryStep,
  ProbeTarget,
  SrvRecord,
} from './types.ts'

export interface DiscoverOptions {
  /** Default: that of this machine. */
  readonly network?: DiscoveryNetwork
  /** For everything together; default 20 s. */
  readonly timeoutMs?: number
  /** Asking Thunderbird's collection tells its keeper the domain, not the address. Default `true`. */
  readonly ispdb?: boolean
  readonly signal?: AbortSignal
}

/**
 * Looks for the servers of an address. What cannot be reached is no error: `steps` tells it.
 * @throws {TypeError} It is no address.
 * @example
 * const { servers } = await discover('ann@example.org')
 * const imap = servers.find(({ protocol }) => protocol === 'imap')
 */
export async function discover(address: string, options: DiscoverOptions = {}): Promise<Discovery> {
  const search = new Search(addressParts(address), options)
  await search.run(options.ispdb ?? true)
  return search.result()
}

/** The halves of an address. @throws {TypeError} */
function addressParts(address: string): AddressParts {
  const at = address.lastIndexOf('@')
  const localPart = address.slice(0, at)
  const domain = hostName(address.slice(at + 1))
  if (at < 1 || domain === undefined || /[\p{Cc}\s]/u.test(localPart)) {
    throw new TypeError(`"${address}" is not an address such as ann@example.org`)
  }
  return { address: `${localPart}@${domain}`, localPart, domain }
}

/** Service names, and what stands behind them; what has TLS from the first byte on goes before (RFC 8314 §5.1). */
const SERVICES = [
  { service: '_imaps._tcp', protocol: 'imap', security: 'tls' },
  { service: '_imap._tcp', protocol: 'imap', security: 'starttls' },
  { service: '_pop3s._tcp', protocol: 'pop3', security: 'tls' },
  { service: '_pop3._tcp', protocol: 'pop3', security: 'starttls' },
  { service: '_submissions._tcp', protocol: 'smtp', security: 'tls' },
  { service: '_submission._tcp', protocol: 'smtp', security: 'starttls' },
] as const

/** Usual names, the more usual first; `` is the domain itself. */
const GUESSES: readonly Omit<ProbeTarget & { readonly label: string }, 'host'>[] = [
  ...['imap', 'mail', ''].map((label) => ({ label, protocol: 'imap', port: 993, security: 'tls' }) as const),
  ...['imap', 'mail'].map((label) => ({ label, protocol: 'imap', port: 143, security: 'starttls' }) as const),
  ...['pop', 'pop3', 'mail'].map((label) => ({ label, protocol: 'pop3', port: 995, security: 'tls' }) as const),
  ...['smtp', 'mail', ''].map((label) => ({ label, protocol: 'smtp', port: 465, security: 'tls' }) as const),
  ...['smtp', 'mail'].map((label) => ({ label, protocol: 'smtp', port: 587, security: 'starttls' }) as const),
]

class Search {
  readonly #who: AddressParts
  readonly #network: DiscoveryNetwork
  readonly #signal: AbortSignal
  readonly #servers: DiscoveredServer[] = []
  readonly #plaintext: DiscoveredServer[] = []
  readonly #steps: DiscoveryStep[] = []

  constructor(who: AddressParts, { network, timeoutMs, signal }: DiscoverOptions) {
    this.#who = who
    this.#network = network ?? systemNetwork()
    const end = AbortSignal.timeout(timeoutMs ?? DISCOVERY_MS)
    this.#signal = signal === undefined ? end : AbortSignal.any([signal, end])
  }

  async run(ispdb: boolean): Promise<void> {
    const { address, domain } = this.#who
    const query = `emailaddress=${encodeURIComponent(address)}`
    await this.#configFiles([
      { kind: 'autoconfig', url: `https://autoconfig.${domain}/mail/config-v1.1.xml?${query}` },
      { kind: 'autoconfig', url: `https://${domain}/.well-known/autoconfig/mail/config-v1.1.xml` },
    ])
    if (ispdb && !this.#complete) {
      await this.#configFiles([{ kind: 'ispdb', url: `https://autoconfig.thunderbird.net/v1.1/${domain}` }])
    }
    if (!this.#complete) await this.#records()
    if (!this.#complete) await this.#guesses()
  }

  result(): Discovery {
    const order = { imap: 0, pop3: 1, smtp: 2 } as const
    return {
      address: this.#who.address,
      servers: this.#servers.toSorted((a, b) => order[a.protocol] - order[b.protocol]),
      plaintext: this.#plaintext,
      steps: this.#steps,
    }
  }

  get #complete(): boolean {
    return this.#has('in') && this.#has('out')
  }

  #has(way: 'in' | 'out'): boolean {
    return this.#servers.some((server) => wayOf(server) === way)
  }

  /** Takes from a source what no earlier one has named. */
  #take(found: readonly DiscoveredServer[]): void {
    const open = (['in', 'out'] as const).filter((way) => !this.#has(way))
    for (const server of found) {
      if (!open.includes(wayOf(server))) continue
      if (server.security === 'none') this.#plaintext.push(server)
      else this.#servers.push(server)
    }
  }

  /** Asked at once, taken in their order: the first that has servers counts. */
  async #configFiles(sources: readonly (DiscoverySource & { readonly url: string })[]): Promise<void> {
    const answers = await Promise.all(
      sources.map((source) =>
        this.#step(source.url, async (signal) => {
          const file = await this.#network.fetch(source.url, signal)
          return file === undefined ? [] : parseAutoconfig(file, this.#who, source)
        }),
      ),
    )
    for (const { step, value = [] } of answers) {
      this.#steps.push(value.length > 0 ? { ...step, outcome: 'found' } : step)
      this.#take(value)
    }
  }

  /** RFC 6186 §3: a target of "." says that the service is not there. */
  async #records(): Promise<void> {
    const { address, domain } = this.#who
    const answers = await Promise.all(
      SERVICES.map(async ({ service, protocol, security }) => {
        const name = `${service}.${domain}`
        const { step, value = [] } = await this.#step(name, (signal) => this.#network.srv(name, signal))
        const servers = inOrder(value).flatMap((record): DiscoveredServer[] => {
          const host = hostName(record.host)
          if (host === undefined || record.port < 1) return []
          const askFirst = host !== domain && !host.endsWith(`.${domain}`)
          const login = { form: 'address', value: address } as const
          const source = { kind: 'srv', name } as const
          return [{ protocol, host, port: record.port, security, login, source, askFirst }]
        })
        return { step, servers }
      }),
    )
    const found: DiscoveredServer[] = []
    for (const { step, servers } of answers) {
      this.#steps.push(servers.length > 0 ? { ...step, outcome: 'found' } : step)
      found.push(...servers)
    }
    this.#take(found)
  }

  async #guesses(): Promise<void> {
    const { address, domain } = this.#who
    const targets = GUESSES.map(({ label, ...rest }) => ({
      ...rest,
      host: label === '' ? domain : `${label}.${domain}`,
    }))
    const answers = await Promise.all(
      targets
        .filter((target) => !this.#has(wayOf(target)))
        .map(async (target) => {
          const asked = `${target.host}:${target.port}`
          const { step, value } = await this.#step(asked, (signal) => this.#network.probe(target, signal))
          return { target, fits: value === 'fits', step: value === 'untrusted' ? { ...step, outcome: value } : step }
        }),
    )
    const found: DiscoveredServer[] = []
    for (const { target, fits, step } of answers) {
      this.#steps.push(fits ? { ...step, outcome: 'found' } : step)
      const login = { form: 'address', value: address } as const
      // one of each protocol: the others are the same server by another name
      if (!fits || found.some(({ protocol }) => protocol === target.protocol)) continue
      found.push({ ...target, login, source: { kind: 'guess' }, askFirst: false })
    }
    this.#take(found)
  }

  /** One question, within its time. Only faults of ours are thrown. */
  async #step<T>(
    asked: string,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<{ readonly step: DiscoveryStep; readonly value?: T }> {
    if (this.#signal.aborted) return { step: { asked, outcome: 'failed', detail: 'no time was left' } }
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(STEP_MS)])
    const given = Promise.withResolvers<never>()
    const abort = (): void => given.reject(new Error('no answer in time'))
    signal.addEventListener('abort', abort)
    try {
      return { step: { asked, outcome: 'nothing' }, value: await Promise.race([ask(signal), given.promise]) }
    } catch (error) {
      if (error instanceof TypeError) throw error
      return { step: { asked, outcome: 'failed', detail: error instanceof Error ? error.message : String(error) } }
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }
}

function wayOf({ protocol }: Pick<DiscoveredServer, 'protocol'>): 'in' | 'out' {
  return protocol === 'smtp' ? 'out' : 'in'
}

/** By priority, then by weight (RFC 2782), the heaviest first: a person's account is made once, not balanced. */
function inOrder(records: readonly SrvRecord[]): readonly SrvRecord[] {
  return records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight).slice(0, SRV_RECORDS)
}
