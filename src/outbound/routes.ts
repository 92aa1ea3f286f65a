/** Where mail for a domain goes: a smarthost, or its mail servers as the DNS says (RFC 5321 §5, RFC 7505). @module */
import { isIP, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { domainToASCII } from 'node:url'
import { done, type Result, refused } from '#lib/result.ts'
import type { DnsResult, Resolver } from '#services/resolver.ts'
import { MOST_ADDRESSES, MOST_HOSTS } from './limits.ts'
import { opportunistic, type TlsPolicies, type TlsPolicy } from './tls-policy.ts'

/** What the configuration says of some domains (`[[route]]`). */
export interface RouteSetting {
  /** `example.net`, `*.example.net` or `*`; lower case. */
  readonly domain: string
  /** A smarthost; `undefined`: the servers of the domain itself. */
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly security: 'opportunistic' | 'starttls' | 'tls' | 'none'
  readonly user?: string | undefined
  readonly passwordFile?: string | undefined
  readonly ca?: string | undefined
  readonly sourceAddress?: string | undefined
}

/** A host that mail for a domain may be handed to. */
export interface RouteHost {
  /** Lower case, ASCII. */
  readonly name: string
  /** What is asked of the DNS and of the TLS policies, besides the name: the domain, unless it is a smarthost. */
  readonly domain: string
  readonly setting: RouteSetting | undefined
}

/** Why a domain has no host: for now, or for good. */
export interface RouteRefusal {
  readonly outcome: 'deferred' | 'failed'
  /** Enhanced status and words. */
  readonly words: string
  /** It is this server: hosts behind it would bring the mail back (RFC 5321 §5.1). */
  readonly isUs?: true
  /** The recipient's domain asks for TLS that is not to be had there. */
  readonly isTls?: true
}

/** A host as it is connected to. */
export interface Endpoint {
  /** In the order in which they are tried. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly tls: TlsPolicy
  readonly implicitTls: boolean
}

export interface RouteDeps {
  readonly resolver: Pick<Resolver, 'mx' | 'a' | 'aaaa'>
  readonly policies: TlsPolicies
  readonly settings: readonly RouteSetting[]
  /** Ours: mail that comes back to it goes round in circles. */
  readonly hostname: string
  /** Of mail servers where no setting says another one. */
  readonly port: number
  /** Whether a connection there would reach ourselves. */
  readonly isOurs: (address: string, port: number) => boolean
  /** At least 0, less than 1. */
  readonly random: () => number
}

export class Routes {
  readonly #deps: RouteDeps

  constructor(deps: RouteDeps) {
    this.#deps = deps
  }

  /** The most exact setting for a domain. */
  settingFor(domain: string): RouteSetting | undefined {
    const { settings } = this.#deps
    const exact = settings.find((one) => one.domain === domain)
    if (exact !== undefined) return exact
    for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
      const wild = settings.find((one) => one.domain === `*${domain.slice(dot)}`)
      if (wild !== undefined) return wild
    }
    return settings.find((one) => one.domain === '*')
  }

  /** What shares connections and their limits: all domains of one way into a smarthost, else each domain. */
  keyOf(domain: string): string {
    const setting = this.settingFor(domain)
    const place = setting && this.#placeOf(setting)
    if (setting === undefined || place === undefined) return domain
    const same = this.#deps.settings.filter((one) => this.#placeOf(one) === place)
    // another login, another source, or less TLS: its connections are not for this mail
    const first = same.find((one) => isSameWay(one, setting))
    return first === same[0] ? place : `${place} (${first?.domain})`
  }

  #placeOf(setting: RouteSetting): string | undefined {
    return setting.host === undefined ? undefined : `${setting.host}:${portOf(setting, this.#deps.port)}`
  }

  /** Hosts in the order in which they are tried. @param domain lower case, in A-labels, or an address literal in brackets. */
  async hosts(domain: string): Promise<Result<readonly RouteHost[], RouteRefusal>> {
    const setting = this.settingFor(domain)
    if (setting?.host !== undefined) return done([{ name: setting.host, domain: setting.host, setting }])
    if (domain.startsWith('[')) return literalHost(domain, setting)
    const name = domainToASCII(domain)
    if (name === '') return refused({ outcome: 'failed', words: `5.1.2 ${domain} is no domain` })
    const answer = await this.#deps.resolver.mx(name)
    // RFC 5321 §5.1: without an MX the domain itself is the host
    if (!answer.ok && answer.error.kind === 'none' && answer.error.nameExists) {
      return done([{ name, domain: name, setting }])
    }
    if (!answer.ok) return refused(dnsRefusal(answer.error, name))
    const named = answer.records.filter(({ exchange }) => exchange !== '')
    if (named.length === 0) {
      // RFC 7505 §3, §4.1
      return refused({ outcome: 'failed', words: `5.1.10 ${name} takes no mail (null MX)` })
    }
    return this.#ordered(named, name, setting)
  }

  /**
   * Addresses of a host, and what a connection to it must be.
   * @param tlsOptional Whatever the recipient's domain asks for, TLS is where it is offered (RFC 8689 §4.2.2); what a route
   * demands stays.
   */
  async endpoint({ name, domain, setting }: RouteHost, tlsOptional = false): Promise<Result<Endpoint, RouteRefusal>> {
    const port = portOf(setting, this.#deps.port)
    // RFC 6761 §6.3: the DNS is not asked
    const known = name === 'localhost' ? ['127.0.0.1', '::1'] : isIP(name) === 0 ? undefined : [name]
    const found = known !== undefined ? done(known) : await this.#addresses(name, setting?.sourceAddress)
    if (!found.ok) return found
    const addresses = found.value.filter((address) => setting?.host !== undefined || !this.#deps.isOurs(address, port))
    if (addresses.length === 0) {
      return refused({ outcome: 'failed', words: `5.4.6 ${name} leads back to this server`, isUs: true })
    }
    const tls = await this.#policy(name, domain, port, setting, tlsOptional)
    if (!tls.ok) return tls
    return done({
      addresses: addresses.slice(0, MOST_ADDRESSES),
      port,
      tls: tls.value,
      implicitTls: setting?.security === 'tls',
    })
  }

  #ordered(
    records: readonly { readonly preference: number; readonly exchange: string }[],
    domain: string,
    setting: RouteSetting | undefined,
  ): Result<readonly RouteHost[], RouteRefusal> {
    const { hostname, random } = this.#deps
    const known = records.map(({ preference, exchange }) => ({
      preference,
      name: exchange.toLowerCase(),
      at: random(),
    }))
    const ours = Math.min(...known.filter(({ name }) => name === hostname).map(({ preference }) => preference))
    // RFC 5321 §5.1: those behind us, and those beside us, would bring it back
    const usable = known.filter(({ preference, name }) => preference < ours && isIP(name) === 0)
    if (usable.length === 0) {
      const why = Number.isFinite(ours) ? 'leads back to this server' : 'has only addresses as MX'
      return refused({ outcome: 'failed', words: `5.4.6 ${domain} ${why}` })
    }
    usable.sort((one, other) => one.preference - other.preference || one.at - other.at)
    const names = [...new Set(usable.map(({ name }) => name))].slice(0, MOST_HOSTS)
    return done(names.map((name) => ({ name, domain, setting })))
  }

  /** IPv6 first, of the family of the source address where there is one. */
  async #addresses(name: string, source: string | undefined): Promise<Result<readonly string[], RouteRefusal>> {
    const { resolver } = this.#deps
    const none: DnsResult<string> = { ok: true, records: [], authenticated: false, ttl: 0 }
    const [v6, v4] = await Promise.all([
      source === undefined || isIPv6(source) ? resolver.aaaa(name) : none,
      source === undefined || !isIPv6(source) ? resolver.a(name) : none,
    ])
    const addresses = [...(v6.ok ? v6.records : []), ...(v4.ok ? v4.records : [])]
    if (addresses.length > 0) return done(addresses)
    for (const answer of [v6, v4]) {
      if (!answer.ok && answer.error.kind === 'temporary') return refused(dnsRefusal(answer.error, name))
    }
    return refused({ outcome: 'failed', words: `5.4.4 ${name} has no address` })
  }

  async #policy(
    name: string,
    domain: string,
    port: number,
    setting: RouteSetting | undefined,
    tlsOptional: boolean,
  ): Promise<Result<TlsPolicy, RouteRefusal>> {
    const route = `the route for ${setting?.domain ?? ''}`
    const own = { source: 'route', names: [name], tlsa: [], why: route } as const
    if (setting?.security === 'none') return done({ level: 'none', ...own })
    if (setting?.security === 'starttls' || setting?.security === 'tls') return done({ level: 'verified', ...own })
    if (tlsOptional || setting?.host !== undefined || isIP(name) !== 0) return done(opportunistic(name))
    const policy = await this.#deps.policies.policyFor(domain, name, port)
    return policy.ok ? policy : refused({ outcome: 'deferred', words: policy.error.reply, isTls: true })
  }
}

function isSameWay(one: RouteSetting, other: RouteSetting): boolean {
  return (
    one.security === other.security &&
    one.user === other.user &&
    one.passwordFile === other.passwordFile &&
    one.ca === other.ca &&
    one.sourceAddress === other.sourceAddress
  )
}

function portOf(setting: RouteSetting | undefined, usual: number): number {
  return setting?.port ?? (setting?.security === 'tls' ? 465 : usual)
}

/** `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3). */
function literalHost(domain: string, setting: RouteSetting | undefined): Result<readonly RouteHost[], RouteRefusal> {
  const address = /^\[(?:ipv6:)?([0-9a-f.:]+)\]$/i.exec(domain)?.[1] ?? ''
  if (isIP(address) === 0) return refused({ outcome: 'failed', words: `5.1.2 ${domain} is no address` })
  return done([{ name: address, domain, setting }])
}

function dnsRefusal(
  error: { readonly kind: 'none' } | { readonly kind: 'temporary'; readonly reason: string },
  name: string,
): RouteRefusal {
  if (error.kind === 'none') return { outcome: 'failed', words: `5.1.2 The domain ${name} does not exist` }
  return { outcome: 'deferred', words: `4.4.3 The DNS does not tell about ${name}: ${error.reason}` }
}

/** Loopback, and addresses of this machine, on the port where we listen ourselves. */
export function isThisMachine(address: string, port: number): boolean {
  if (port !== 25) return false
  const plain = address.toLowerCase().replace(/^::ffff:/, '')
  if (/^(?:127\.|0\.)/.test(plain) || plain === '::1' || plain === '::') return true
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === plain) === true)
}
