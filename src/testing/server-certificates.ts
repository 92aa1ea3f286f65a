/** Certificates of servers for tests: an authority, authorities below it, and what they sign. @module */
import { randomBytes, webcrypto } from 'node:crypto'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export interface ServerCertificate {
  /** PEM: the certificate, then the authorities below the root. */
  readonly cert: string
  readonly key: string
}

export interface IssueOptions {
  /** Seconds from now. */
  readonly startsIn?: number
  readonly endsIn?: number
  /** The common name; absent: the first of the names. */
  readonly commonName?: string
}

export interface ServerAuthority {
  /** Its own certificate, PEM. */
  readonly ca: string
  issue(names: readonly string[], options?: IssueOptions): Promise<ServerCertificate>
  /** An authority below this one. */
  below(options?: IssueOptions & { readonly mayIssue?: boolean }): Promise<ServerAuthority>
}

/** A root of its own. */
export async function serverAuthority(): Promise<ServerAuthority> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto)
  type Keys = webcrypto.CryptoKeyPair
  const newKeys = (): Promise<Keys> => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const at = (seconds: number): Date => new Date(Date.now() + seconds * 1000)
  const newName = (): string => `CN=Authority ${randomBytes(4).toString('hex')}`
  const base = ({ startsIn = -86_400, endsIn = 86_400 }: IssueOptions) => ({
    serialNumber: randomBytes(8).toString('hex'),
    notBefore: at(startsIn),
    notAfter: at(endsIn),
    signingAlgorithm: ALGORITHM,
  })
  const caExtensions = (may: boolean) => [
    new x509.BasicConstraintsExtension(may, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
  ]

  const authority = (
    own: { toString(format: 'pem'): string; subject: string },
    keys: Keys,
    above: string,
  ): ServerAuthority => ({
    ca: own.toString('pem'),
    async issue(names, options = {}) {
      const mine = await newKeys()
      const certificate = await x509.X509CertificateGenerator.create({
        ...base(options),
        subject: `CN=${options.commonName ?? names[0] ?? 'nobody'}`,
        issuer: own.subject,
        publicKey: mine.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          ...(names.length === 0
            ? []
            : [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value })))]),
        ],
      })
      const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', mine.privateKey))
      const lines = der.toString('base64').match(/.{1,64}/g) ?? []
      const key = `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`
      return { cert: `${certificate.toString('pem')}\n${above}`, key }
    },
    async below(options = {}) {
      const mine = await newKeys()
      const certificate = await x509.X509CertificateGenerator.create({
        ...base(options),
        subject: newName(),
        issuer: own.subject,
        publicKey: mine.publicKey,
        signingKey: keys.privateKey,
        extensions: caExtensions(options.mayIssue ?? true),
      })
      return authority(certificate, mine, `${certificate.toString('pem')}\n${above}`)
    },
  })

  const keys = await newKeys()
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...base({}),
    name: newName(),
    keys,
    extensions: caExtensions(true),
  })
  return authority(root, keys, '')
}
