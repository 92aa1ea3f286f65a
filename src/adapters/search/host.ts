/**
 * The main thread's side of search indexes: it knows which accounts have one, hears what changes, and starts the index
 * thread and the search thread when there is something for them to do. @module
 */
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { IndexAnswer, IndexedText, SearchIndex } from '#store/search-index.ts'
import type { AccountRef, Change } from '#store/types.ts'
import type { EmbeddedConnection } from '../embedded/options.ts'
import { IndexFile, indexPath, removeIndex, UnusableIndex } from './index-file.ts'
import type { IndexOrder, IndexReport, SearchOrder, SearchReport, SearchThreadSetup } from './protocol.ts'

/** An account with so many messages has an index before anybody searches it. */
const INDEXED_FROM = 2_000
/** How long changes are gathered. */
const GATHER_MS = 1_000
/** So many messages are indexed at once; fewer wait so long, or for a thread that runs anyway. */
const FEW = 50
const REST_MS = 600_000
/** A thread that ends by itself is started again no sooner. */
const RESTART_MS = 10_000
const HEAP_MB = 1_024

export interface SearchHostOptions {
  /** The folder of the indexes; made when it is needed. */
  readonly directory: string
  /** The main thread's own connection. */
  readonly store: MailStore
  /** A connection for a thread. */
  readonly connect: () => EmbeddedConnection
  /** Where an account is; `undefined`: there is none. */
  readonly refOf: (account: AccountId) => Promise<AccountRef | undefined>
  readonly log: (level: 'warn' | 'error', message: string) => void
}

/** What an administrator may want to know. */
export interface SearchIndexStatus {
  /** Accounts that have an index, or will have one. */
  readonly accounts: number
  /** Messages that are not in an index yet, at most; searches read them. */
  readonly waiting: number
  /** Threads that ended by themselves. */
  readonly restarts: number
}

const STOP: IndexOrder & SearchOrder = { do: 'stop' }

type Found = Pick<Extract<SearchReport, { readonly said: 'found' }>, 'answer' | 'unusable'>

/** See the module. One per process. */
export class SearchHost implements SearchIndex, AsyncDisposable {
  readonly #options: SearchHostOptions
  readonly #unwatch: () => void
  /** Emails that are not in the index of an account yet. */
  readonly #left = new Map<AccountId, number>()
  /** How far the indexes are. */
  readonly #through = new Map<AccountId, number>()
  /** Those that few messages have waited for long enough. */
  readonly #due = new Set<AccountId>()
  readonly #changed = new Set<AccountId>()
  readonly #asked = new Map<number, (found: Found) => void>()
  /** Those that are being stopped among them. */
  readonly #alive = new Set<Worker>()
  #indexThread: Worker | undefined
  #indexOrders = 0
  #searchThread: Worker | undefined
  #noIndexThreadUntil = 0
  #rest: NodeJS.Timeout | undefined
  #gather: NodeJS.Timeout | undefined
  #lastId = 0
  #restarts = 0
  #started = false
  #closed = false

  constructor(options: SearchHostOptions) {
    this.#options = options
    this.#unwatch = options.store.watchAll((change) => this.#heard(change))
  }

  /** From now on indexes are made and kept up to date; those that are there a moment later. */
  start(): void {
    this.#started = true
    for (const id of this.#indexed()) {
      this.#left.set(id, 0)
      this.#change(id)
    }
  }

  #indexed(): readonly AccountId[] {
    try {
      return readdirSync(this.#options.directory).flatMap((name) => {
        const id = /^(\d+)\.db$/.exec(name)?.[1]
        return id === undefined ? [] : [Number(id) as AccountId]
      })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }

  status(): SearchIndexStatus {
    let waiting = this.#changed.size
    for (const left of this.#left.values()) waiting += left
    return { accounts: this.#left.size, waiting, restarts: this.#restarts }
  }

  async find(
    account: AccountRef,
    mailbox: MailboxKey,
    texts: readonly IndexedText[],
  ): Promise<IndexAnswer | undefined> {
    if (this.#closed || !this.#left.has(account.id)) return undefined
    this.#lastId += 1
    const order: SearchOrder = { do: 'find', id: this.#lastId, account, mailbox, texts }
    this.#searchThread ??= this.#startSearchThread()
    const worker = this.#searchThread
    const { answer, unusable } = await new Promise<Found>((resolve) => {
      this.#asked.set(order.id, resolve)
      worker.postMessage(order)
    })
    if (unusable) this.forget(account.id)
    // the file may have been removed
    if ((answer === undefined || answer.unknown.length >= FEW) && !this.#closed) this.#index(account, true)
    return answer
  }

  want(account: AccountRef): void {
    this.#begin(account, true)
  }

  #begin(account: AccountRef, soon: boolean): void {
    if (!this.#started || this.#closed || this.#left.has(account.id)) return
    this.#left.set(account.id, 0)
    this.#index(account, soon)
  }

  /** Removes the index of an account; it is made anew when it is wanted again. */
  forget(account: AccountId): void {
    this.#left.delete(account)
    this.#through.delete(account)
    this.#changed.delete(account)
    // The threads see that their file is gone before they use it again.
    removeIndex(this.#options.directory, account)
    if (this.#indexThread === undefined) return
    this.#indexThread.postMessage({ do: 'forget', account } satisfies IndexOrder)
    this.#indexOrders += 1
  }

  /** The same of all accounts: what the store has was made anew. */
  forgetAll(): void {
    for (const account of this.#indexed()) this.forget(account)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#unwatch()
    clearTimeout(this.#gather)
    clearTimeout(this.#rest)
    await Promise.all(
      Array.from(this.#alive, async (worker) => {
        const ended = once(worker, 'exit')
        worker.postMessage(STOP)
        await ended
      }),
    )
  }

  #heard({ account, kind }: Change): void {
    if (kind === 'account-removed') this.forget(account)
    else if (kind === 'messages') this.#change(account)
  }

  #change(account: AccountId): void {
    if (!this.#started || this.#closed) return
    this.#changed.add(account)
    this.#gather ??= setTimeout(() => void this.#lookAtChanged(), GATHER_MS).unref()
  }

  async #lookAtChanged(): Promise<void> {
    const { store, refOf, log } = this.#options
    const changed = [...this.#changed]
    this.#changed.clear()
    try {
      for (const id of changed) {
        const account = await refOf(id)
        if (this.#closed) return
        const state = account && (await store.state(account))
        if (account === undefined || state === undefined) this.forget(id)
        else if (!this.#left.has(id)) {
          if (state.usage.messages >= INDEXED_FROM) this.#begin(account, false)
        } else this.#follow(account, state.lastEmail)
        // a file was looked into
        await nextTurn()
      }
    } catch (error) {
      if (!this.#closed) log('error', `Changes are not indexed: ${(error as Error).stack}`)
    }
    this.#gather = undefined
    const [more] = this.#changed
    if (more !== undefined) this.#change(more)
  }

  /** A thread that runs has the words in its memory; for a few messages none is started, as searches read those quickly. */
  #follow(account: AccountRef, lastEmail: number): void {
    const { id } = account
    const through = this.#through.get(id) ?? this.#throughOf(id)
    const left = through === undefined ? FEW : Math.max(0, lastEmail - through)
    if (through !== undefined) this.#through.set(id, through)
    this.#left.set(id, left)
    if (left >= FEW || (left > 0 && this.#indexThread !== undefined) || this.#due.delete(id))
      this.#index(account, false)
    else if (left > 0)
      this.#rest ??= setTimeout(() => {
        this.#rest = undefined
        for (const [other, more] of this.#left) if (more > 0) this.#due.add(other)
        for (const other of this.#due) this.#change(other)
      }, REST_MS).unref()
  }

  /** How far an index is; `undefined`: it cannot be read. */
  #throughOf(account: AccountId): number | undefined {
    try {
      const file = IndexFile.forReading(indexPath(this.#options.directory, account))
      const through = file?.through
      file?.close()
      return through
    } catch (error) {
      if (!(error instanceof UnusableIndex)) throw error
      return undefined
    }
  }

  /** @param soon Somebody searches there. */
  #index(account: AccountRef, soon: boolean): void {
    if (this.#indexThread === undefined) {
      // One that ended by itself a moment ago would end again.
      if (performance.now() < this.#noIndexThreadUntil) {
        this.#change(account.id)
        return
      }
      this.#indexThread = this.#startIndexThread()
    }
    this.#indexThread.postMessage({ do: 'index', account, soon } satisfies IndexOrder)
    // at least one, until the thread says how many
    this.#left.set(account.id, Math.max(1, this.#left.get(account.id) ?? 0))
    this.#indexOrders += 1
  }

  #startIndexThread(): Worker {
    this.#indexOrders = 0
    const worker = this.#thread('index-thread', (byItself) => {
      if (this.#indexThread !== worker) return
      this.#indexThread = undefined
      if (!byItself) return
      this.#noIndexThreadUntil = performance.now() + RESTART_MS
      for (const id of this.#left.keys()) this.#change(id)
    })
    worker.on('message', (report: IndexReport) => {
      if (report.said === 'log') this.#options.log(report.level, report.message)
      else if (report.said === 'progress') {
        if (!this.#left.has(report.account)) return
        this.#left.set(report.account, report.left)
        this.#through.set(report.account, report.through)
      } else if (report.orders === this.#indexOrders && this.#indexThread === worker) {
        this.#indexThread = undefined
        worker.postMessage(STOP)
      }
    })
    return worker
  }

  #startSearchThread(): Worker {
    const worker = this.#thread('search-thread', () => {
      if (this.#searchThread !== worker) return
      this.#searchThread = undefined
      for (const id of this.#asked.keys()) this.#answer(id, { answer: undefined, unusable: false })
    })
    worker.on('message', (report: SearchReport) => {
      if (report.said === 'log') this.#options.log(report.level, report.message)
      else if (report.said === 'found') this.#answer(report.id, report)
      else if (this.#asked.size === 0 && this.#searchThread === worker) {
        this.#searchThread = undefined
        worker.postMessage(STOP)
      }
    })
    return worker
  }

  #answer(id: number, found: Found): void {
    this.#asked.get(id)?.(found)
    this.#asked.delete(id)
  }

  #thread(name: 'index-thread' | 'search-thread', ended: (byItself: boolean) => void): Worker {
    const connection = this.#options.connect()
    const setup: SearchThreadSetup = { directory: this.#options.directory, connection }
    const worker = new Worker(new URL(`./${name}${path.extname(import.meta.filename)}`, import.meta.url), {
      workerData: setup,
      transferList: [...connection.ports],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      name,
    })
    this.#alive.add(worker)
    worker.on('error', (error: Error) => {
      this.#restarts += 1
      this.#options.log('error', `The ${name} ended: ${error.stack}`)
    })
    worker.on('exit', (code) => {
      this.#alive.delete(worker)
      ended(code !== 0)
    })
    return worker
  }
}
