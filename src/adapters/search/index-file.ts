/**
 * `search/ACCOUNT.db`: the index of one account. Nothing in it is more than derived; one that is of another version, of
 * other mail or damaged is made anew.
 *
 * Full-text search of SQLite keeps which emails have which words, without positions. It is given numbers for words
 * (`token.ts`), so it never cuts or folds text; the words themselves are in `words`, as {@link WordList}s.
 * @module
 */
import { rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { AccountId, EmailKey } from '#mail/ids.ts'
import { WORDS_VERSION } from '#mail/words.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, IndexableEmail } from '#store/types.ts'
import type { Space } from './token.ts'

/** Of the tables, and of what is indexed of a message. */
const VERSION = `1; words ${WORDS_VERSION}`

const SCHEMA = `
CREATE TABLE state (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE email (
  key INTEGER PRIMARY KEY,
  internal_date INTEGER NOT NULL, -- with the length, tells an email from one that has its key in another history
  length INTEGER NOT NULL,
  unreadable INTEGER NOT NULL -- 1: it has no words here
) STRICT;
CREATE INDEX unreadable ON email (key) WHERE unreadable = 1;
CREATE TABLE words (
  space INTEGER NOT NULL,
  start INTEGER NOT NULL, -- offset of the lines in their list
  lines BLOB NOT NULL,
  PRIMARY KEY (space, start)
) STRICT;
CREATE VIRTUAL TABLE posting USING fts5(tokens, content='', contentless_delete=1, detail=none, tokenize='ascii');`

/** Octets of words that are gathered before they become a row of the full-text index. */
const GATHERED_BYTES = 16_777_216
const CACHE_KB = 16_384
/** The newest emails of an index that are looked for in the store. */
const COMPARED = 20

/** The file of an account's index. */
export function indexPath(directory: string, account: AccountId): string {
  return path.join(directory, `${account}.db`)
}

/** Removes an index; nobody may have it open. */
export function removeIndex(directory: string, account: AccountId): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${indexPath(directory, account)}${suffix}`, { force: true })
}

/** A file that cannot be used: of another version, or damaged. */
export class UnusableIndex extends Error {
  override readonly name = 'UnusableIndex'
}

/** An email as the index remembers it. */
type Known = Pick<IndexableEmail, 'key' | 'internalDate'> & { readonly place: { readonly length: number } }

/** An open index. Everything throws {@link UnusableIndex} where the file is damaged. */
export class IndexFile {
  readonly #path: string
  readonly #db: DatabaseSync
  readonly #inode: number
  readonly #statements = new Map<string, StatementSync>()

  private constructor(file: string, readOnly: boolean) {
    this.#path = file
    this.#db = new DatabaseSync(file, { readOnly, timeout: 5_000, returnArrays: true })
    this.#inode = inodeOf(file) ?? 0
  }

  /** For the one thread that writes; made when it is not there. */
  static forWriting(file: string): IndexFile {
    return IndexFile.#opened(file, false, (index) => {
      index.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${CACHE_KB};
        PRAGMA journal_size_limit = ${GATHERED_BYTES}`)
      if (index.#get('PRAGMA schema_version')?.[0] === 0)
        index.write(() => {
          index.#db.exec(SCHEMA)
          index.#run(`INSERT INTO posting (posting, rank) VALUES ('hashsize', ${GATHERED_BYTES})`)
          index.#set('version', VERSION)
        })
    })
  }

  /** For searching. @returns `undefined` when there is none. */
  static forReading(file: string): IndexFile | undefined {
    if (inodeOf(file) === undefined) return undefined
    let empty = false
    try {
      return IndexFile.#opened(file, true, (index) => {
        empty = index.#get('PRAGMA schema_version')?.[0] === 0
      })
    } catch (error) {
      // It is being made, or was removed just now.
      if (empty || codeOf(error) === CANNOT_OPEN) return undefined
      throw error
    }
  }

  static #opened(file: string, readOnly: boolean, prepare: (index: IndexFile) => void): IndexFile {
    return guarded(() => {
      const index = new IndexFile(file, readOnly)
      try {
        prepare(index)
        if (index.#state('version') !== VERSION) throw new UnusableIndex('The index is of another version')
        return index
      } catch (error) {
        index.close()
        throw error
      }
    })
  }

  /** Whether the file that is open is the one that has its name: it may have been removed. */
  get isThere(): boolean {
    return inodeOf(this.#path) === this.#inode
  }

  /** Emails up to this one are in. */
  get through(): EmailKey | 0 {
    return ((this.#state('through') as number | undefined) ?? 0) as EmailKey | 0
  }

  /** When emails that the store has no longer were last looked for, milliseconds since 1970. */
  get sweptAt(): number {
    return (this.#state('swept') as number | undefined) ?? 0
  }

  /** Lines of a word list from an offset on, in their order. */
  words(space: Space, from: number): readonly Uint8Array[] {
    const rows = this.#all('SELECT lines FROM words WHERE space = ? AND start >= ? ORDER BY start', space, from)
    return rows.map(([lines]) => lines as Uint8Array)
  }

  /** Keys of emails that have one of the tokens. */
  match(tokens: readonly string[]): readonly (readonly unknown[])[] {
    return this.#all('SELECT rowid FROM posting WHERE posting MATCH ?', tokens.join(' OR '))
  }

  /** Keys of emails that could not be read. */
  get unreadable(): readonly number[] {
    return this.#all('SELECT key FROM email WHERE unreadable = 1 ORDER BY key').map(([key]) => key as number)
  }

  /** Up to `limit` emails with keys above `after`. */
  emails(after: number, limit: number): readonly Known[] {
    const rows = this.#all(
      'SELECT key, internal_date, length FROM email WHERE key > ? ORDER BY key LIMIT +?',
      after,
      limit,
    )
    return rows.map(knownOf)
  }

  /** Adds one; inside {@link write}. @param tokens `undefined`: it cannot be read. */
  add({ key, internalDate, place }: Known, tokens: string | undefined): void {
    this.#run(
      'INSERT INTO email (key, internal_date, length, unreadable) VALUES (?, ?, ?, ?)',
      key,
      internalDate,
      place.length,
      tokens === undefined ? 1 : 0,
    )
    if (tokens !== undefined) this.#run('INSERT INTO posting (rowid, tokens) VALUES (?, ?)', key, tokens)
  }

  /** Keeps words and how far the index has come; inside {@link write}. */
  advance(
    through: EmailKey | 0,
    words: readonly { readonly space: Space; readonly offset: number; readonly lines: Uint8Array }[],
  ): void {
    for (const { space, offset, lines } of words)
      this.#run('INSERT INTO words (space, start, lines) VALUES (?, ?, ?)', space, offset, lines)
    this.#set('through', through)
  }

  /** Forgets emails; inside {@link write}. */
  remove(keys: readonly number[]): void {
    for (const key of keys) {
      this.#run('DELETE FROM posting WHERE rowid = ?', key)
      this.#run('DELETE FROM email WHERE key = ?', key)
    }
  }

  /** Notes that emails which are gone were looked for; inside {@link write}. */
  swept(at: number): void {
    this.#set('swept', at)
  }

  /** Merges a part of what came in pieces. @returns whether there is more. */
  merge(pages: number): boolean {
    const before = this.#changes()
    this.#run(`INSERT INTO posting (posting, rank) VALUES ('merge', ${pages})`)
    return this.#changes() - before > 1
  }

  #changes(): number {
    return this.#get('SELECT total_changes()')?.[0] as number
  }

  /** One transaction, all or nothing. */
  write<T>(work: () => T): T {
    return this.#transaction('BEGIN IMMEDIATE', work)
  }

  /** Reads that see one state. */
  snapshot<T>(read: () => T): T {
    return this.#transaction('BEGIN', read)
  }

  #transaction<T>(begin: string, work: () => T): T {
    return guarded(() => {
      this.#run(begin)
      try {
        const value = work()
        this.#run('COMMIT')
        return value
      } catch (error) {
        if (this.#db.isTransaction) this.#run('ROLLBACK')
        throw error
      }
    })
  }

  /**
   * Whether the store has the emails that the index knows: an older state of the store may have been put back, and what
   * came since has their keys. Keys are given in ascending order, so the newest ones differ if any do.
   */
  async isOf(store: MailStore, account: AccountRef): Promise<boolean> {
    const state = await store.state(account)
    const { through } = this
    if (state === undefined || state.lastEmail < through) return false
    const newest = guarded(() =>
      this.#all('SELECT key, internal_date, length FROM email ORDER BY key DESC LIMIT +?', COMPARED).map(knownOf),
    )
    for (const known of newest) {
      const [there] = await store.imageEmails(account, (known.key - 1) as EmailKey | 0, 1)
      if (there?.key === known.key) return isSame(there, known)
      if (there !== undefined && there.key <= through && !newest.some(({ key }) => key === there.key)) return false
    }
    return true
  }

  close(): void {
    this.#statements.clear()
    if (this.#db.isOpen) this.#db.close()
  }

  #state(name: string): unknown {
    return guarded(() => this.#get('SELECT value FROM state WHERE name = ?', name)?.[0])
  }

  #set(name: string, value: string | number): void {
    this.#run('INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)', name, value)
  }

  #statement(text: string): StatementSync {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.#db.prepare(text)
      // a rowid that DELETE of a contentless table reports lies outside of the numbers
      if (text.startsWith('DELETE')) statement.setReadBigInts(true)
      this.#statements.set(text, statement)
    }
    return statement
  }

  #all(text: string, ...values: SQLInputValue[]): readonly (readonly unknown[])[] {
    return guarded(() => this.#statement(text).all(...values) as unknown as readonly (readonly unknown[])[])
  }

  #get(text: string, ...values: SQLInputValue[]): readonly unknown[] | undefined {
    return this.#statement(text).get(...values) as unknown as readonly unknown[] | undefined
  }

  #run(text: string, ...values: SQLInputValue[]): void {
    this.#statement(text).run(...values)
  }
}

/** Whether an email of the store is the one that the index knows by its key. */
export function isSame(one: Known, other: Known): boolean {
  return one.internalDate === other.internalDate && one.place.length === other.place.length
}

function knownOf([key, internalDate, length]: readonly unknown[]): Known {
  return { key: key as EmailKey, internalDate: internalDate as number, place: { length: length as number } }
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino
}

/** SQLite's codes of a file that is damaged, or none of its own; and of tables that are not there. */
const DAMAGED: ReadonlySet<number> = new Set([1, 11, 26])

const CANNOT_OPEN = 14

/** SQLite's primary code of an error, 0 of one that is not its. */
function codeOf(error: unknown): number {
  return ((error as { readonly errcode?: number }).errcode ?? 0) & 0xff
}

function guarded<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!DAMAGED.has(codeOf(error))) throw error
    throw new UnusableIndex(`The index cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
