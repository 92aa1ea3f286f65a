/** Lists of addresses in the DNS (RFC 5782). @module */
import { isIPv4, SocketAddress } from 'node:net'
import type { Resolver } from '#services/resolver.ts'
import type { SilentLists } from './silent-lists.ts'

export interface Listing {
  /** The zone that has the address. */
  readonly list: string
  /** What the list says of it, empty without. */
  readonly text: string
}

/** A failure that took longer delays people: at least this long, ms, is silence. */
const SILENCE_MS = 500

/** The first of the lists that has the address; a list that does not answer, or is left out for that, has it not. */
export async function listedBy(
  address: string,
  lists: readonly string[],
  resolver: Resolver,
  silent: SilentLists,
): Promise<Listing | undefined> {
  const reversed = reversedAddress(address)
  const answers = await Promise.all(
    lists.map(async (list) => {
      if (!silent.asks(list)) return false
      const begun = performance.now()
      const answer = await resolver.a(`${reversed}.${list}`)
      if (answer.ok || answer.error.kind === 'none') silent.answered(list)
      else if (performance.now() - begun >= SILENCE_MS) silent.silent(list)
      return answer.ok && answer.records.some(isListing)
    }),
  )
  const list = lists[answers.indexOf(true)]
  if (list === undefined) return undefined
  const reason = await resolver.txt(`${reversed}.${list}`)
  return { list, text: (reason.ok ? (reason.records[0] ?? '') : '').replace(/[^\x20-\x7e]/g, '?').slice(0, 200) }
}

/**
 * Entries are in 127.0.0.0/8 (RFC 5782 §2.1): anything else is a domain that somebody else has now. 127.255.255.0/24 is
 * how lists say that they do not answer this resolver.
 */
function isListing(record: string): boolean {
  return record.startsWith('127.') && !record.startsWith('127.255.255.')
}

/** As lists have it: octets or nibbles in reverse (RFC 5782 §2.1, §2.4). */
function reversedAddress(address: string): string {
  if (isIPv4(address)) return address.split('.').reverse().join('.')
  const whole = new SocketAddress({ address, family: 'ipv6' }).address
  const [head = '', tail] = whole.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after]
  return groups
    .map((group) => group.padStart(4, '0'))
    .join('')
    .split('')
    .reverse()
    .join('.')
}
