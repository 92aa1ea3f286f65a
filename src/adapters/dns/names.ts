/** Names of the DNS: what may be asked, what is taken from an answer. @module */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'

/**
 * A name as it is asked: IDNA done, in lower case, without the dot at its end. `undefined`: no name of the DNS.
 * Everything printable may be in a label (SPF macros bring local parts, RFC 7208 §7).
 */
export function askedName(written: string): string | undefined {
  // domainToASCII reads names of digits as IPv4 addresses, so that it is only asked where it must be
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything beyond ASCII
  const ascii = /^[\x00-\x7f]*$/.test(written) ? written.toLowerCase() : domainToASCII(written)
  const name = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii
  // the longest name has 255 octets, with lengths and root (RFC 1035 §2.3.4)
  if (name === '' || name.length > 253) return undefined
  return name.split('.').every((label) => /^[!-~]{1,63}$/.test(label)) ? name : undefined
}

/** A host's name from an answer, which may hold any bytes: letters, digits, `-` and `_` (RFC 1123 §2.1); else `undefined`. */
export function hostFrom(answered: string): string | undefined {
  const name = answered.toLowerCase()
  if (name.length > 253) return undefined
  return name.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label)) ? name : undefined
}

/** Where the names of an address are (RFC 1035 §3.5, RFC 3596 §2.5); `undefined`: no address. */
export function reverseName(address: string): string | undefined {
  const version = isIP(address)
  if (version === 4) return `${address.split('.').reverse().join('.')}.in-addr.arpa`
  if (version === 0 || address.includes('%')) return undefined
  const groups = groupsOf(address)
  const mapped = groups.slice(0, 5).every((one) => one === 0) && groups[5] === 0xffff
  if (mapped) {
    const octets = groups.slice(6).flatMap((one) => [one >> 8, one & 0xff])
    return `${octets.reverse().join('.')}.in-addr.arpa`
  }
  const digits = groups.map((one) => one.toString(16).padStart(4, '0')).join('')
  return `${digits.split('').reverse().join('.')}.ip6.arpa`
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const hex =
    dotted === null
      ? address
      : `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
  const [before = '', after] = hex.split('::')
  const read = (part: string): number[] => (part === '' ? [] : part.split(':').map((one) => Number.parseInt(one, 16)))
  const head = read(before)
  const tail = after === undefined ? [] : read(after)
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail]
}
