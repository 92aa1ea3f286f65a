/** Records of each type from what dns-packet read; `undefined`: another type, or nothing that can be used. @module */
import { isIPv4, isIPv6 } from 'node:net'
import type { Answer } from 'dns-packet'
import type { CaaRecord, MxRecord, SrvRecord, TlsaRecord } from '#services/resolver.ts'
import { hostFrom } from './names.ts'

export function readMx(record: Answer): MxRecord | undefined {
  if (record.type !== 'MX') return undefined
  const exchange = hostOrNone(record.data.exchange)
  return exchange === undefined ? undefined : { preference: record.data.preference ?? 0, exchange }
}

export function readA(record: Answer): string | undefined {
  return record.type === 'A' && isIPv4(record.data) ? record.data : undefined
}

export function readAaaa(record: Answer): string | undefined {
  return record.type === 'AAAA' && isIPv6(record.data) ? record.data : undefined
}

export function readTxt(record: Answer): string | undefined {
  if (record.type !== 'TXT') return undefined
  const strings = Array.isArray(record.data) ? record.data : [record.data]
  return Buffer.concat(strings.map((one) => (typeof one === 'string' ? Buffer.from(one) : one))).toString('utf8')
}

export function readTlsa(record: Answer): TlsaRecord | undefined {
  if (record.type !== 'TLSA') return undefined
  const { usage, selector, matchingType: matching, certificate } = record.data
  // a copy: the bytes are a view of the datagram
  return { usage, selector, matching, data: new Uint8Array(certificate) }
}

export function readSrv(record: Answer): SrvRecord | undefined {
  if (record.type !== 'SRV') return undefined
  const { priority = 0, weight = 0, port } = record.data
  const target = hostOrNone(record.data.target)
  return target === undefined ? undefined : { priority, weight, port, target }
}

export function readCaa(record: Answer): CaaRecord | undefined {
  if (record.type !== 'CAA') return undefined
  const { tag, value, issuerCritical = false } = record.data
  return { critical: issuerCritical, tag, value }
}

/** NS, PTR and CNAME. */
export function readHost(record: Answer): string | undefined {
  return record.type === 'NS' || record.type === 'PTR' || record.type === 'CNAME' ? hostFrom(record.data) : undefined
}

/** The root is no host: null MX (RFC 7505 §3), a service that is not there (RFC 2782). */
function hostOrNone(name: string): string | undefined {
  return name === '.' || name === '' ? '' : hostFrom(name)
}
