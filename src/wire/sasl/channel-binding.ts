/** Channel bindings of TLS (RFC 5056): `tls-exporter` (RFC 9266), `tls-server-end-point` and `tls-unique` (RFC 5929). @module */
import { createHash, type X509Certificate } from 'node:crypto'

/** Gives the binding data of a type, `undefined` where this connection has none. */
export type ChannelBindings = (type: string) => Uint8Array | undefined

/** What is needed of a `TLSSocket`. */
export interface BoundSocket {
  getProtocol(): string | null
  isSessionReused(): boolean
  exportKeyingMaterial(length: number, label: string, context: Buffer): Uint8Array
  getX509Certificate(): X509Certificate | undefined
  getPeerX509Certificate(): X509Certificate | undefined
  getFinished(): Uint8Array | undefined
  getPeerFinished(): Uint8Array | undefined
}

/** Types in the order in which our client prefers them. */
export const CHANNEL_BINDING_TYPES = ['tls-exporter', 'tls-server-end-point'] as const

/**
 * The channel bindings of a TLS connection whose handshake is over.
 *
 * `tls-exporter` is given over TLS 1.3 only: below, RFC 9266 §3 demands the extended master secret, of which the
 * runtime does not tell. `tls-unique` exists below TLS 1.3 only, and here not on resumed sessions, where it binds
 * nothing without that same extension (RFC 7677 §4).
 */
export function channelBindings(socket: BoundSocket, side: 'server' | 'client'): ChannelBindings {
  return (type) => {
    const tls13 = socket.getProtocol() === 'TLSv1.3'
    switch (type) {
      case 'tls-exporter':
        return tls13 ? socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)) : undefined
      case 'tls-server-end-point': {
        const certificate = side === 'server' ? socket.getX509Certificate() : socket.getPeerX509Certificate()
        return certificate === undefined ? undefined : endPoint(certificate)
      }
      case 'tls-unique':
        // the first Finished message of the handshake, which is the client's in a full one (RFC 5929 §3.1)
        if (tls13 || socket.isSessionReused()) return undefined
        return side === 'server' ? socket.getPeerFinished() : socket.getFinished()
      default:
        return undefined
    }
  }
}

/** Hash of the certificate with the hash of its signature, SHA-256 in place of MD5 and SHA-1 (RFC 5929 §4.1). */
function endPoint(certificate: X509Certificate): Uint8Array | undefined {
  const signature = (certificate.signatureAlgorithm ?? '').toLowerCase()
  // Ed25519, Ed448 and RSASSA-PSS name no single hash, which RFC 5929 leaves undefined
  const hash = /sha-?(1|224|256|384|512)(?![0-9])/.exec(signature)?.[1] ?? (signature.includes('md5') ? '1' : undefined)
  if (hash === undefined) return undefined
  return createHash(hash === '1' ? 'sha256' : `sha${hash}`)
    .update(certificate.raw)
    .digest()
}
