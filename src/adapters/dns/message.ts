/** Messages of the DNS (RFC 1035 §4) as a stub resolver sends and reads them, on dns-packet. @module */
import { type Answer, decode, encode, type Packet, type RecordType } from 'dns-packet'
import { hostFrom } from './names.ts'

/** Octets that fit into one datagram everywhere (RFC 9715 §3.1). */
const UDP_PAYLOAD = 1232
/** RD, and AD: "say whether it is authentic" (RFC 6840 §5.7). */
const RECURSION_DESIRED = 0x0100
const AUTHENTIC_DATA = 0x0020
const DNSSEC_OK = 0x8000
/** Aliases that are followed, in one answer or over several. */
export const MOST_ALIASES = 8

export interface Question {
  readonly id: number
  /** As `askedName` makes it. */
  readonly name: string
  readonly type: RecordType
}

/** @param edns Not where the server does not know EDNS (RFC 6891 §6.2.2). */
export function formatQuestion({ id, name, type }: Question, edns: boolean): Buffer {
  const packet: Packet = {
    type: 'query',
    id,
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ name, type, class: 'IN' }],
  }
  if (edns) {
    packet.additionals = [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: UDP_PAYLOAD,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: DNSSEC_OK,
        flag_do: true,
        options: [],
      },
    ]
  }
  return encode(packet)
}

/** What a message says to a question. */
export type Reply<T> =
  /** Records, or the name at which the aliases in it end without any. */
  | {
      readonly kind: 'records' | 'alias'
      readonly records: readonly T[]
      readonly target: string
      readonly aliases: number
      readonly ttl: number
      readonly authentic: boolean
    }
  | { readonly kind: 'none'; readonly nameExists: boolean; readonly ttl: number; readonly authentic: boolean }
  /** No answer to this question: whoever sent it. */
  | { readonly kind: 'foreign' }
  /** It is longer than a datagram, or damaged: to be asked over TCP. */
  | { readonly kind: 'truncated' }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'failed'; readonly reason: string; readonly withoutEdns: boolean }

/**
 * Reads an answer, from whoever sent it; never throws.
 * @param read What a record of the type asked for is; `undefined`: of another type, or not usable.
 */
export function readReply<T>(bytes: Uint8Array, question: Question, read: (record: Answer) => T | undefined): Reply<T> {
  const [high = 0, low = 0, first = 0, second = 0] = bytes
  if (bytes.length < 12 || (high << 8) + low !== question.id || (first & 0x80) === 0) return { kind: 'foreign' }
  let packet: Packet
  try {
    packet = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  } catch {
    // dns-packet throws what reading beyond the end of a Buffer throws, and its own errors
    return { kind: 'unreadable' }
  }
  const code = second & 0x0f
  // A server that does not understand the question may leave it out (RFC 1035 §4.1.1 asks only for the ID).
  const echoed = packet.questions?.[0]
  if (echoed === undefined && code !== FORMAT_ERROR) return { kind: 'foreign' }
  if (echoed !== undefined && (bare(echoed.name) !== question.name || echoed.type !== question.type)) {
    return { kind: 'foreign' }
  }
  if (code !== 0 && code !== NO_SUCH_NAME) {
    return {
      kind: 'failed',
      reason: `${CODES[code] ?? `code ${code}`}${extendedError(packet)}`,
      withoutEdns: code === FORMAT_ERROR || code === NOT_IMPLEMENTED,
    }
  }
  if ((first & 0x02) !== 0) return { kind: 'truncated' }
  return answerOf(packet, question, code, (second & 0x20) !== 0, read)
}

function answerOf<T>(
  packet: Packet,
  { name, type }: Question,
  code: number,
  authentic: boolean,
  read: (record: Answer) => T | undefined,
): Reply<T> {
  const answers = packet.answers ?? []
  let target = name
  let aliases = 0
  let ttl = Number.POSITIVE_INFINITY
  while (type !== 'CNAME') {
    const alias = answers.find((one) => one.type === 'CNAME' && bare(one.name) === target)
    if (alias?.type !== 'CNAME') break
    const next = hostFrom(alias.data)
    aliases += 1
    if (next === undefined || aliases > MOST_ALIASES) return failed('aliases that lead nowhere')
    ttl = Math.min(ttl, ttlOf(alias))
    target = next
  }
  const own = answers.filter((one) => one.type === type && bare(one.name) === target)
  if (own.length > 0) {
    const records = own.flatMap((one) => read(one) ?? [])
    if (records.length === 0) return failed('records that cannot be read')
    return { kind: 'records', records, target, aliases, ttl: Math.min(ttl, ...own.map(ttlOf)), authentic }
  }
  const authorities = packet.authorities ?? []
  const soa = authorities.find((one) => one.type === 'SOA')
  if (code === NO_SUCH_NAME || soa !== undefined || aliases === 0) {
    const refers = code === 0 && soa === undefined && authorities.some((one) => one.type === 'NS')
    if (refers) return failed('a referral: it is no resolver')
    // RFC 2308 §5: the lesser of the TTL of the SOA and its MINIMUM; without one it is not to be kept
    const negative = soa?.type === 'SOA' ? Math.min(ttlOf(soa), soa.data.minimum ?? 0) : 0
    return { kind: 'none', nameExists: code === 0, ttl: Math.min(ttl, negative), authentic }
  }
  return { kind: 'alias', records: [], target, aliases, ttl, authentic }
}

function failed(reason: string): { readonly kind: 'failed'; readonly reason: string; readonly withoutEdns: false } {
  return { kind: 'failed', reason, withoutEdns: false }
}

const FORMAT_ERROR = 1
const NO_SUCH_NAME = 3
const NOT_IMPLEMENTED = 4
/** RFC 1035 §4.1.1. */
const CODES: Readonly<Record<number, string>> = { 1: 'FORMERR', 2: 'SERVFAIL', 4: 'NOTIMP', 5: 'REFUSED' }

/** As `askedName` makes them. */
function bare(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

/** Seconds; a value beyond 31 bits is none (RFC 2181 §8). */
function ttlOf(record: Answer): number {
  const ttl = 'ttl' in record ? (record.ttl ?? 0) : 0
  return ttl > 0x7fff_ffff ? 0 : ttl
}

/** What some resolvers say beside SERVFAIL (RFC 8914 §4); those that a postmaster can act on. */
const EXTENDED_ERRORS: Readonly<Record<number, string>> = {
  5: 'DNSSEC indeterminate',
  6: 'DNSSEC bogus',
  7: 'signature expired',
  8: 'signature not yet valid',
  9: 'DNSKEY missing',
  10: 'signatures missing',
  12: 'NSEC missing',
  22: 'no authority reachable',
  23: 'network error',
}

function extendedError(packet: Packet): string {
  const opt = packet.additionals?.find((one) => one.type === 'OPT')
  if (opt?.type !== 'OPT') return ''
  for (const option of opt.options) {
    const data = Number(option.code) === 15 ? option.data : undefined
    if (data !== undefined && data.length >= 2) {
      const code = data.readUInt16BE(0)
      return ` (${EXTENDED_ERRORS[code] ?? `extended error ${code}`})`
    }
  }
  return ''
}
