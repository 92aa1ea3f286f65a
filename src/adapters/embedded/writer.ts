/** The one that changes a shard: batches of requests, each on disk before it is answered. @module */
import fs from 'node:fs'
import { performance } from 'node:perf_hooks'
import { refused } from '#lib/result.ts'
import type { Change, StagedBody } from '#store/types.ts'
import type { AppendRequest, RestoreEmailsRequest, Unavailable } from '#store/writes.ts'
import { type Bodies, bigId } from './bodies.ts'
import { faultKind } from './faults.ts'
import { bigPath } from './layout.ts'
import { type OpenShard, openShard, type ShardSettings } from './open-shard.ts'
import type { ShardStatus } from './options.ts'
import type { AnyRequest } from './pack.ts'
import { NO_KINDS } from './probe.ts'
import { bodySize } from './requests/append.ts'
import { deliver } from './requests/deliver.ts'
import { ALLOWED_WHEN_FROZEN, ALLOWED_WHEN_FULL, HANDLERS, type Handler } from './requests/index.ts'
import { Reserve } from './reserve.ts'
import type { Step, Transaction } from './transaction.ts'
import { framesOf, pageBytes, WalWatch } from './wal-watch.ts'

/** One request in the queue. */
export interface QueuedRequest {
  readonly asked: AnyRequest
  /** When it was made, by the clock of who made it. */
  readonly now: number
  readonly answer: (value: unknown) => void
}

interface Job extends QueuedRequest {
  /** Where it goes on, once it has been cut into slices. */
  steps: Generator<undefined, unknown, void> | undefined
  /** Slices committed. */
  slices: number
}

/** Upkeep that goes on between batches, a slice at a time; begun anew when a transaction fails. */
export interface BackgroundTask {
  readonly name: string
  readonly begin: (tx: Transaction) => Generator<undefined, number, void>
  readonly done: (value: number) => void
}

/** What the writer tells outwards, after each batch. */
export interface WriterEvents {
  /** After all answers of the batch were given. */
  readonly committed: (changes: readonly Change[]) => void
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void
  /** Enough WAL has come for a checkpoint. */
  readonly walGrown: () => void
}

const LOOK_MS = 1_000
const FAULT_WINDOW_MS = 60_000

/** See the module. It never waits: {@link runBatch} is called as long as {@link busy} says so. */
export class ShardWriter {
  readonly #settings: ShardSettings
  readonly #events: WriterEvents
  #shard: OpenShard
  #queue: Job[] = []
  #head = 0
  /** Long requests between two slices. */
  #long: Job[] = []
  #tasks: { readonly task: BackgroundTask; steps: Generator<undefined, number, void> | undefined }[] = []
  #state: ShardStatus['state'] = 'ok'
  #lastFault = Number.NEGATIVE_INFINITY
  readonly #reserve: Reserve
  #lookedForSpace = Number.NEGATIVE_INFINITY
  #counts = { batches: 0, requests: 0, syncs: 0 }
  readonly #walWatch: WalWatch
  /** Rows are being committed: if that fails, they may be on the disk all the same. */
  #committing = false
  /** The last that was acknowledged. */
  #lastBatch: Bodies['lastBatch']

  constructor(settings: ShardSettings, events: WriterEvents) {
    this.#settings = settings
    this.#events = events
    this.#walWatch = new WalWatch(settings, events)
    this.#shard = openShard(settings, events.log)
    // The writer before may have died between a commit and its count.
    settings.commits.addToAll()
    this.#reserve = new Reserve(settings.paths.reserve, settings.tuning.reserveBytes)
  }

  /** Whether another batch has something to do. */
  get busy(): boolean {
    return this.queued > 0 || this.#tasks.length > 0
  }

  get queued(): number {
    return this.#queue.length - this.#head + this.#long.length
  }

  get tx(): Transaction {
    return this.#shard.tx
  }

  submit(request: QueuedRequest): void {
    this.#queue.push({ ...request, steps: undefined, slices: 0 })
  }

  addTask(task: BackgroundTask): void {
    this.#tasks.push({ task, steps: undefined })
  }

  /** Executes what has queued, as much as one sync should carry; then answers, then announces. */
  runBatch(): void {
    if (this.#state === 'read-only') return this.#refuseAll()
    const answers: (() => void)[] = []
    const { changes, droppedBigs } = this.#shard.tx
    changes.length = 0
    droppedBigs.length = 0
    const jobs: Job[] = []
    let kinds: ReadonlySet<string>
    try {
      kinds = this.#transact(jobs, answers)
    } catch (error) {
      answers.length = 0
      changes.length = 0
      droppedBigs.length = 0
      this.#failed(jobs, error)
      return
    }
    for (const give of answers) give()
    this.#events.committed(changes)
    this.#settings.probe?.at('answered', { kinds })
    for (const number of droppedBigs) fs.rmSync(bigPath(this.#settings.paths, bigId(number)), { force: true })
    this.#walWatch.look(this.#shard.sql)
  }

  /** @returns for a probe, what is in the batch. */
  #transact(jobs: Job[], answers: (() => void)[], only?: Job): ReadonlySet<string> {
    const { sql, ledger, bodies, tx } = this.#shard
    const begun = performance.now()
    const { batchRequests, batchBytes, batchMs } = this.#settings.tuning
    const unfinished: Job[] = []
    let bytes = 0
    sql.run('BEGIN IMMEDIATE')
    bodies.begin()
    const execute = (job: Job): void => {
      jobs.push(job)
      tx.now = job.now
      const answer = this.#execute(job, tx)
      if (job.steps === undefined) answers.push(() => job.answer(answer))
      else unfinished.push(job)
    }
    if (only !== undefined) execute(only)
    else {
      while (jobs.length === 0 || performance.now() - begun < batchMs) {
        const job = this.#long.shift()
        if (job === undefined) break
        execute(job)
      }
      while (jobs.length < batchRequests && bytes < batchBytes && performance.now() - begun < batchMs) {
        const job = this.#take()
        if (job === undefined) break
        bytes += octetsOf(job.asked)
        execute(job)
      }
      if (this.#state === 'ok' || this.#state === 'full') this.#background(tx, answers, begun)
    }
    const { probe } = this.#settings
    const kinds = probe === undefined ? NO_KINDS : this.#kinds(jobs)
    probe?.at('executed', { kinds })
    const batch = bodies.lastBatch
    const synced = bodies.flush()
    ledger.flush()
    const changed = tx.changes.length > 0 || synced
    this.#committing = true
    probe?.at('commit', { kinds, answer: () => this.#answerEarly(answers) })
    sql.run('COMMIT')
    this.#committing = false
    this.#count(ledger.takeBumped(), tx.changes)
    probe?.at('committed', { kinds })
    if (synced) this.#lastBatch = batch
    for (const job of unfinished) job.slices += 1
    this.#long.push(...unfinished)
    ledger.trim()
    this.#counts.batches += 1
    this.#counts.requests += answers.length
    this.#counts.syncs += (synced ? 1 : 0) + (changed ? 1 : 0)
    return kinds
  }

  /** Before anybody is answered: who asks next must find that something has happened. */
  #count(bumped: readonly number[], changes: readonly Change[]): void {
    const { commits } = this.#settings
    for (const account of bumped) commits.add(account)
    // Of a tree, or of an account in the place of another: its MODSEQs do not tell.
    for (const { account, mailbox } of changes) if (mailbox === undefined) commits.add(account)
  }

  #kinds(jobs: readonly Job[]): ReadonlySet<string> {
    const [task] = this.#tasks
    return new Set([
      ...jobs.map(({ asked }) => asked.kind),
      ...(task?.steps === undefined ? [] : [`task:${task.task.name}`]),
    ])
  }

  /** For a probe that shows what happens then. */
  #answerEarly(answers: (() => void)[]): void {
    for (const give of answers.splice(0)) give()
    this.#events.committed([])
  }

  #take(): Job | undefined {
    const job = this.#queue[this.#head]
    if (job === undefined) return undefined
    this.#head += 1
    if (this.#head === this.#queue.length || this.#head > 1_024) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
    return job
  }

  /** Runs a request, or its next slice. `job.steps` is set while it has not ended. */
  #execute(job: Job, tx: Transaction): unknown {
    const { asked } = job
    if (job.steps === undefined) {
      const reason = this.#closedTo(asked.kind)
      if (reason !== undefined) return unavailable(asked, reason)
      if (asked.kind === 'deliver') return deliver(tx, asked.request)
      if (this.#isFrozen(asked)) return unavailable(asked, 'moving')
      const handler = HANDLERS[asked.kind] as Handler<typeof asked.kind>
      const step: Step<unknown> = handler(tx, asked.request)
      if (!isSteps(step)) return step
      job.steps = step
    }
    if (job.slices > 0 && this.#isFrozen(asked)) {
      job.steps.return(undefined)
      job.steps = undefined
      return unavailable(asked, 'moving')
    }
    const next = job.steps.next()
    if (next.done !== true) return undefined
    job.steps = undefined
    return next.value
  }

  /** Whether the account is on its way to another shard. */
  #isFrozen({ kind, request }: AnyRequest): boolean {
    if (kind === 'deliver' || ALLOWED_WHEN_FROZEN.has(kind)) return false
    return this.#shard.ledger.load(request.account.id)?.frozen === true
  }

  #closedTo(kind: AnyRequest['kind']): Unavailable['reason'] | undefined {
    if (this.#state === 'full' && !ALLOWED_WHEN_FULL.has(kind)) {
      this.#lookForSpace()
      return this.#state === 'full' ? 'full' : undefined
    }
    return undefined
  }

  /** One slice of upkeep, where the batch has left time for it. */
  #background(tx: Transaction, answers: (() => void)[], begun: number): void {
    const first = this.#tasks[0]
    if (first === undefined || performance.now() - begun > this.#settings.tuning.batchMs / 2) return
    first.steps ??= first.task.begin(tx)
    const next = first.steps.next()
    if (next.done !== true) return
    answers.push(() => {
      this.#tasks.shift()
      first.task.done(next.value)
    })
  }

  // --- what goes wrong ---

  #failed(jobs: readonly Job[], error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    const cause = faultKind(error)
    // A commit whose sync failed may be found whole in the WAL by whoever opens it after a crash.
    const mayBeThere = this.#committing && cause === 'io'
    this.#committing = false
    const kind = this.#rollback(mayBeThere) ? cause : 'io'
    for (const entry of this.#tasks) {
      entry.steps?.return(0)
      entry.steps = undefined
    }
    // What had committed slices cannot be begun again; what had not can.
    const [begun, fresh] = [jobs.filter((job) => job.slices > 0), jobs.filter((job) => job.slices === 0)]
    for (const job of fresh) job.steps = undefined
    switch (kind) {
      case 'full':
        this.#giveUp(begun, 'full')
        if (this.#state === 'full') this.#giveUp(fresh, 'full')
        else {
          this.#events.log('error', `No space left (${text}): new mail is refused, flags and expunges go on`)
          this.#state = 'full'
          this.#lookedForSpace = performance.now()
          this.#requeue(fresh)
        }
        this.#reserve.release()
        return
      case 'io':
        this.#giveUp(jobs, 'failed')
        this.#recoverFromFault(text)
        return
      case 'bug':
        this.#giveUp(begun, 'failed')
        this.#isolate(fresh, error)
    }
  }

  /**
   * `false` when that failed, too.
   * @param mayBeThere then bodies stay, as rows may come back that name them.
   */
  #rollback(mayBeThere: boolean): boolean {
    const { sql, ledger, bodies } = this.#shard
    try {
      if (sql.db.isTransaction) sql.run('ROLLBACK')
      ledger.reset()
      bodies.rollback(mayBeThere)
      return true
    } catch (error) {
      this.#events.log('error', `Cannot roll back: ${String(error)}`)
      return false
    }
  }

  /** Runs requests one by one, so that only the one that throws is answered with a failure. */
  #isolate(jobs: readonly Job[], error: unknown): void {
    if (jobs.length === 1) {
      const [job] = jobs as readonly [Job]
      this.#events.log(
        'error',
        `Request ${job.asked.kind} failed: ${error instanceof Error ? error.stack : String(error)}`,
      )
      this.#giveUp(jobs, 'failed')
      return
    }
    if (jobs.length === 0) {
      const failed = this.#tasks.shift()
      this.#events.log(
        'error',
        `Upkeep "${failed?.task.name}" failed: ${error instanceof Error ? error.stack : String(error)}`,
      )
      failed?.task.done(0)
      return
    }
    for (const job of jobs) {
      const answers: (() => void)[] = []
      const { changes } = this.#shard.tx
      changes.length = 0
      try {
        this.#transact([], answers, job)
      } catch (fault) {
        changes.length = 0
        this.#failed([job], fault)
        continue
      }
      for (const give of answers) give()
      this.#events.committed(changes)
    }
  }

  /** Of a shard that is read-only; it may not even be open. */
  #refuseAll(): void {
    this.#giveUp([...this.#long, ...this.#queue.slice(this.#head)], 'read-only')
    this.#queue = []
    this.#head = 0
    this.#long = []
    for (const { task } of this.#tasks.splice(0)) task.done(0)
    this.#events.committed([])
  }

  #giveUp(jobs: readonly Job[], reason: Unavailable['reason']): void {
    for (const job of jobs) job.answer(unavailable(job.asked, reason))
  }

  #requeue(jobs: readonly Job[]): void {
    this.#queue = [...jobs, ...this.#queue.slice(this.#head)]
    this.#head = 0
  }

  /**
   * After a failed write or sync nothing that is only in the page cache may be trusted: opens everything again, writes
   * the whole WAL out, and looks at the last batch. A second time within a minute makes the shard read-only.
   */
  #recoverFromFault(text: string): void {
    const now = performance.now()
    const again = now - this.#lastFault < FAULT_WINDOW_MS
    this.#lastFault = now
    this.#giveUp(this.#long, 'failed')
    this.#long = []
    if (again) {
      this.#state = 'read-only'
      this.#events.log('error', `The disk failed again (${text}): the shard is read-only until it is opened again`)
      return
    }
    this.#events.log('error', `The disk failed (${text}): the last batch was not acknowledged, opening again`)
    try {
      this.#shard.close()
      this.#shard = openShard(this.#settings, this.#events.log)
      this.#settings.commits.addToAll()
      this.#shard.sql.all('PRAGMA wal_checkpoint(TRUNCATE)')
      const last = this.#lastBatch
      if (last !== undefined && !this.#shard.bodies.verify(last)) throw new Error('the last batch is not whole')
      if (this.#state !== 'full') this.#state = 'ok'
    } catch (error) {
      this.#state = 'read-only'
      this.#events.log('error', `Cannot open again: ${String(error)}: the shard is read-only`)
    }
  }

  /** Not more than once a second: a quota may refuse what the file system says is free. */
  #lookForSpace(): void {
    const now = performance.now()
    if (now - this.#lookedForSpace < LOOK_MS) return
    this.#lookedForSpace = now
    if (!this.#reserve.fill()) return
    this.#state = 'ok'
    this.#events.log('info', 'There is space again: new mail is taken')
  }

  // --- upkeep ---

  /** Called now and then: keeps the reserve, and comes back from a full disk. */
  upkeep(): void {
    if (this.#state === 'full') {
      this.#lookedForSpace = Number.NEGATIVE_INFINITY
      this.#lookForSpace()
    } else if (this.#state === 'ok') this.#reserve.fill()
  }

  get full(): boolean {
    return this.#state === 'full'
  }

  status(): Omit<ShardStatus, 'restarts'> {
    const known = { shard: this.#settings.shard, state: this.#state, ...this.#counts, queued: this.queued }
    // It could not be opened again.
    if (!this.#shard.sql.db.isOpen) return { ...known, walBytes: 0, segments: 0, segmentBytes: 0, liveBytes: 0 }
    const [segments, total, live] = this.#shard.sql.get(
      'SELECT count(*), coalesce(sum(total), 0), coalesce(sum(live), 0) FROM segment',
    ) as readonly [number, number, number]
    const [log] = framesOf(this.#shard.sql)
    return {
      ...known,
      walBytes: Math.max(0, log) * pageBytes(this.#shard.sql),
      segments,
      segmentBytes: total,
      liveBytes: live,
    }
  }

  /** Answers what still waits and closes the files. */
  close(): void {
    this.#giveUp([...this.#long, ...this.#queue.slice(this.#head)], 'closing')
    this.#queue = []
    this.#head = 0
    this.#long = []
    this.#shard.close()
  }
}

function isSteps(step: Step<unknown>): step is Generator<undefined, unknown, void> {
  return typeof step === 'object' && step !== null && 'next' in step
}

function unavailable(asked: AnyRequest, reason: Unavailable['reason']): unknown {
  const no = refused<Unavailable>({ kind: 'unavailable', reason })
  if (asked.kind !== 'deliver') return no
  return asked.request.recipients.map(() => no)
}

function octetsOf(asked: AnyRequest): number {
  if (asked.kind === 'deliver') return bodySize(asked.request.body)
  const bodies = bodiesOf(asked)
  return bodies.reduce((sum, { body }) => sum + bodySize(body), 0)
}

function bodiesOf(asked: AnyRequest): readonly { readonly body: StagedBody }[] {
  if (asked.kind === 'append') return (asked.request as AppendRequest).messages
  return asked.kind === 'restoreEmails' ? (asked.request as RestoreEmailsRequest).emails : []
}
