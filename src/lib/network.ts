/** Ranges of IP addresses, as values. @module */
import { isIP } from 'node:net'

/** A range of IP addresses. */
export interface Network {
  readonly address: string
  /** Leading bits that count: 32 or 128 for a single address. */
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Reads an IP address, alone or with `/prefix`; `undefined` when it is neither, or has a zone. */
export function parseNetwork(written: string): Network | undefined {
  const [address = '', digits, ...more] = written.split('/')
  const version = isIP(address)
  if (version === 0 || more.length > 0 || address.includes('%')) return undefined
  const bits = version === 4 ? 32 : 128
  if (digits !== undefined && !/^\d{1,3}$/.test(digits)) return undefined
  const prefix = digits === undefined ? bits : Number(digits)
  if (prefix > bits) return undefined
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/** As people write it. */
export function formatNetwork({ address, prefix }: Network): string {
  return `${address}/${prefix}`
}
