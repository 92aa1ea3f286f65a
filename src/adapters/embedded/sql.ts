/** Prepared statements by their text, answering rows as arrays. @module */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'

/** Values of one row in the order of the columns; the schema says which types come. */
export type Row = readonly unknown[]

function isRow(value: unknown): value is Row {
  return Array.isArray(value)
}

function isRows(value: unknown): value is readonly Row[] {
  return Array.isArray(value) && (value.length === 0 || isRow(value[0]))
}

/**
 * A database with its prepared statements; one per thread and file. A bound limit is written `LIMIT +?`: what stands behind
 * LIMIT alone is looked at when SQLite prepares the statement, which it then does anew for each number that is bound.
 */
export class Sql {
  readonly db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(path: string, options: { readonly readOnly: boolean; readonly timeoutMs: number }) {
    this.db = new DatabaseSync(path, { readOnly: options.readOnly, timeout: options.timeoutMs, returnArrays: true })
  }

  #statement(text: string): StatementSync {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.db.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }

  /** All rows, in one go. */
  all(text: string, ...values: SQLInputValue[]): readonly Row[] {
    // Typed as objects; `returnArrays` makes arrays of them. One look a query costs nothing.
    const rows: unknown = this.#statement(text).all(...values)
    if (!isRows(rows)) throw new TypeError('The rows are not arrays')
    return rows
  }

  /** The first row. */
  get(text: string, ...values: SQLInputValue[]): Row | undefined {
    const row: unknown = this.#statement(text).get(...values)
    if (row === undefined || isRow(row)) return row
    throw new TypeError('The row is not an array')
  }

  /** The one number that a statement gives. */
  number(text: string, ...values: SQLInputValue[]): number {
    const value = this.get(text, ...values)?.[0]
    if (typeof value !== 'number') throw new TypeError(`No number came of ${text}`)
    return value
  }

  /** Rows changed. */
  run(text: string, ...values: SQLInputValue[]): number {
    return this.#statement(text).run(...values).changes as number
  }

  /** Runs a function whose reads see one state of the database; it must be synchronous. */
  snapshot<T>(read: () => T): T {
    this.#statement('BEGIN').run()
    try {
      return read()
    } finally {
      this.#statement('COMMIT').run()
    }
  }

  close(): void {
    this.#statements.clear()
    if (this.db.isOpen) this.db.close()
  }
}
