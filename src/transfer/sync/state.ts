/** What was synchronised already: pairs of messages, each change on disk when the call returns. @module */
import type { DatabaseSync } from 'node:sqlite'
import { openState, together } from '../state-file.ts'

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
`
const UPGRADE = `
-- from when on a side can tell what changed, and whether the messages of then are all in "message"
ALTER TABLE mailbox ADD COLUMN left_since TEXT;
ALTER TABLE mailbox ADD COLUMN right_since TEXT;
ALTER TABLE mailbox ADD COLUMN left_whole INTEGER;
ALTER TABLE mailbox ADD COLUMN right_whole INTEGER;
-- the same whatever its name is
ALTER TABLE mailbox ADD COLUMN left_id TEXT;
ALTER TABLE mailbox ADD COLUMN right_id TEXT;
-- at the last run; NULL: it was not looked at
ALTER TABLE mailbox ADD COLUMN subscribed INTEGER;
-- flags of a side, where they are others than "flags", which are those that both have
ALTER TABLE message ADD COLUMN left_flags TEXT;
ALTER TABLE message ADD COLUMN right_flags TEXT;
`

export type End = 'left' | 'right'

/** A mailbox as it was at the last run. */
export interface MailboxEnd {
  readonly name: string
  /** Nothing was compared yet. */
  readonly validity: string | undefined
  readonly id: string | undefined
  readonly mark: string | undefined
  readonly since: string | undefined
  /** Its messages were those that are recorded, and no others. */
  readonly whole: boolean
}

/** Two mailboxes that belong together. */
export interface MailboxRecord {
  readonly id: number
  readonly left: MailboxEnd
  readonly right: MailboxEnd
  readonly subscribed: boolean | undefined
}

/** What is kept of a mailbox when a run is through with it. */
export type SettledEnd = Omit<MailboxEnd, 'name' | 'validity'>

/** Two messages that are the same. */
export interface MessagePair {
  readonly left: string
  readonly right: string
  /** Those that both have, in lower case. */
  readonly flags: readonly string[]
  /** Where they are others, all of a side. */
  readonly leftFlags?: readonly string[] | undefined
  readonly rightFlags?: readonly string[] | undefined
}

/** A record of two mailboxes of which only the names are known. */
export function newRecord(id: number, leftName: string, rightName: string): MailboxRecord {
  const nothing = { validity: undefined, id: undefined, mark: undefined, since: undefined, whole: false }
  return { id, left: { name: leftName, ...nothing }, right: { name: rightName, ...nothing }, subscribed: undefined }
}

/** See the module. Held by one run at a time. */
export class SyncState implements Disposable {
  readonly #db: DatabaseSync
  readonly #pair: number

  /** Opens the file, made if it is not there. @throws {StateBusy}, {StateTooNew} */
  constructor(file: string, from: string, to: string) {
    this.#db = openState(file, [SCHEMA, UPGRADE])
    try {
      this.#db.prepare('INSERT OR IGNORE INTO pair (from_name, to_name) VALUES (?, ?)').run(from, to)
      this.#pair = Number(this.#db.prepare('SELECT id FROM pair WHERE from_name = ? AND to_name = ?').get(from, to)?.id)
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  mailboxes(): readonly MailboxRecord[] {
    const rows = this.#db.prepare('SELECT * FROM mailbox WHERE pair = ? ORDER BY id').all(this.#pair)
    const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
    return rows.map((row) => {
      const end = (side: End): MailboxEnd => ({
        name: String(row[`${side}_name`]),
        validity: text(row[`${side}_validity`]),
        id: text(row[`${side}_id`]),
        mark: text(row[`${side}_mark`]),
        since: text(row[`${side}_since`]),
        whole: row[`${side}_whole`] === 1,
      })
      const subscribed = row.subscribed === null ? undefined : row.subscribed === 1
      return { id: Number(row.id), left: end('left'), right: end('right'), subscribed }
    })
  }

  /** Two mailboxes belong together from now on. */
  join(leftName: string, rightName: string): MailboxRecord {
    const added = this.#db
      .prepare('INSERT INTO mailbox (pair, left_name, right_name) VALUES (?, ?, ?)')
      .run(this.#pair, leftName, rightName)
    return newRecord(Number(added.lastInsertRowid), leftName, rightName)
  }

  /** They have other names now. */
  rename(renamed: readonly { readonly id: number; readonly left: string; readonly right: string }[]): void {
    const set = this.#db.prepare('UPDATE mailbox SET left_name = ?, right_name = ? WHERE id = ?')
    together(this.#db, () => {
      // they may have changed names with each other
      for (const { id } of renamed) set.run(`\u0001${id}`, `\u0001${id}`, id)
      for (const { id, left, right } of renamed) set.run(left, right, id)
    })
  }

  subscribed(mailbox: number, on: boolean): void {
    this.#db.prepare('UPDATE mailbox SET subscribed = ? WHERE id = ?').run(on ? 1 : 0, mailbox)
  }

  /** Two mailboxes do not belong together any more. */
  part(mailbox: number): void {
    together(this.#db, () => {
      this.#db.prepare('DELETE FROM message WHERE mailbox = ?').run(mailbox)
      this.#db.prepare('DELETE FROM pending WHERE mailbox = ?').run(mailbox)
      this.#db.prepare('DELETE FROM mailbox WHERE id = ?').run(mailbox)
    })
  }

  /** What was there before was compared: these are the same, and nothing else is known. */
  begin(mailbox: number, leftValidity: string, rightValidity: string, pairs: readonly MessagePair[]): void {
    together(this.#db, () => {
      this.#db.prepare('DELETE FROM message WHERE mailbox = ?').run(mailbox)
      this.#db.prepare('DELETE FROM pending WHERE mailbox = ?').run(mailbox)
      this.#db
        .prepare(
          'UPDATE mailbox SET left_validity = ?, right_validity = ?, left_mark = NULL, right_mark = NULL, left_since = NULL, right_since = NULL WHERE id = ?',
        )
        .run(leftValidity, rightValidity, mailbox)
      this.#put(mailbox, pairs)
    })
  }

  pairs(mailbox: number): readonly MessagePair[] {
    const select = this.#db.prepare(
      'SELECT left_key, right_key, flags, left_flags, right_flags FROM message WHERE mailbox = ?',
    )
    return select.all(mailbox).map(({ left_key: left, right_key: right, flags, left_flags, right_flags }) => ({
      left: String(left),
      right: String(right),
      flags: words(flags) ?? [],
      leftFlags: words(left_flags),
      rightFlags: words(right_flags),
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
    together(this.#db, () => {
      for (const key of keys) insert.run(mailbox, side, key)
    })
  }

  /** These are not on their way any more; those that arrived are in `pairs`. */
  arrive(mailbox: number, side: End, keys: readonly string[], pairs: readonly MessagePair[]): void {
    const remove = this.#db.prepare('DELETE FROM pending WHERE mailbox = ? AND side = ? AND key = ?')
    together(this.#db, () => {
      for (const key of keys) remove.run(mailbox, side, key)
      this.#put(mailbox, pairs)
    })
  }

  /** Flags are these now. */
  update(mailbox: number, pairs: readonly MessagePair[]): void {
    together(this.#db, () => this.#put(mailbox, pairs))
  }

  forget(mailbox: number, pairs: readonly MessagePair[]): void {
    const remove = this.#db.prepare('DELETE FROM message WHERE mailbox = ? AND left_key = ?')
    together(this.#db, () => {
      for (const { left } of pairs) remove.run(mailbox, left)
    })
  }

  /** A run is through with it: nothing is to be done as long as the marks are these. */
  settle(mailbox: number, left: SettledEnd, right: SettledEnd): void {
    const values = ({ id, mark, since, whole }: SettledEnd) => [id ?? null, mark ?? null, since ?? null, whole ? 1 : 0]
    this.#db
      .prepare(
        'UPDATE mailbox SET left_id = ?, left_mark = ?, left_since = ?, left_whole = ?, right_id = ?, right_mark = ?, right_since = ?, right_whole = ? WHERE id = ?',
      )
      .run(...values(left), ...values(right), mailbox)
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }

  #put(mailbox: number, pairs: readonly MessagePair[]): void {
    const put = this.#db.prepare(
      'INSERT INTO message (mailbox, left_key, right_key, flags, left_flags, right_flags) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (mailbox, left_key) DO UPDATE SET right_key = excluded.right_key, flags = excluded.flags, left_flags = excluded.left_flags, right_flags = excluded.right_flags',
    )
    for (const { left, right, flags, leftFlags, rightFlags } of pairs)
      put.run(mailbox, left, right, flags.join(' '), leftFlags?.join(' ') ?? null, rightFlags?.join(' ') ?? null)
  }
}

function words(text: unknown): readonly string[] | undefined {
  if (typeof text !== 'string') return undefined
  return text === '' ? [] : text.split(' ')
}
