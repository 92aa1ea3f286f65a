/** IDLE (RFC 2177, RFC 9051 §6.3.13). @module */
import type { CommandWriter } from '#wire/imap/command-writer.ts'
import type { Timers } from '../../timers.ts'
import type { ImapCommand } from '../command.ts'
import { IDLE_MS } from '../limits.ts'

/** Goes on until another command comes, it has to be renewed, or {@link end}. */
export class Idle implements ImapCommand<void> {
  readonly name = 'IDLE'
  readonly alone = true
  readonly #timers: Timers
  readonly #sendLine: (line: string) => void
  #takeBack: (() => void) | undefined
  #started = false
  #ending = false

  constructor(timers: Timers, sendLine: (line: string) => void) {
    this.#timers = timers
    this.#sendLine = sendLine
  }

  /** An answer is owed once we want it to end. */
  get patient(): boolean {
    return !this.#ending
  }

  write(w: CommandWriter): void {
    w.text('IDLE')
  }

  continued(): Promise<string | undefined> {
    this.#started = true
    if (this.#ending) return Promise.resolve('DONE')
    this.#takeBack = this.#timers.after(IDLE_MS, () => this.end())
    return Promise.resolve(undefined)
  }

  hurry(): void {
    this.end()
  }

  end(): void {
    if (this.#ending) return
    this.#ending = true
    this.#takeBack?.()
    if (this.#started) this.#sendLine('DONE')
  }

  finish(): void {
    this.#takeBack?.()
  }

  fail(): void {
    this.#takeBack?.()
  }
}
