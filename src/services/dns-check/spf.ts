/** A look at an SPF record and all that it includes (RFC 7208): syntax, lookups, and whether our addresses pass. @module */
import { BlockList, isIPv4, isIPv6 } from 'node:net'
import type { DnsResult, Resolver } from '../resolver.ts'
import { versioned } from './finding.ts'

/** RFC 7208 §4.6.4 */
export const SPF_LOOKUPS = 10
/** Where counting ends: it is too many by far. */
const MOST_LOOKUPS = 60

export type SpfResult = 'pass' | 'fail' | 'softfail' | 'neutral'

const RESULTS: Readonly<Record<string, SpfResult>> = { '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral' }

interface Term {
  readonly result: SpfResult
  matches(address: string): boolean
}

/** What a record says, with those that it includes. */
interface Policy {
  readonly terms: readonly Term[]
  /** Of `all`; `undefined`: it has none. */
  readonly all: SpfResult | undefined
  readonly redirect: Policy | undefined
}

export type SpfTrouble =
  | { readonly kind: 'none' }
  | { readonly kind: 'two'; readonly records: readonly string[] }
  | { readonly kind: 'syntax'; readonly term: string }
  | { readonly kind: 'include'; readonly name: string }
  | { readonly kind: 'temporary'; readonly reason: string }

export interface SpfLook {
  readonly record: string
  readonly lookups: number
  /** What the record says of everybody it does not name. */
  readonly others: SpfResult
  result(address: string): SpfResult
}

class Trouble extends Error {
  readonly trouble: SpfTrouble

  constructor(trouble: SpfTrouble) {
    super(trouble.kind)
    this.trouble = trouble
  }
}

/** Reads the record of a name. */
export async function lookAtSpf(resolver: Resolver, name: string): Promise<SpfLook | SpfTrouble> {
  const walk = new Walk(resolver)
  try {
    const record = await walk.record(name)
    const policy = await walk.policy(record, name)
    return {
      record,
      lookups: walk.lookups,
      others: othersOf(policy),
      result: (address) => resultOf(policy, address),
    }
  } catch (error) {
    if (error instanceof Trouble) return error.trouble
    throw error
  }
}

function othersOf({ all, redirect }: Policy): SpfResult {
  return all ?? (redirect === undefined ? 'neutral' : othersOf(redirect))
}

function resultOf({ terms, all, redirect }: Policy, address: string): SpfResult {
  const term = terms.find((one) => one.matches(address))
  return term?.result ?? all ?? (redirect === undefined ? 'neutral' : resultOf(redirect, address))
}

// mechanism [ ":" domain-spec ] [ dual-cidr-length ]
const MECHANISM =
  /^([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?::([^/]*(?:\/(?![\d/])[^/]*)*))?(?:\/(\d{1,3}))?(?:\/\/(\d{1,3}))?$/i
const IP6 = /^([+?~-]?)ip6:([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/i

class Walk {
  readonly #resolver: Resolver
  lookups = 0

  constructor(resolver: Resolver) {
    this.#resolver = resolver
  }

  async record(name: string): Promise<string> {
    const [record, ...more] = versioned(answered(await this.#resolver.txt(name)), 'spf1')
    if (record === undefined) throw new Trouble({ kind: 'none' })
    if (more.length > 0) throw new Trouble({ kind: 'two', records: [record, ...more] })
    return record
  }

  async policy(record: string, name: string): Promise<Policy> {
    const terms: Term[] = []
    let all: SpfResult | undefined
    let redirect: string | undefined
    for (const text of record.trim().split(/ +/).slice(1)) {
      const [, modifier, value = ''] = /^([a-z][\w.-]*)=(.*)$/i.exec(text) ?? []
      if (modifier !== undefined) {
        if (modifier.toLowerCase() === 'redirect') redirect = value
        continue
      }
      const [, sign = '', kind] = MECHANISM.exec(text) ?? []
      if (kind === undefined) throw new Trouble({ kind: 'syntax', term: text })
      const result = RESULTS[sign === '' ? '+' : sign] ?? 'pass'
      if (kind.toLowerCase() === 'all') {
        // what stands behind it is not looked at (RFC 7208 §5.1)
        all = result
        break
      }
      const matches = await this.#mechanism(text, name)
      terms.push({ result, matches })
    }
    const next = all === undefined && redirect !== undefined ? await this.#included(redirect) : undefined
    return { terms, all, redirect: next }
  }

  async #mechanism(text: string, name: string): Promise<(address: string) => boolean> {
    const [, , ip6, six = '128'] = IP6.exec(text) ?? []
    if (ip6 !== undefined) return within([[ip6, Number(six)]], text)
    const [, , kind = '', given, four = '32', cidr6 = '128'] = MECHANISM.exec(text) ?? []
    const target = given ?? name
    switch (kind.toLowerCase()) {
      case 'ip4':
        return within([[target, Number(four)]], text)
      case 'a':
        return within(await this.#addresses(target, Number(four), Number(cidr6)), text)
      case 'mx': {
        const hosts = this.#count() ? answered(await this.#resolver.mx(known(target))) : []
        const found = await Promise.all(
          // RFC 7208 §4.6.4: of ten at most; they are no lookups of their own
          hosts.slice(0, SPF_LOOKUPS).map(({ exchange }) => this.#networks(exchange, Number(four), Number(cidr6))),
        )
        return within(found.flat(), text)
      }
      case 'include': {
        const policy = await this.#included(target)
        return (address) => policy !== undefined && resultOf(policy, address) === 'pass'
      }
      case 'ip6':
        throw new Trouble({ kind: 'syntax', term: text })
      default:
        // `ptr` and `exists` depend on who asks
        this.#count()
        return () => false
    }
  }

  async #included(name: string): Promise<Policy | undefined> {
    if (!this.#count() || known(name) === '') return undefined
    try {
      return await this.policy(await this.record(name), name)
    } catch (error) {
      if (error instanceof Trouble && error.trouble.kind === 'none') throw new Trouble({ kind: 'include', name })
      throw error
    }
  }

  async #addresses(name: string, four: number, six: number): Promise<Network[]> {
    return this.#count() ? this.#networks(name, four, six) : []
  }

  async #networks(name: string, four: number, six: number): Promise<Network[]> {
    const host = known(name)
    if (host === '') return []
    const [v4, v6] = await Promise.all([this.#resolver.a(host), this.#resolver.aaaa(host)])
    return [
      ...answered(v4).map((address): Network => [address, four]),
      ...answered(v6).map((address): Network => [address, six]),
    ]
  }

  /** @returns `false`: it is enough. */
  #count(): boolean {
    this.lookups += 1
    return this.lookups <= MOST_LOOKUPS
  }
}

type Network = readonly [address: string, prefix: number]

function within(networks: readonly Network[], term: string): (address: string) => boolean {
  const list = new BlockList()
  for (const [address, prefix] of networks) {
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if ((family === 'ipv6' && !isIPv6(address)) || prefix > (family === 'ipv4' ? 32 : 128))
      throw new Trouble({ kind: 'syntax', term })
    list.addSubnet(address, prefix, family)
  }
  return (address) => list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** A name with macros (RFC 7208 §7) is known to whoever gets the mail alone. */
function known(name: string): string {
  return name.includes('%') ? '' : name.replace(/\.$/, '')
}

function answered<T>(answer: DnsResult<T>): readonly T[] {
  if (answer.ok) return answer.records
  if (answer.error.kind === 'temporary') throw new Trouble({ kind: 'temporary', reason: answer.error.reason })
  return []
}
