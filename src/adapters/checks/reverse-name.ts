/** The name of an address that leads back to it: FCrDNS, `iprev` (RFC 8601 §3). @module */
import { isIPv6, SocketAddress } from 'node:net'
import type { MethodResult } from '#mail/authentication-results.ts'
import type { Resolver } from '#services/resolver.ts'
import { MAX_REVERSE_NAMES } from './limits.ts'

export interface ReverseName {
  readonly result: MethodResult
  readonly name?: string
}

/** Asks for the names of the address, then for the addresses of each name, until one is the same. */
export async function reverseName(address: string, resolver: Resolver): Promise<ReverseName> {
  const found = (result: string, name?: string): ReverseName => {
    const properties = { 'policy.iprev': address }
    if (name === undefined) return { result: { method: 'iprev', result, properties } }
    return { result: { method: 'iprev', result, comment: name, properties }, name }
  }
  const names = await resolver.ptr(address)
  // "permerror": no PTR data are published for the address (RFC 8601 §2.7.3)
  if (!names.ok) return found(names.error.kind === 'temporary' ? 'temperror' : 'permerror')
  const v6 = isIPv6(address)
  const ours = canonical(address)
  let temporary = false
  for (const name of names.records.slice(0, MAX_REVERSE_NAMES)) {
    const back = await (v6 ? resolver.aaaa(name) : resolver.a(name))
    if (back.ok && back.records.some((one) => canonical(one) === ours)) return found('pass', name.toLowerCase())
    if (!back.ok && back.error.kind === 'temporary') temporary = true
  }
  return found(temporary ? 'temperror' : 'fail')
}

function canonical(address: string): string {
  return isIPv6(address) ? new SocketAddress({ address, family: 'ipv6' }).address : address
}
