/**
 * The header with which a proxy says whose connection it passes on: the PROXY protocol of HAProxy, version 1 (text) and
 * 2 (binary). Sections are those of its specification, `doc/proxy-protocol.txt`. @module
 */
import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { V1_OCTETS, V2_OCTETS } from './limits.ts'

/** One end of the connection that the proxy accepted. */
export interface ProxiedEnd {
  /** IP address, in the one form it is compared in. */
  readonly address: string
  readonly port: number
}

export interface ProxyHeader {
  /** `undefined`: the proxy speaks for itself (a health check), or does not know. */
  readonly ends: { readonly source: ProxiedEnd; readonly destination: ProxiedEnd } | undefined
}

/** What the first bytes of a connection are. */
export type ProxyStart =
  /** Not enough to tell. */
  | { readonly kind: 'more' }
  /** `length` bytes are the header, what follows is the client's. */
  | { readonly kind: 'header'; readonly header: ProxyHeader; readonly length: number }
  | { readonly kind: 'garbage' }

const MORE: ProxyStart = { kind: 'more' }
const GARBAGE: ProxyStart = { kind: 'garbage' }
const V1_PREFIX = Buffer.from('PROXY ')
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V2_HEAD = 16
const UNIX_OCTETS = 216

/** Reads what has come so far; call it again with more of the same while it wants `more`. */
export function readProxyStart(bytes: Uint8Array): ProxyStart {
  if (begins(bytes, V1_PREFIX)) return bytes.length < V1_PREFIX.length ? MORE : readV1(bytes)
  if (begins(bytes, V2_SIGNATURE)) return bytes.length < V2_HEAD ? readV2Head(bytes) : readV2(bytes)
  return GARBAGE
}

/** Whether as much as there is of both is the same. */
function begins(bytes: Uint8Array, prefix: Uint8Array): boolean {
  const length = Math.min(bytes.length, prefix.length)
  for (let at = 0; at < length; at += 1) if (bytes[at] !== prefix[at]) return false
  return true
}

// §2.1: "PROXY" SP ("TCP4" / "TCP6") SP source SP destination SP port SP port CRLF, or "PROXY UNKNOWN" anything CRLF
const V1 =
  /^PROXY (?:UNKNOWN(?: [^\r\n]*)?|(TCP[46]) ([0-9a-fA-F.:]{2,39}) ([0-9a-fA-F.:]{2,39}) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4}))$/

function readV1(bytes: Uint8Array): ProxyStart {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, V1_OCTETS)).toString('latin1')
  const end = text.indexOf('\r\n')
  if (end < 0) return text.length < V1_OCTETS && !/[\n\0]/.test(text) ? MORE : GARBAGE
  const match = V1.exec(text.slice(0, end))
  if (match === null) return GARBAGE
  const [, family, from = '', to = '', fromPort, toPort] = match
  const length = end + 2
  if (family === undefined) return { kind: 'header', header: { ends: undefined }, length }
  const source = endOf(family === 'TCP4', from, Number(fromPort))
  const destination = endOf(family === 'TCP4', to, Number(toPort))
  if (source === undefined || destination === undefined) return GARBAGE
  return { kind: 'header', header: { ends: { source, destination } }, length }
}

/** Version and command are looked at as soon as they are there. */
function readV2Head(bytes: Uint8Array): ProxyStart {
  const command = bytes[12]
  return command === undefined || command === 0x20 || command === 0x21 ? MORE : GARBAGE
}

// §2.2: signature, version and command, family and transport, length, addresses, then TLVs, which nothing here needs
function readV2(bytes: Uint8Array): ProxyStart {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const command = view.getUint8(12)
  const family = view.getUint8(13)
  const size = view.getUint16(14)
  if ((command !== 0x20 && command !== 0x21) || size > V2_OCTETS) return GARBAGE
  const needed = command === 0x20 ? 0 : addressOctets(family)
  if (needed === undefined || size < needed) return GARBAGE
  const length = V2_HEAD + size
  if (bytes.length < length) return MORE
  if (needed !== 12 && needed !== 36) return { kind: 'header', header: { ends: undefined }, length }
  const width = needed === 12 ? 4 : 16
  const at = V2_HEAD + 2 * width
  const source = endOf(width === 4, formatAddress(bytes.subarray(V2_HEAD, V2_HEAD + width)), view.getUint16(at))
  const destination = endOf(width === 4, formatAddress(bytes.subarray(V2_HEAD + width, at)), view.getUint16(at + 2))
  if (source === undefined || destination === undefined) return GARBAGE
  return { kind: 'header', header: { ends: { source, destination } }, length }
}

/** What the addresses of a family take; `undefined`: no byte stream, so not for us. */
function addressOctets(family: number): number | undefined {
  switch (family) {
    case 0x00: // unspecified: the receiver takes the connection as it is
      return 0
    case 0x11:
      return 12
    case 0x21:
      return 36
    case 0x31:
      return UNIX_OCTETS
    default:
      return undefined
  }
}

function formatAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.')
  return Buffer.from(octets)
    .toString('hex')
    .replace(/(.{4})(?!$)/g, '$1:')
}

function endOf(v4: boolean, address: string, port: number): ProxiedEnd | undefined {
  if (!(v4 ? isIPv4(address) : isIPv6(address)) || port > 65_535) return undefined
  return { address: v4 ? address : new SocketAddress({ address, family: 'ipv6' }).address, port }
}
