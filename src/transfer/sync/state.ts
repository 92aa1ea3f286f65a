/** What was synchronised already: pairs of messages, each change on disk when the call returns. @module */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StateBusy, StateTooNew } from '../collect/errors.ts'

const VERSION = 1
const SCHEMA = `
CREATE TABLE pair (id INTEGER PRIMARY KEY, from_name TEXT NOT NULL, to_name TEXT NOT NULL, UNIQUE (from_name, to_name)) STRICT;
CREATE TABLE mailbox (
  id INTEGER PRIMARY KEY,
  pair INTEGER NOT NULL REFERENCES pair (id),
  left_name TEXT NOT NULL,
  right_name TEXT NOT NULL,
  -- NULL until what was there on both sides before the first run was compared
  left_validity TEXT,
  right_validity TEXT,
  -- marks of both when there was nothing left to do
  left_mark TEXT,
  right_mark TEXT,
  UNIQUE (pair, left_name), UNIQUE (pair, right_name)
) STRICT;
CREATE TABLE message (
  mailbox INTEGER NOT NULL REFERENCES mailbox (id),
  left_key TEXT NOT NULL,
  right_key TEXT NOT NULL,
  -- flags of both at the last run, in lower case, apart by spaces
  flags TEXT NOT NULL,
  PRIMARY KEY (mailbox, left_key), UNIQUE (mailbox, right_key)
) STRICT, WITHOUT ROWID;
-- messages on their way; the side is where they come from
CREATE TABLE pending (
  mailbox INTEGER NOT NULL REFERENCES mailbox (id),
  side TEXT NOT NULL,
  key TEXT NOT NULL,
  PRIMARY KEY (mailbox, side, key)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = ${VERSION};
`

export type End = 'left' | 'right'

/** Two mailboxes that belong together. */
export interface MailboxRecord {
  readonly id: number
  readonly leftName: string
  readonly rightName: string
  readonly leftValidity: string | undefined
  readonly rightValidity: string | undefined
  readonly leftMark: string | undefined
  readonly rightMark: string | undefined
}

/** Two messages that are the same. */
export interface MessagePair {
  readonly left: string
  readonly right: string
  /** In lower case. */
  readonly flags: readonly string[]
}

/** See the module. Held by one run at a time. */
export class SyncState implements Disposable {
  readonly #db: DatabaseSync
  readonly #pair: number

  /** Opens the file, made if it is not there. @throws {StateBusy}, {StateTooNew} */
  constructor(file: string, from: string, to: string) {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    this.#db = new DatabaseSync(file)
    try {
      this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
      this.#db.exec('BEGIN IMMEDIATE; COMMIT;')
      const version = Number(this.#db.prepare('PRAGMA user_version').get()?.user_version)
      if (version > VERSION) throw new StateTooNew(`${file} was written by a newer Malle`)
      if (version === 0) this.#db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`)
      this.#db.prepare('INSERT OR IGNORE INTO pair (from_name, to_name) VALUES (?, ?)').run(from, to)
      this.#pair = Number(this.#db.prepare('SELECT id FROM pair WHERE from_name = ? AND to_name = ?').get(from, to)?.id)
    } catch (error) {
      this.#db.close()
      // SQLITE_BUSY
      if (error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5)
        throw new StateBusy(`Another run works with ${file}`, { cause: error })
      throw error
    }
  }

  mailboxes(): readonly MailboxRecord[] {
    const rows = this.#db.prepare('SELECT * FROM mailbox WHERE pair = ? ORDER BY id').all(this.#pair)
    const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
    return rows.map((row) => ({
      id: Number(row.id),
      leftName: String(row.left_name),
      rightName: String(row.right_name),
      leftValidity: text(row.left_validity),
      rightValidity: text(row.right_validity),
      leftMark: text(row.left_mark),
      rightMark: text(row.right_mark),
    }))
  }

  /** Two mailboxes belong together from now on. */
  join(leftName: string, rightName: string): MailboxRecord {
    const added = this.#db
      .prepare('INSERT INTO mailbox (pair, left_name, right_name) VALUES (?, ?, ?)')
      .run(this.#pair, leftName, rightName)
    const nothing = { leftValidity: undefined, rightValidity: undefined, leftMark: undefined, rightMark: undefined }
    return { id: Number(added.lastInsertRowid), leftName, rightName, ...nothing }
  }

  /** Two mailboxes do not belong together any more. */
  part(mailbox: number): void {
    this.#together(() => {
      this.#db.prepare('DELETE FROM message WHERE mailbox = ?').run(mailbox)
      this.#db.prepare('DELETE FROM pending WHERE mailbox = ?').run(mailbox)
      this.#db.prepare('DELETE FROM mailbox WHERE id = ?').run(mailbox)
    })
  }

  /** What was there before was compared: these are the same, and nothing else is known. */
  begin(mailbox: number, leftValidity: string, rightValidity: string, pairs: readonly MessagePair[]): void {
    this.#together(() => {
      this.#db.prepare('DELETE FROM message WHERE mailbox = ?').run(mailbox)
      this.#db.prepare('DELETE FROM pending WHERE mailbox = ?').run(mailbox)
      this.#db
        .prepare(
          'UPDATE mailbox SET left_validity = ?, right_validity = ?, left_mark = NULL, right_mark = NULL WHERE id = ?',
        )
        .run(leftValidity, rightValidity, mailbox)
      this.#put(mailbox, pairs)
    })
  }

  pairs(mailbox: number): readonly MessagePair[] {
    const rows = this.#db.prepare('SELECT left_key, right_key, flags FROM message WHERE mailbox = ?').all(mailbox)
    return rows.map(({ left_key: left, right_key: right, flags }) => ({
      left: String(left),
      right: String(right),
      flags: flags === '' ? [] : String(flags).split(' '),
    }))
  }

  /** Messages that were on their way from a side. */
  pending(mailbox: number, side: End): readonly string[] {
    const rows = this.#db.prepare('SELECT key FROM pending WHERE mailbox = ? AND side = ?').all(mailbox, side)
    return rows.map(({ key }) => String(key))
  }

  /** These are on their way. */
  depart(mailbox: number, side: End, keys: readonly string[]): void {
    const insert = this.#db.prepare('INSERT OR IGNORE INTO pending (mailbox, side, key) VALUES (?, ?, ?)')
    this.#together(() => {
      for (const key of keys) insert.run(mailbox, side, key)
    })
  }

  /** These are not on their way any more; those that arrived are in `pairs`. */
  arrive(mailbox: number, side: End, keys: readonly string[], pairs: readonly MessagePair[]): void {
    const remove = this.#db.prepare('DELETE FROM pending WHERE mailbox = ? AND side = ? AND key = ?')
    this.#together(() => {
      for (const key of keys) remove.run(mailbox, side, key)
      this.#put(mailbox, pairs)
    })
  }

  /** Flags are these now. */
  update(mailbox: number, pairs: readonly MessagePair[]): void {
    this.#together(() => this.#put(mailbox, pairs))
  }

  forget(mailbox: number, pairs: readonly MessagePair[]): void {
    const remove = this.#db.prepare('DELETE FROM message WHERE mailbox = ? AND left_key = ?')
    this.#together(() => {
      for (const { left } of pairs) remove.run(mailbox, left)
    })
  }

  /** There is nothing left to do as long as the marks are these. */
  settle(mailbox: number, leftMark: string | undefined, rightMark: string | undefined): void {
    this.#db
      .prepare('UPDATE mailbox SET left_mark = ?, right_mark = ? WHERE id = ?')
      .run(leftMark ?? null, rightMark ?? null, mailbox)
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }

  #put(mailbox: number, pairs: readonly MessagePair[]): void {
    const put = this.#db.prepare(
      'INSERT INTO message (mailbox, left_key, right_key, flags) VALUES (?, ?, ?, ?) ON CONFLICT (mailbox, left_key) DO UPDATE SET right_key = excluded.right_key, flags = excluded.flags',
    )
    for (const { left, right, flags } of pairs) put.run(mailbox, left, right, flags.join(' '))
  }

  #together(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#db.exec('COMMIT')
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }
}
