/** Keys that sign, as a thread apart from the directory's reads them: facts from `directory.db`, private halves from files. @module */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { privateKeyFile } from '#adapters/files/private-keys.ts'
import type { Clock } from '#lib/clock.ts'
import { dkimState, type SigningKey, type SigningKeys } from '#services/dkim-keys.ts'
import type { DkimKeyRecord } from '#store/directory.ts'
import { dkimKeyOf } from './directory-rows.ts'
import { integer } from './sql.ts'

/** Domains in memory. */
const MOST_DOMAINS = 1_000

export interface SigningKeysOptions {
  /** `directory.db`, brought up to date before. */
  readonly database: string
  /** Of private keys. */
  readonly folder: string
  readonly clock: Clock
  /** A key is in the directory and its file is not to be had, or is no key; told once as long as nothing changes. */
  readonly unreadable: (domain: string, selector: string, error: unknown) => void
}

/** Reads a domain's keys once and again when anything in the directory has changed. */
export class SqliteSigningKeys implements SigningKeys, Disposable {
  readonly #options: SigningKeysOptions
  readonly #db: DatabaseSync
  readonly #version: StatementSync
  readonly #rows: StatementSync
  readonly #domains = new Map<string, readonly DkimKeyRecord[]>()
  /** `null`: it cannot be read. */
  readonly #files = new Map<DkimKeyRecord, KeyObject | null>()
  #seen = -1

  constructor(options: SigningKeysOptions) {
    this.#options = options
    this.#db = new DatabaseSync(options.database, { readOnly: true, timeout: 5_000 })
    this.#version = this.#db.prepare('PRAGMA data_version')
    this.#rows = this.#db.prepare('SELECT * FROM dkim_key WHERE domain = ? ORDER BY created_at, selector')
  }

  /** The newest of each algorithm that signs now, RSA first. */
  active(domain: string): readonly SigningKey[] {
    this.#forgetOld()
    const now = this.#options.clock.now()
    const signing = this.#keysOf(domain).filter((key) => dkimState(key, now) === 'active')
    return (['rsa', 'ed25519'] as const).flatMap((algorithm) => {
      const key = signing.findLast((one) => one.algorithm === algorithm)
      const privateKey = key && this.#privateKey(key)
      return key && privateKey ? [{ domain, selector: key.selector, algorithm, privateKey }] : []
    })
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close()
  }

  /** SQLite says whether another connection has committed, without reading anything. */
  #forgetOld(): void {
    const version = integer(this.#version.get()?.data_version)
    if (version === this.#seen && this.#domains.size < MOST_DOMAINS) return
    this.#seen = version
    this.#domains.clear()
    this.#files.clear()
  }

  #keysOf(domain: string): readonly DkimKeyRecord[] {
    const known = this.#domains.get(domain)
    if (known !== undefined) return known
    const keys = this.#rows.all(domain).map(dkimKeyOf)
    this.#domains.set(domain, keys)
    return keys
  }

  #privateKey(key: DkimKeyRecord): KeyObject | null {
    const known = this.#files.get(key)
    if (known !== undefined) return known
    const read = this.#read(key)
    this.#files.set(key, read)
    return read
  }

  /** To parse one takes twice as long as to sign with it. */
  #read({ domain, selector }: DkimKeyRecord): KeyObject | null {
    try {
      return createPrivateKey(readFileSync(privateKeyFile(this.#options.folder, domain, selector)))
    } catch (error) {
      this.#options.unreadable(domain, selector, error)
      return null
    }
  }
}
