import type { TLSSocket } from 'node:tls'

/**
 * The e-mail addresses in a client certificate (subjectAltName, rfc822Name: RFC 5280 §4.2.1.6) that was verified
 * against the authorities configured; none without TLS or certificate.
 */
export function clientAddresses(socket: TLSSocket | undefined): readonly string[] {
  if (socket?.authorized !== true) return []
  const names = socket.getPeerX509Certificate()?.subjectAltName ?? ''
  // Node quotes a name in which there is a comma or a quote: no address of ours has one, so those are passed over.
  return names.split(', ').flatMap((name) => (/^email:[^"\s]+$/.test(name) ? [name.slice('email:'.length)] : []))
}
