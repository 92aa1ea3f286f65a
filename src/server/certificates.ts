/** The certificates of an installation: files of the configuration, those of an authority (ACME), else one of our own making. @module */
import { createHash, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Config, CertificateFiles as ConfiguredFiles } from '#config/config.ts'
import type { Log } from '#services/session-deps.ts'
import { AcmeFiles } from './acme/files.ts'
import { selfMadeCertificate, selfMadeFiles } from './self-made-certificate.ts'
import { CertificateFault, type CertificatePair, namesOf, readAuthorities, readPair } from './tls.ts'

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
  const clientCa = config.tls.clientCa === undefined ? undefined : await readAuthorities(config.tls.clientCa)
  const extra = await Promise.all(hosts.map(readPair))
  if (files !== undefined) return { pairs: [await readPair(files), ...extra], clientCa, ca: undefined }
  const kept = config.tls.acme === undefined ? [] : await new AcmeFiles(config.data).certificates()
  const own = kept.find(({ id }) => id === config.hostname)
  const given = kept.filter((one) => one !== own).map(({ pair }) => pair)
  if (own !== undefined) return { pairs: [own.pair, ...extra, ...given], clientCa, ca: undefined }
  const local = config.hostname === 'localhost'
  const names = local ? ['localhost', '127.0.0.1', '::1'] : [config.hostname]
  const made = await selfMadeCertificate(path.join(config.data, 'tls'), names)
  if (config.tls.acme !== undefined)
    log.info({ cert: made.cert }, 'a self-made certificate is used until the authority gives one')
  // Nobody else could sign one for localhost, so there it is no cause for a warning.
  else
    log[local ? 'info' : 'warn'](
      { cert: made.cert },
      'no certificate is configured: a self-made one is used, which clients do not trust',
    )
  return { pairs: [await readPair(made), ...extra, ...given], clientCa, ca: made.ca }
}

/** The certificate that port 25 shows, without making one; `undefined`: there is none yet. @throws {CertificateFault} */
export async function shownCertificate({ tls, data, hostname }: Config): Promise<X509Certificate | undefined> {
  if (tls.files !== undefined) return new X509Certificate((await readPair(tls.files)).cert)
  const kept = tls.acme === undefined ? undefined : await new AcmeFiles(data).certificate(hostname)
  if (kept !== undefined) return kept.certificate
  const made = selfMadeFiles(path.join(data, 'tls'))
  return existsSync(made.cert) ? new X509Certificate((await readPair(made)).cert) : undefined
}

/** SHA-256 of its public key, for TLSA 3 1 1 (RFC 7672 §3.1). */
export function publicKeyHash(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('hex')
}

/** A certificate as administrators see it. */
export interface CertificateView {
  readonly names: readonly string[]
  readonly source: 'file' | 'acme' | 'self-made'
  /** ISO 8601; `null`: there is none yet. */
  readonly until: string | null
  /** What the authority said when one was asked for last; `null`: nothing is wrong. */
  readonly problem: string | null
  /** ISO 8601: when the authority is asked again after that. */
  readonly nextTry: string | null
}

/** Every certificate there is or should be, the one that is shown where no other fits first. */
export async function certificateViews(config: Config): Promise<readonly CertificateView[]> {
  const { files, hosts, acme } = config.tls
  const views = await Promise.all(
    [...(files === undefined ? [] : [{ ...files, name: config.hostname }]), ...hosts].map(configuredView),
  )
  if (files !== undefined) return views
  const given = acme === undefined ? [] : await acmeViews(config)
  const own = acme === undefined ? undefined : await new AcmeFiles(config.data).certificate(config.hostname)
  const made = own === undefined ? await shownCertificate(config) : undefined
  return [...(made === undefined ? [] : [viewOf(made, 'self-made')]), ...given, ...views]
}

async function configuredView(files: ConfiguredFiles & { readonly name: string }): Promise<CertificateView> {
  try {
    return viewOf(new X509Certificate((await readPair(files)).cert), 'file')
  } catch (error) {
    if (!(error instanceof CertificateFault)) throw error
    return { names: [files.name], source: 'file', until: null, problem: error.message, nextTry: null }
  }
}

async function acmeViews({ data, hostname }: Config): Promise<readonly CertificateView[]> {
  const files = new AcmeFiles(data)
  const kept = await files.certificates()
  const records = await files.records()
  const told = (id: string): Pick<CertificateView, 'problem' | 'nextTry'> => {
    const { reason, nextTry } = records.get(id) ?? { reason: undefined, nextTry: 0 }
    return reason === undefined
      ? { problem: null, nextTry: null }
      : { problem: reason, nextTry: new Date(nextTry).toISOString() }
  }
  const views = kept.map(({ id, certificate }) => ({ id, view: { ...viewOf(certificate, 'acme'), ...told(id) } }))
  for (const id of records.keys()) {
    if (kept.some((one) => one.id === id)) continue
    const names = [id.replace(/^domain-/, '')]
    views.push({ id, view: { names, source: 'acme', until: null, ...told(id) } })
  }
  return views.toSorted((a, b) => Number(b.id === hostname) - Number(a.id === hostname)).map(({ view }) => view)
}

function viewOf(certificate: X509Certificate, source: CertificateView['source']): CertificateView {
  return {
    names: namesOf(certificate),
    source,
    until: certificate.validToDate.toISOString(),
    problem: null,
    nextTry: null,
  }
}
