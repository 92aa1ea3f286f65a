/** Client certificates for tests, signed by an authority of their own. @module */
import { randomBytes, webcrypto } from 'node:crypto'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** A certificate and its key, PEM. */
export interface ClientCertificate {
  readonly cert: string
  readonly key: string
}

/** Signs client certificates. */
export interface ClientAuthority {
  /** PEM, for `tls.client_ca`. */
  readonly ca: string
  /**
   * @param endsIn Seconds from now.
   * @param name The common name.
   */
  issue(emails: readonly string[], endsIn?: number, name?: string): Promise<ClientCertificate>
}

export async function clientAuthority(): Promise<ClientAuthority> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto)
  const notBefore = new Date(Date.now() - 86_400_000)
  const base = () => ({ serialNumber: randomBytes(8).toString('hex'), notBefore, signingAlgorithm: ALGORITHM })
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...base(),
    name: `CN=Clients ${randomBytes(4).toString('hex')}`,
    notAfter: new Date(Date.now() + 86_400_000),
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  return {
    ca: authority.toString('pem'),
    async issue(emails, endsIn = 86_400, name = 'client') {
      const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
      const certificate = await x509.X509CertificateGenerator.create({
        ...base(),
        subject: `CN=${name}`,
        issuer: authority.subject,
        notAfter: new Date(Date.now() + endsIn * 1000),
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
          new x509.SubjectAlternativeNameExtension([
            { type: 'dns', value: 'client.example.org' },
            ...emails.map((value) => ({ type: 'email' as const, value })),
          ]),
        ],
      })
      const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey))
      const lines = der.toString('base64').match(/.{1,64}/g) ?? []
      const key = `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`
      return { cert: certificate.toString('pem'), key }
    },
  }
}
