/** Certificates for all listeners and STARTTLS, replaceable while the server runs. @module */

import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { TlsIdentity } from '#services/session-deps.ts'

/** A certificate chain and its key, PEM. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

/** What a thread needs to make its contexts; cloneable. */
export interface TlsMaterial {
  /** The first is the default; others are chosen by SNI. Empty: no TLS. */
  readonly pairs: readonly CertificatePair[]
  /** Authorities of client certificates, PEM; absent: none is asked for. */
  readonly clientCa?: string | undefined
  /** 48 bytes, one for all threads (design §5). */
  readonly ticketKeys: Uint8Array
}

/** TLS 1.2 with forward secrecy and AEAD, and all of TLS 1.3 (RFC 7525 §4.2, RFC 9325 §4.2). */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** A certificate or key that cannot be used. */
export class CertificateFault extends Error {
  readonly file: string
  readonly problem: 'unreadable' | 'no-certificate' | 'no-key' | 'locked-key' | 'other-key' | 'refused'

  constructor(file: string, problem: CertificateFault['problem'], cause?: unknown) {
    super(`Cannot use ${file}: ${problem}`, { cause })
    this.file = file
    this.problem = problem
  }
}

/** Reads certificate files. @throws {CertificateFault} */
export async function readPair(files: { readonly cert: string; readonly key: string }): Promise<CertificatePair> {
  const read = (file: string) =>
    readFile(file, 'utf8').catch((error: unknown) => {
      throw new CertificateFault(file, 'unreadable', error)
    })
  const pair = { cert: await read(files.cert), key: await read(files.key) }
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(pair.cert)
  } catch (error) {
    throw new CertificateFault(files.cert, 'no-certificate', error)
  }
  let key: KeyObject
  try {
    key = createPrivateKey(pair.key)
  } catch (error) {
    const locked = (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE'
    throw new CertificateFault(files.key, locked ? 'locked-key' : 'no-key', error)
  }
  if (!certificate.checkPrivateKey(key)) throw new CertificateFault(files.key, 'other-key')
  try {
    createSecureContext(pair)
  } catch (error) {
    throw new CertificateFault(files.cert, 'refused', error)
  }
  return pair
}

/** The certificates of a PEM file, each by itself. */
export function certificatesIn(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}

/** Reads certificates of authorities, one or several in a file. @throws {CertificateFault} */
export async function readAuthorities(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CertificateFault(file, 'unreadable', error)
  })
  const certificates = certificatesIn(text)
  try {
    if (certificates.length === 0) throw new Error('There is no certificate')
    for (const certificate of certificates) new X509Certificate(certificate)
  } catch (error) {
    throw new CertificateFault(file, 'no-certificate', error)
  }
  return certificates.join('\n')
}

/** A certificate and, once somebody wants it, the context that shows it. */
interface Entry {
  readonly certificate: X509Certificate
  readonly context: () => SecureContext
}

/** The contexts of one thread. */
export class ThreadTls implements TlsIdentity {
  #entries: readonly Entry[] = []
  /** By the names that certificates are for, in lower case, `*.example.org` among them. */
  #names: ReadonlyMap<string, Entry> = new Map()
  #ticketKeys: Buffer = Buffer.alloc(48)
  #requestsCertificate = false

  constructor(material: TlsMaterial) {
    this.replace(material)
  }

  /** New certificates count from the next handshake on. */
  replace({ pairs, ticketKeys, clientCa }: TlsMaterial): void {
    this.#ticketKeys = Buffer.from(ticketKeys)
    this.#requestsCertificate = clientCa !== undefined
    // a session that other authorities let in is not resumed
    const sessionIdContext =
      clientCa === undefined ? 'malle' : createHash('sha256').update(clientCa).digest('hex').slice(0, 32)
    this.#entries = pairs.map(({ cert, key }) => {
      let context: SecureContext | undefined
      const make = (): SecureContext =>
        createSecureContext({
          cert,
          key,
          minVersion: 'TLSv1.2',
          ciphers: CIPHERS,
          honorCipherOrder: true,
          ticketKeys: this.#ticketKeys,
          sessionIdContext,
          ...(clientCa === undefined ? {} : { ca: clientCa }),
        })
      return {
        certificate: new X509Certificate(cert),
        context: () => {
          context ??= make()
          return context
        },
      }
    })
    const names = new Map<string, Entry>()
    // of two for one name the first counts
    for (const entry of this.#entries.toReversed())
      for (const name of namesOf(entry.certificate)) names.set(name, entry)
    this.#names = names
  }

  get choosesByName(): boolean {
    return this.#entries.length > 1
  }

  get certificates(): readonly X509Certificate[] {
    return this.#entries.map(({ certificate }) => certificate)
  }

  get requestsCertificate(): boolean {
    return this.#requestsCertificate
  }

  get ticketKeys(): Buffer {
    return this.#ticketKeys
  }

  context(serverName: string | undefined): SecureContext | undefined {
    return this.#entry(serverName)?.context()
  }

  /** The certificate sent for a name, for `tls-server-end-point` bindings and the doctor. */
  certificate(serverName: string | undefined): X509Certificate | undefined {
    return this.#entry(serverName)?.certificate
  }

  #entry(serverName: string | undefined): Entry | undefined {
    const name = serverName?.toLowerCase()
    const named = name === undefined ? undefined : (this.#names.get(name) ?? this.#names.get(wildcardOf(name)))
    return named ?? this.#entries[0]
  }
}

/** `*.example.org` for `imap.example.org` (RFC 9525 §6.3). */
function wildcardOf(name: string): string {
  const dot = name.indexOf('.')
  return dot < 0 ? '' : `*${name.slice(dot)}`
}

/** Host names that a certificate is for; its common name where it has no others, as old ones of one's own. */
export function namesOf({ subjectAltName, subject }: X509Certificate): readonly string[] {
  const names = Array.from((subjectAltName ?? '').matchAll(/(?:^|, )DNS:([\w.*-]+)/g), ([, name = '']) => name)
  if (names.length === 0) names.push(...Array.from(subject.matchAll(/^CN=([\w.*-]+)$/gm), ([, name = '']) => name))
  return names.map((name) => name.toLowerCase())
}
