/** Writes that come together share a commit (design §4): each is whole in it, or not in it. @module */
import { faultKind } from '../embedded/faults.ts'
import type { Sql } from './sql.ts'

interface Waiting {
  /** Makes its changes, and answers how to tell who waits. */
  readonly work: () => () => void
  readonly fail: (error: unknown) => void
}

/** Most writes of one commit, so that nobody waits long for others. */
const MOST_TOGETHER = 1_000
/**
 * Between the end of a commit and the next one. A sync costs the same for one as for twenty: where several wait for one
 * another, a little patience makes fewer of them. Who is alone does not wait; nobody is kept waiting by what is patient.
 */
const PAUSE_MS = 4

/** Whether somebody waits at the other end of a line. */
export type Urgency = 'urgent' | 'patient'

/** See the module. */
export class GroupCommits {
  readonly #sql: Sql
  readonly #broken: (error: unknown) => void
  #waiting: Waiting[] = []
  #urgent = 0
  #scheduled: { readonly at: number; readonly cancel: () => void } | undefined
  /** When the last commit ended, and whether it had several writes for which somebody waited. */
  #ended = 0
  #several = false
  #closed: Error | undefined

  /** @param broken The database cannot be relied on any more: nothing is written from now on. */
  constructor(sql: Sql, broken: (error: unknown) => void) {
    this.#sql = sql
    this.#broken = broken
  }

  /** Runs `work` in a transaction. @returns what it gave, on disk. */
  run<T>(work: () => T, urgency: Urgency = 'urgent'): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    return new Promise<T>((resolve, reject) => {
      const settle = (): (() => void) => {
        const value = work()
        return () => resolve(value)
      }
      this.#waiting.push({ work: settle, fail: reject })
      if (urgency === 'urgent') this.#urgent += 1
      this.#schedule(urgency)
    })
  }

  /** Commits what waits; nothing is taken afterwards. */
  close(): void {
    while (this.#waiting.length > 0) this.#commit()
    this.#scheduled?.cancel()
    this.#closed ??= new Error('The queue is closed')
  }

  #schedule(urgency: Urgency): void {
    const at = this.#ended + (urgency === 'patient' || this.#several ? PAUSE_MS : 0)
    if (this.#scheduled !== undefined && this.#scheduled.at <= at) return
    this.#scheduled?.cancel()
    const commit = (): void => this.#commit()
    const rest = at - performance.now()
    if (rest > 0) {
      const timer = setTimeout(commit, rest)
      this.#scheduled = { at, cancel: () => clearTimeout(timer) }
    } else {
      // Behind the messages of this turn of the loop.
      const immediate = setImmediate(commit)
      this.#scheduled = { at, cancel: () => clearImmediate(immediate) }
    }
  }

  #commit(): void {
    const batch = this.#waiting.splice(0, MOST_TOGETHER)
    this.#scheduled?.cancel()
    this.#scheduled = undefined
    this.#several = this.#urgent > 1
    this.#urgent = 0
    this.#write(batch)
    this.#ended = performance.now()
    if (this.#waiting.length > 0) this.#schedule('urgent')
  }

  #write(batch: readonly Waiting[]): void {
    const answers: (() => void)[] = []
    try {
      this.#sql.exec('BEGIN IMMEDIATE')
      for (const one of batch) answers.push(this.#one(one))
      this.#sql.exec('COMMIT')
    } catch (error) {
      this.#undo()
      for (const { fail } of batch) fail(error)
      // A full disk may have space again; after any other fault nobody knows what is on disk.
      if (faultKind(error) !== 'full') this.#break(error)
      return
    }
    for (const answer of answers) answer()
  }

  /** @throws where the others cannot be committed either. */
  #one({ work, fail }: Waiting): () => void {
    this.#sql.exec('SAVEPOINT one')
    try {
      const answer = work()
      this.#sql.exec('RELEASE one')
      return answer
    } catch (error) {
      if (faultKind(error) !== 'bug') throw error
      this.#sql.exec('ROLLBACK TO one')
      this.#sql.exec('RELEASE one')
      return () => fail(error)
    }
  }

  #undo(): void {
    try {
      // A full disk may have rolled back already.
      if (this.#sql.db.isTransaction) this.#sql.exec('ROLLBACK')
    } catch (error) {
      this.#break(error)
    }
  }

  #break(error: unknown): void {
    this.#closed = new Error('The queue cannot be written', { cause: error })
    for (const { fail } of this.#waiting.splice(0)) fail(this.#closed)
    this.#broken(error)
  }
}
