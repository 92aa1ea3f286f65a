/** Prepared statements by their text, and what stands in the columns of a row. @module */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'

export type Row = Record<string, SQLOutputValue>

export function text(value: SQLOutputValue | undefined): string {
  if (typeof value !== 'string') throw new TypeError(`Expected text in a row, found ${typeof value}`)
  return value
}

export function integer(value: SQLOutputValue | undefined): number {
  if (typeof value !== 'number') throw new TypeError(`Expected an integer in a row, found ${typeof value}`)
  return value
}

export function blob(value: SQLOutputValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError(`Expected octets in a row, found ${typeof value}`)
  return value
}

/** NULL is `undefined`. */
export function optional<T>(value: SQLOutputValue | undefined, read: (value: SQLOutputValue) => T): T | undefined {
  return value === null || value === undefined ? undefined : read(value)
}

/** A row that was just written. */
export function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('A row that was just written is not there')
  return value
}

/** A database with its prepared statements. */
export class Sql {
  readonly db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.db = db
  }

  all(text: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#statement(text).all(...values)
  }

  get(text: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(text).get(...values)
  }

  /** Rows one by one; the statement is free again when the loop ends. */
  rows(text: string, ...values: SQLInputValue[]): Iterable<Row> {
    return this.#statement(text).iterate(...values)
  }

  /** The one number that a statement gives; `undefined`: no row, or NULL. */
  number(text: string, ...values: SQLInputValue[]): number | undefined {
    const row = this.get(text, ...values)
    const value = row === undefined ? null : (Object.values(row)[0] ?? null)
    return value === null ? undefined : integer(value)
  }

  /** @returns rows changed. */
  run(text: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(text).run(...values).changes)
  }

  /** A row that is new. @returns its key. */
  insert(text: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(text).run(...values).lastInsertRowid)
  }

  exec(text: 'BEGIN IMMEDIATE' | 'COMMIT' | 'ROLLBACK' | 'VACUUM' | `${string} one`): void {
    this.#statement(text).run()
  }

  close(): void {
    this.#statements.clear()
    if (this.db.isOpen) this.db.close()
  }

  #statement(text: string): StatementSync {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.db.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }
}
