/**
 * Greylisting (RFC 6647): who hands mail over for the first time is asked to come again, as real servers do. Known by
 * network, sender and recipient, in a small database of the checks thread; losing it costs a delay.
 * @module
 */
import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#lib/clock.ts'
import { addressGroup, networkGroup } from '#services/networks.ts'

export interface GreylistOptions {
  /** Path of the database, or `:memory:`. */
  readonly path: string
  /** How long a triplet waits before it is let in. */
  readonly waitMs: number
  readonly clock: Clock
}

/** Who comes again later than this is new. */
const AGAIN_WITHIN_MS = 2 * 86_400_000
/** Who has been let in stays so long, from the last time on. */
const KNOWN_MS = 35 * 86_400_000
/** A network of which so many triplets came again is let in at once. */
const PROVEN = 5
const SWEEP_MS = 3_600_000

const SCHEMA = `
  PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
  CREATE TABLE IF NOT EXISTS triplet (
    network TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, passed INTEGER NOT NULL,
    PRIMARY KEY (network, sender, recipient)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS network (name TEXT PRIMARY KEY, passed INTEGER NOT NULL, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`

export class Greylist implements Disposable {
  readonly #options: GreylistOptions
  readonly #database: DatabaseSync
  #swept: number

  constructor(options: GreylistOptions) {
    this.#options = options
    this.#swept = options.clock.now()
    this.#database = openOrAnew(options.path)
  }

  /** @returns whether the client is to come again. */
  holds(address: string, sender: string, recipient: string): boolean {
    const now = this.#options.clock.now()
    this.#sweep(now)
    // an IPv6 customer has a /64; an IPv4 sender's farm is in a /24
    const network = address.includes(':') ? addressGroup(address) : networkGroup(address)
    if (this.#isProven(network, now)) return false
    const key = [network, sender.toLowerCase(), recipient.toLowerCase()] as const
    const row = this.#database
      .prepare('SELECT first, last, passed FROM triplet WHERE network = ? AND sender = ? AND recipient = ?')
      .get(...key)
    const stale = row === undefined || Number(row['last']) + (row['passed'] === 1 ? KNOWN_MS : AGAIN_WITHIN_MS) < now
    if (stale) {
      this.#database.prepare('INSERT OR REPLACE INTO triplet VALUES (?, ?, ?, ?, ?, 0)').run(...key, now, now)
      return true
    }
    if (row['passed'] === 0 && now - Number(row['first']) < this.#options.waitMs) return true
    this.#database
      .prepare('UPDATE triplet SET last = ?, passed = 1 WHERE network = ? AND sender = ? AND recipient = ?')
      .run(now, ...key)
    if (row['passed'] === 0)
      this.#database
        .prepare(
          'INSERT INTO network VALUES (?, 1, ?) ON CONFLICT (name) DO UPDATE SET passed = passed + 1, last = excluded.last',
        )
        .run(network, now)
    return false
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }

  #isProven(network: string, now: number): boolean {
    const row = this.#database.prepare('SELECT passed, last FROM network WHERE name = ?').get(network)
    if (row === undefined || Number(row['passed']) < PROVEN || Number(row['last']) + KNOWN_MS < now) return false
    this.#database.prepare('UPDATE network SET last = ? WHERE name = ?').run(now, network)
    return true
  }

  #sweep(now: number): void {
    if (now - this.#swept < SWEEP_MS) return
    this.#swept = now
    this.#database
      .prepare('DELETE FROM triplet WHERE last < CASE passed WHEN 1 THEN ? ELSE ? END')
      .run(now - KNOWN_MS, now - AGAIN_WITHIN_MS)
    this.#database.prepare('DELETE FROM network WHERE last < ?').run(now - KNOWN_MS)
  }
}

/** One that is damaged begins anew, as nothing syncs it: mail must not wait for it. */
function openOrAnew(path: string): DatabaseSync {
  try {
    return opened(path)
  } catch (error) {
    if (path === ':memory:') throw error
    for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true })
    return opened(path)
  }
}

function opened(path: string): DatabaseSync {
  const database = new DatabaseSync(path)
  try {
    database.exec(SCHEMA)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}
