import { writeSync } from 'node:fs'
import type { Log } from '#services/session-deps.ts'

const MOST_LINES = 200

/** The last lines of every level, on standard error when a test of this process has failed; errors also at once. */
export class RecentLog implements Log {
  readonly #loud: Log
  readonly #lines: string[] = []

  /** @param loud Gets what is wrong at once. */
  constructor(loud: Log) {
    this.#loud = loud
    process.once('exit', () => {
      if (process.exitCode === undefined || process.exitCode === 0) return
      const lines = ['The last lines of the log:', ...this.#lines]
      writeSync(2, `${lines.join('\n')}\n`)
    })
  }

  debug(fields: object, message: string): void {
    this.#keep('debug', fields, message)
  }

  info(fields: object, message: string): void {
    this.#keep('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#keep('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.#keep('error', fields, message)
    this.#loud.error(fields, message)
  }

  #keep(level: string, fields: object, message: string): void {
    const text = JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? value.stack : value))
    this.#lines.push(`${new Date().toISOString()} ${level} ${message} ${text}`)
    if (this.#lines.length > MOST_LINES) this.#lines.shift()
  }
}
