import { parseDomain } from './addresses.ts'

/**
 * The part of a recipient's address that decides who gets its mail: a domain in lower case and A-labels, or an address
 * literal.
 * @example destinationOf('ann@Exämple.DE') // 'xn--exmple-cua.de'
 */
export function destinationOf(address: string): string {
  const domain = address.slice(address.lastIndexOf('@') + 1)
  return parseDomain(domain) ?? domain.toLowerCase()
}
