/** What was collected already: one file for all sources of a person, each change on disk when the call returns. @module */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { openState, together } from '../state-file.ts'
import type { Placing } from './target.ts'

/** How long a message that the server does not list any more is remembered. */
const FORGET_MS: number = 90 * 86_400_000
const SCHEMA = `
CREATE TABLE message (
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  -- what a target wants to know after a crash; NULL once the message is in its place
  placing TEXT,
  -- when it was put there, ms since 1970
  placed_at INTEGER,
  -- since when the server does not list it, ms since 1970
  vanished_at INTEGER,
  PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;
`
/** Since version 2. */
const SERVERS = `
CREATE TABLE server (
  -- as it was asked for
  account TEXT PRIMARY KEY,
  -- what was found for it
  url TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`

/** See the module. Held by one run at a time. */
export class CollectState implements Disposable {
  readonly #db: DatabaseSync
  readonly #begin: StatementSync
  readonly #done: StatementSync
  readonly #forget: StatementSync

  /**
   * Opens the file, made if it is not there.
   * @throws {StateBusy}, {StateTooNew}
   */
  constructor(file: string) {
    this.#db = openState(file, [SCHEMA, SERVERS])
    this.#begin = this.#db.prepare(
      'INSERT INTO message (source, id, placing) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET placing = excluded.placing, placed_at = NULL',
    )
    this.#done = this.#db.prepare(
      'INSERT INTO message (source, id, placed_at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET placing = NULL, placed_at = excluded.placed_at',
    )
    this.#forget = this.#db.prepare('DELETE FROM message WHERE source = ? AND id = ?')
  }

  /** When each message was put in its place, ms since 1970. */
  placed(source: string): Map<string, number> {
    const rows = this.#db
      .prepare('SELECT id, placed_at FROM message WHERE source = ? AND placed_at IS NOT NULL')
      .all(source)
    return new Map(rows.map(({ id, placed_at: at }) => [String(id), Number(at)]))
  }

  /**
   * Notes which messages the server lists. One that it has not listed for {@link FORGET_MS} is forgotten: not at once,
   * because a server may show a part of its mail only, or none while it is being mended.
   */
  seen(source: string, listed: ReadonlySet<string>, now: number): void {
    const rows = this.#db.prepare('SELECT id, vanished_at FROM message WHERE source = ?').all(source)
    const vanish = this.#db.prepare('UPDATE message SET vanished_at = ? WHERE source = ? AND id = ?')
    together(this.#db, () => {
      for (const { id, vanished_at: at } of rows) {
        const name = String(id)
        if (listed.has(name) ? at !== null : at === null) vanish.run(listed.has(name) ? null : now, source, name)
        else if (at !== null && Number(at) + FORGET_MS < now) this.#forget.run(source, name)
      }
    })
  }

  /** Messages whose placing began and was not recorded as done. */
  placings(source: string): readonly Placing[] {
    const rows = this.#db
      .prepare('SELECT id, placing FROM message WHERE source = ? AND placing IS NOT NULL')
      .all(source)
    return rows.map(({ id, placing }) => ({ id: String(id), mark: String(placing) }))
  }

  /** Placing begins. */
  begin(source: string, placings: readonly Placing[]): void {
    together(this.#db, () => {
      for (const { id, mark } of placings) this.#begin.run(source, id, mark)
    })
  }

  /** These are in their place. */
  done(source: string, ids: Iterable<string>, at: number): void {
    together(this.#db, () => {
      for (const id of ids) this.#done.run(source, id, at)
    })
  }

  /** Nothing is known of these any more. */
  forget(source: string, ids: Iterable<string>): void {
    together(this.#db, () => {
      for (const id of ids) this.#forget.run(source, id)
    })
  }

  /** The server that an account was fetched from, where somebody had to look for it. */
  server(account: string): string | undefined {
    const url = this.#db.prepare('SELECT url FROM server WHERE account = ?').get(account)?.url
    return url === undefined ? undefined : String(url)
  }

  /** Found anew it could be another one, and all mail would be taken again. */
  rememberServer(account: string, url: string): void {
    this.#db
      .prepare('INSERT INTO server (account, url) VALUES (?, ?) ON CONFLICT DO UPDATE SET url = excluded.url')
      .run(account, url)
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }
}
