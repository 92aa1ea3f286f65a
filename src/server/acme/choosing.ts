/** Which certificate a client of HTTPS sees, and that of a challenge (RFC 8737 §3). @module */
import { type SecureContext, TLSSocket, type TlsOptions } from 'node:tls'
import type { Challenges } from './challenges.ts'

/** What an authority speaks that looks at a certificate (RFC 8737 §6.2). */
const ACME_TLS = 'acme-tls/1'

/**
 * Chooses what a client sees: by its name, but the certificate of a challenge for the authority that asks for it. The
 * protocol is agreed on before the certificate is chosen, so that everybody else sees what they always see.
 */
export function choosing(
  contexts: { context(serverName: string): SecureContext | undefined },
  challenges: Challenges,
): Required<Pick<TlsOptions, 'ALPNCallback' | 'SNICallback'>> {
  const challenged = new WeakMap<object, SecureContext>()
  return {
    ALPNCallback(this: unknown, { servername, protocols }) {
      const context = protocols.includes(ACME_TLS) ? challenges.certificate(servername) : undefined
      if (context === undefined) return protocols.includes('http/1.1') ? 'http/1.1' : undefined
      if (this instanceof TLSSocket) {
        challenged.set(this, context)
        // nothing is said over it (RFC 8737 §3)
        this.once('secure', () => this.destroySoon())
      }
      return ACME_TLS
    },
    SNICallback(this: unknown, name, callback) {
      const context = this instanceof TLSSocket ? challenged.get(this) : undefined
      callback(null, context ?? contexts.context(name))
    },
  }
}
