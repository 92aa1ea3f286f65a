import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { integer, type Row } from './directory-rows.ts'

/** The queue's database with its prepared statements. */
export class QueueSql {
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
