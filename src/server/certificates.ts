/** The certificates of an installation: files of the configuration, else one of our own making. @module */
import { createHash, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Config } from '#config/config.ts'
import type { Log } from '#services/session-deps.ts'
import { selfMadeCertificate, selfMadeFiles } from './self-made-certificate.ts'
import { type CertificatePair, readClientCa, readPair } from './tls.ts'

/** What listeners show, and whom they ask for a certificate. */
export interface Certificates {
  /** The first is shown where no other fits the name that was asked for. */
  readonly pairs: readonly CertificatePair[]
  readonly clientCa: string | undefined
  /** Path of the authority's certificate when Malle made its own. */
  readonly ca: string | undefined
}

/** Reads them, making one where there is none. @throws {CertificateFault} */
export async function readCertificates(config: Config, log: Log): Promise<Certificates> {
  const { files, hosts } = config.tls
  const clientCa = config.tls.clientCa === undefined ? undefined : await readClientCa(config.tls.clientCa)
  const extra = await Promise.all(hosts.map(readPair))
  if (files !== undefined) return { pairs: [await readPair(files), ...extra], clientCa, ca: undefined }
  const local = config.hostname === 'localhost'
  const names = local ? ['localhost', '127.0.0.1', '::1'] : [config.hostname]
  const made = await selfMadeCertificate(path.join(config.data, 'tls'), names)
  // Nobody else could sign one for localhost, so there it is no cause for a warning.
  log[local ? 'info' : 'warn'](
    { cert: made.cert },
    'no certificate is configured: a self-made one is used, which clients do not trust',
  )
  return { pairs: [await readPair(made), ...extra], clientCa, ca: made.ca }
}

/** The certificate that port 25 shows, without making one; `undefined`: there is none yet. @throws {CertificateFault} */
export async function shownCertificate({ tls, data }: Config): Promise<X509Certificate | undefined> {
  if (tls.files !== undefined) return new X509Certificate((await readPair(tls.files)).cert)
  const made = selfMadeFiles(path.join(data, 'tls'))
  return existsSync(made.cert) ? new X509Certificate((await readPair(made)).cert) : undefined
}

/** SHA-256 of its public key, for TLSA 3 1 1 (RFC 7672 §3.1). */
export function publicKeyHash(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('hex')
}
