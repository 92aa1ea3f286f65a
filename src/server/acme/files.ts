/** `tls/acme/` of the data directory: the account's key, certificates with their keys, and what is remembered of tries. @module */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { CertificateFault, type CertificatePair, readPair } from '../tls.ts'
import { type AcmeRecord, NEVER_TRIED } from './plan.ts'

const ACCOUNT_KEY = 'account.key.pem'
const STATE = 'state.json'

/** What is remembered of the tries for each certificate. */
export type AcmeRecords = ReadonlyMap<string, AcmeRecord>

/** A certificate that is there. */
export interface KeptCertificate {
  readonly id: string
  readonly pair: CertificatePair
  readonly certificate: X509Certificate
}

export class AcmeFiles {
  readonly #folder: string

  /** @param data The data directory. */
  constructor(data: string) {
    this.#folder = path.join(data, 'tls', 'acme')
  }

  /** Every certificate with its key, in the order of their names. What cannot be used is left out. */
  async certificates(): Promise<readonly KeptCertificate[]> {
    const files = (await orNothing(readdir(this.#folder))) ?? []
    const kept: KeptCertificate[] = []
    for (const file of files.toSorted()) {
      if (!file.endsWith('.pem') || file.endsWith('.key.pem')) continue
      const one = await this.certificate(file.slice(0, -'.pem'.length))
      if (one !== undefined) kept.push(one)
    }
    return kept
  }

  /** `undefined`: it is not there, or of no use. */
  async certificate(id: string): Promise<KeptCertificate | undefined> {
    try {
      const pair = await readPair({ cert: this.#path(`${id}.pem`), key: this.#path(`${id}.key.pem`) })
      return { id, pair, certificate: new X509Certificate(pair.cert) }
    } catch (error) {
      // a new one is asked for, which is all that can be done about it
      if (error instanceof CertificateFault) return undefined
      throw error
    }
  }

  /** The certificate with its key. */
  async remove(id: string): Promise<void> {
    for (const file of [`${id}.pem`, `${id}.key.pem`]) await rm(this.#path(file), { force: true })
  }

  async keep(id: string, chain: string): Promise<void> {
    await this.#write(`${id}.pem`, chain)
  }

  /**
   * The private key of a certificate, made at first need. Renewals keep it: TLSA records that name it stay right
   * (RFC 7671 §8.1). Whoever wants another deletes the file.
   */
  async keyOf(id: string): Promise<string> {
    return this.#key(`${id}.key.pem`)
  }

  async accountKey(): Promise<string> {
    return this.#key(ACCOUNT_KEY)
  }

  async records(): Promise<AcmeRecords> {
    const text = await orNothing(readFile(this.#path(STATE), 'utf8'))
    try {
      const read = JSON.parse(text ?? '{}') as Readonly<Record<string, Partial<AcmeRecord>>>
      return new Map(Object.entries(read).map(([id, record]) => [id, { ...NEVER_TRIED, ...record }]))
    } catch (error) {
      if (error instanceof SyntaxError) return new Map()
      throw error
    }
  }

  async keepRecords(records: AcmeRecords): Promise<void> {
    await this.#write(STATE, JSON.stringify(Object.fromEntries(records), undefined, 2))
  }

  async #key(file: string): Promise<string> {
    const kept = await orNothing(readFile(this.#path(file), 'utf8'))
    if (kept !== undefined && isKey(kept)) return kept
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    await this.#write(file, pem)
    return pem
  }

  /** Whole or not at all. */
  async #write(file: string, text: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const target = this.#path(file)
    const handle = await open(`${target}.new`, 'w', 0o600)
    try {
      await handle.writeFile(`${text.trimEnd()}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await chmod(`${target}.new`, 0o600)
    await rename(`${target}.new`, target)
  }

  #path(file: string): string {
    return path.join(this.#folder, file)
  }
}

function isKey(pem: string): boolean {
  try {
    createPrivateKey(pem)
    return true
  } catch {
    return false
  }
}

async function orNothing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
