/** IP networks of the configuration, and addresses as limits count them. @module */
import { BlockList, isIP, isIPv4 } from 'node:net'
import { parseNetwork } from '#lib/network.ts'

/** Tells whether an address lies in one of some networks. */
export type NetworkTest = (address: string) => boolean

/** Addresses of which a test remembers what it found: one login asks six times. */
const MOST_KNOWN = 1_000

/**
 * Makes a test for networks such as `127.0.0.0/8` and `::1`.
 * @throws RangeError for a text that is no network; the configuration checks them before.
 */
export function networkTest(networks: readonly string[]): NetworkTest {
  const list = new BlockList()
  for (const text of networks) {
    const network = parseNetwork(text)
    if (network === undefined) throw new RangeError(`"${text}" is not a network such as 192.0.2.0/24`)
    list.addSubnet(network.address, network.prefix, network.family)
  }
  if (networks.length === 0) return () => false
  const known = new Map<string, boolean>()
  return (address) => {
    const before = known.get(address)
    if (before !== undefined) return before
    const plain = unmapped(address)
    const kind = isIP(plain)
    const within = kind !== 0 && list.check(plain, kind === 4 ? 'ipv4' : 'ipv6')
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(address, within)
    return within
  }
}

/**
 * What limits per address count: an IPv4 address, or the /64 of an IPv6 address, which one customer has whole.
 * @example addressGroup('2001:db8::1') // '2001:db8:0:0::/64'
 */
export function addressGroup(address: string): string {
  const plain = unmapped(address)
  return isIP(plain) === 6 ? leadingGroups(plain, 4) : plain
}

/**
 * The network around an address: the /24 of an IPv4 address, the /48 of an IPv6 address, which is the most that one
 * customer is usually given.
 * @example networkGroup('192.0.2.7') // '192.0.2.0/24'
 */
export function networkGroup(address: string): string {
  const plain = unmapped(address)
  switch (isIP(plain)) {
    case 4:
      return `${plain.slice(0, plain.lastIndexOf('.'))}.0/24`
    case 6:
      return leadingGroups(plain, 3)
    default:
      return plain
  }
}

/** The network of the first `count` groups, at most 4, of an IPv6 address. */
function leadingGroups(plain: string, count: number): string {
  const [head = '', tail] = plain.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  // a tail in dotted form stands for two groups, but never within the first four of a written-out address
  const width = after.length + (after.at(-1)?.includes('.') === true ? 1 : 0)
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - width)
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after].slice(0, count)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/${16 * count}`
}

/** Without the zone (`fe80::1%eth0`) and the form IPv4 has on IPv6 sockets (`::ffff:192.0.2.1`). */
function unmapped(address: string): string {
  const [plain = ''] = address.split('%')
  const inner = /^::ffff:([0-9.]+)$/i.exec(plain)?.[1]
  return inner !== undefined && isIPv4(inner) ? inner : plain
}
