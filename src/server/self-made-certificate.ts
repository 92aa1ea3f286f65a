/** A certificate of our own making, for the demo, tests and a first start without one. @module */
import { randomBytes, webcrypto } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import path from 'node:path'

/** Where the parts of a self-made certificate are. */
export interface CertificateFiles {
  /** Certificate of the authority that signed the server's; clients trust this one. */
  readonly ca: string
  readonly cert: string
  readonly key: string
}

const DAY_MS = 86_400_000
const LIFE_DAYS = 825
const RENEW_DAYS = 30
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Where they are in `folder`, whether they are there or not. */
export function selfMadeFiles(folder: string): CertificateFiles {
  return {
    ca: path.join(folder, 'ca.pem'),
    cert: path.join(folder, 'self-made.pem'),
    key: path.join(folder, 'self-made.key.pem'),
  }
}

/**
 * Gives the certificate kept in `folder`, made anew when there is none, when it is about to end, or when it lacks a name.
 * @param names Host names and IP addresses it is for.
 */
export async function selfMadeCertificate(folder: string, names: readonly string[]): Promise<CertificateFiles> {
  const files = selfMadeFiles(folder)
  if (!(await stillGood(files, names))) await make(folder, files, names)
  return files
}

async function stillGood(files: CertificateFiles, names: readonly string[]): Promise<boolean> {
  try {
    const { X509Certificate } = await import('node:crypto')
    const certificate = new X509Certificate(await readFile(files.cert))
    await readFile(files.key)
    await readFile(files.ca)
    const covered = (name: string) =>
      isIP(name) === 0 ? certificate.checkHost(name) !== undefined : certificate.checkIP(name) !== undefined
    return Date.parse(certificate.validTo) - Date.now() > RENEW_DAYS * DAY_MS && names.every(covered)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function make(folder: string, files: CertificateFiles, names: readonly string[]): Promise<void> {
  // The library and its polyfill take 100 ms to load, so only here.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto)
  const notBefore = new Date(Date.now() - DAY_MS)
  const notAfter = new Date(Date.now() + LIFE_DAYS * DAY_MS)
  const authorityKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(8).toString('hex'),
    name: 'CN=Malle local authority',
    notBefore,
    notAfter,
    signingAlgorithm: ALGORITHM,
    keys: authorityKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  })
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomBytes(8).toString('hex'),
    subject: `CN=${names[0] ?? 'localhost'}`,
    issuer: authority.subject,
    notBefore,
    notAfter,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
    ],
  })
  const privateKey = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await replace(files.ca, authority.toString('pem'))
  await replace(files.key, pem('PRIVATE KEY', privateKey))
  await replace(files.cert, `${certificate.toString('pem')}\n${authority.toString('pem')}`)
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, `${text.trimEnd()}\n`, { mode: 0o600 })
  await chmod(`${file}.new`, 0o600)
  await rename(`${file}.new`, file)
}
