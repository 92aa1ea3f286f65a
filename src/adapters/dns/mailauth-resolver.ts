/** The resolver as mailauth asks one: `node:dns`'s `resolve`, records by type, errors by code. @module */
import type { DNSResolver } from 'mailauth'
import type { DnsResult, Resolver } from '#services/resolver.ts'

/** As of `dns.promises.resolve`. TXT: its strings; MX: a host; all others: a name or an address. */
type MailauthRecord = string | readonly string[] | { readonly exchange: string; readonly priority: number }

/** Why there is no answer, under the codes that `node:dns` has. */
class DnsError extends Error {
  readonly code: 'ENOTFOUND' | 'ENODATA' | 'ESERVFAIL' | 'ENOTIMP'

  constructor(code: DnsError['code'], message: string) {
    super(message)
    this.name = 'DnsError'
    this.code = code
  }
}

/** @returns a function for mailauth's option `resolver`. */
export function asMailauthResolver(resolver: Resolver): DNSResolver {
  const resolve = async (name: string, type: string): Promise<readonly MailauthRecord[]> => {
    switch (type.toUpperCase()) {
      case 'TXT':
        return found(name, await resolver.txt(name)).map((text) => [text])
      case 'A':
        return found(name, await resolver.a(name))
      case 'AAAA':
        return found(name, await resolver.aaaa(name))
      case 'CNAME':
        return found(name, await resolver.cname(name))
      case 'NS':
        return found(name, await resolver.ns(name))
      case 'MX':
        return found(name, await resolver.mx(name)).map((one) => ({
          exchange: one.exchange,
          priority: one.preference,
        }))
      case 'PTR':
        return found(name, await resolver.ptr(addressOf(name) ?? name))
      default:
        throw new DnsError('ENOTIMP', `Cannot ask for ${type} of ${name}`)
    }
  }
  // mailauth declares strings alone; of MX it reads `exchange`
  return resolve as DNSResolver
}

function found<T>(name: string, answer: DnsResult<T>): readonly T[] {
  if (answer.ok) return answer.records
  const { error } = answer
  if (error.kind === 'temporary') throw new DnsError('ESERVFAIL', `Cannot ask for ${name}: ${error.reason}`)
  throw new DnsError(error.nameExists ? 'ENODATA' : 'ENOTFOUND', `There is no answer for ${name}`)
}

/** The address whose names stand at this name of `in-addr.arpa` or `ip6.arpa`. */
function addressOf(name: string): string | undefined {
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa\.?$/i.exec(name)
  if (v4 !== null) return v4.slice(1).reverse().join('.')
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa\.?$/i.exec(name)?.[1]
  if (v6 === undefined) return undefined
  const digits = v6.split('.').reverse().join('')
  return digits.match(/.{4}/g)?.join(':')
}
