/** Prepared statements by their text, answering rows as arrays. @module */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'

/** Values of one row in the order of the columns; the schema says which types come. */
export type Row = readonly unknown[]

/** A database with its prepared statements; one per thread and file. */
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
    return this.#statement(text).all(...values) as unknown as readonly Row[]
  }

  /** The first row. */
  get(text: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(text).get(...values) as unknown as Row | undefined
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
