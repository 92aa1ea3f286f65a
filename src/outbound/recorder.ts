/** What became of mail, on disk and in the log, with the reports that it leads to. @module */
import type { Log } from '#services/session-deps.ts'
import type { DueMessage, NewMessage, QueueStore } from '#store/queue.ts'
import type { HandedOver } from './handing-over.ts'
import { type Settled, settle } from './outcomes.ts'
import { type ReportDeps, reportsOf } from './reports.ts'
import type { Patience } from './schedule.ts'

export interface RecorderDeps extends Omit<ReportDeps, 'giveUpMs'> {
  readonly store: Pick<QueueStore, 'body' | 'record'>
  readonly settings: Patience
  /** Calls back after so many milliseconds. */
  readonly after: (ms: number, run: () => void) => unknown
  readonly log: Log
}

/** What all who send share. */
export interface SendingState {
  /** Nothing new begins. */
  stopping: boolean
  /** Nothing is recorded any more. */
  aborted: boolean
  /** Counted, so that who has waited for a connection meanwhile looks again. */
  changes: number
}

const RECORD_AGAIN_MS = 2_000

/** One for all who send. */
export class Recorder {
  readonly #deps: RecorderDeps
  readonly #state: Readonly<SendingState>
  readonly #poke: () => void

  /** @param poke There is something new to send. */
  constructor(deps: RecorderDeps, state: Readonly<SendingState>, poke: () => void) {
    this.#deps = deps
    this.#state = state
    this.#poke = poke
  }

  record(job: DueMessage, handed: readonly HandedOver[]): Promise<void> {
    return this.recordAll([{ job, handed }])
  }

  /** Outcomes and the reports they lead to, in one commit. */
  async recordAll(
    all: readonly { readonly job: DueMessage; readonly handed: readonly HandedOver[] }[],
    onward: readonly NewMessage[] = [],
  ): Promise<void> {
    const { store, clock, settings, random } = this.#deps
    // what we broke off ourselves stays as it is
    if (this.#state.aborted) return
    const now = clock.now()
    const settled = all.map(({ job, handed }) => ({
      job,
      results: handed.map((one) => ({ handed: one, ...settle(job.message, one, now, settings, random()) })),
    }))
    const outcomes = settled.flatMap(({ results }) => results.map(({ outcome }) => outcome))
    if (outcomes.length === 0) return
    const reports = [...onward]
    for (const { job, results } of settled) {
      this.#log(job, results)
      const told = results.flatMap((one) => one.told ?? [])
      if (told.length === 0) continue
      const deps = { ...this.#deps, giveUpMs: settings.giveUpMs }
      reports.push(...((await this.#surely(() => reportsOf(job.message, told, deps))) ?? []))
    }
    await this.#surely(() => store.record(outcomes, reports))
    if (reports.length > 0) this.#poke()
  }

  /** Again and again, where the disk is full: to send anew what has been taken would be worse than to wait. */
  async #surely<T>(work: () => Promise<T>): Promise<T | undefined> {
    while (!this.#state.aborted) {
      try {
        return await work()
      } catch (error) {
        this.#deps.log.error({ error }, 'what became of mail could not be recorded')
        await new Promise<void>((resolve) => this.#deps.after(RECORD_AGAIN_MS, resolve))
      }
    }
    return undefined
  }

  #log({ message }: DueMessage, results: readonly (Settled & { readonly handed: HandedOver })[]): void {
    for (const { handed, outcome } of results) {
      const { recipient, result, host, tls } = handed
      const uncertain = result.uncertain === true
      const fields = {
        message: message.id,
        recipient: recipient.address,
        host,
        tls,
        // the one case in which it may arrive twice
        result: uncertain ? 'uncertain' : outcome.attempt.outcome,
        reply: outcome.attempt.reply,
        attempt: recipient.attempts + 1,
      }
      this.#deps.log[uncertain ? 'warn' : 'info'](fields, 'message out')
    }
  }
}
