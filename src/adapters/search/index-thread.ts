/**
 * Entry of the one thread that writes indexes. It runs below everybody else and stands back while they are busy, unless
 * somebody searches what is not indexed (`standing-back.ts`); it reads the store in slices and ends each transaction before
 * it looks for orders. @module
 */
import { mkdirSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '#lib/clock.ts'
import { giveWay, THREADS_HAVE_PRIORITIES } from '#lib/give-way.ts'
import type { AccountId } from '#mail/ids.ts'
import type { AccountRef } from '#store/types.ts'
import { openEmbeddedStore } from '../embedded/embedded-store.ts'
import { indexPath, removeIndex, UnusableIndex } from './index-file.ts'
import { Indexer, SLICE, STEP_EMAILS } from './indexer.ts'
import type { IndexOrder, IndexReport, SearchThreadSetup } from './protocol.ts'
import { type Pace, StandingBack } from './standing-back.ts'

/** Steps below everybody else. */
const BELOW = 15
/** Where threads cannot be put below others, it rests as long as it worked. */
const RESTS = !THREADS_HAVE_PRIORITIES
/** Accounts whose words are kept in memory. */
const OPEN = 4
/** After so long without work the thread is ended. */
const IDLE_MS = 30_000
const RETRY_MS = 60_000
const AT_ONCE: Pace = { kind: 'whole' }

const port = parentPort
if (port === null) throw new Error('This module is the entry of a worker')
const { directory, connection } = workerData as SearchThreadSetup
const tell = (report: IndexReport): void => port.postMessage(report)
giveWay(BELOW)
mkdirSync(directory, { recursive: true, mode: 0o700 })
const store = openEmbeddedStore(connection, systemClock)

/** What is to do, in the order in which it was asked for. */
const waiting = new Map<AccountId, AccountRef>()
/** Those among them that somebody searches. */
const soon = new Set<AccountId>()
const back = new StandingBack()
/** The one used last is the last. */
const open = new Map<AccountId, Indexer>()
let orders = 0
let working = false
/** Whose index a step is writing. */
let atWork: AccountId | undefined
let stopping = false
let idle: NodeJS.Timeout | undefined
/** Ends the pause of a thread that stands back. */
let wake: (() => void) | undefined

port.on('message', (order: IndexOrder) => {
  orders += 1
  switch (order.do) {
    case 'index':
      waiting.set(order.account.id, order.account)
      if (order.soon) {
        soon.add(order.account.id)
        wake?.()
      }
      void work()
      return
    case 'forget':
      forget(order.account)
      return
    case 'stop':
      stopping = true
      wake?.()
      if (!working) void stop()
  }
})

async function work(): Promise<void> {
  if (working) return
  working = true
  clearTimeout(idle)
  back.begin()
  for (;;) {
    const account = next()
    if (account === undefined || stopping) break
    const pace = soon.has(account.id) ? AT_ONCE : back.pace()
    if (pace.kind === 'wait') {
      await standBack(pace.ms)
      continue
    }
    waiting.delete(account.id)
    const begun = performance.now()
    atWork = account.id
    await step(account, pace)
    atWork = undefined
    const worked = performance.now() - begun
    back.did(worked)
    if (RESTS) await pause(worked)
    else await nextTurn()
  }
  working = false
  if (stopping) await stop()
  else idle = setTimeout(() => tell({ said: 'idle', orders }), IDLE_MS).unref()
}

function next(): AccountRef | undefined {
  for (const id of soon) {
    const account = waiting.get(id)
    if (account !== undefined) return account
  }
  return waiting.values().next().value
}

/** Waits, until {@link wake} is called at most. */
async function standBack(ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    wake = resolve
    timer = setTimeout(resolve, ms)
  })
  clearTimeout(timer)
  wake = undefined
}

async function step(account: AccountRef, { kind }: Pace): Promise<void> {
  const { id } = account
  const searched = soon.has(id)
  try {
    // Removed, or moved to another shard: whoever moved it says so.
    if ((await store.state(account)) === undefined) {
      soon.delete(id)
      return
    }
    const indexer = await opened(account)
    const { left, through, more } = await indexer.step(
      kind === 'small' ? SLICE : STEP_EMAILS,
      () => !searched && back.disturbs,
    )
    // Told to forget it meanwhile: what was written is of a file that is gone.
    if (open.get(id) !== indexer) {
      indexer.close()
      return
    }
    tell({ said: 'progress', account: id, left, through })
    if (more) waiting.set(id, account)
    else soon.delete(id)
  } catch (error) {
    open.get(id)?.close()
    open.delete(id)
    soon.delete(id)
    if (error instanceof UnusableIndex) {
      tell({ said: 'log', level: 'warn', message: `The search index of account ${id} is made anew: ${error.message}` })
      removeIndex(directory, id)
      waiting.set(id, account)
      return
    }
    tell({
      said: 'log',
      level: 'error',
      message: `The search index of account ${id} cannot be written now: ${(error as Error).stack}`,
    })
    setTimeout(() => {
      waiting.set(id, account)
      void work()
    }, RETRY_MS).unref()
  }
}

async function opened(account: AccountRef): Promise<Indexer> {
  const { id } = account
  let indexer = open.get(id)
  open.delete(id)
  if (indexer !== undefined && !indexer.isThere) {
    indexer.close()
    // What else is left of a file that was removed belongs to no index.
    removeIndex(directory, id)
    indexer = undefined
  }
  indexer ??= await Indexer.open(indexPath(directory, id), store, account, systemClock, (message) =>
    tell({ said: 'log', level: 'error', message }),
  )
  open.set(id, indexer)
  for (const [other, least] of open) {
    if (open.size <= OPEN) break
    least.close()
    open.delete(other)
  }
  return indexer
}

function forget(account: AccountId): void {
  waiting.delete(account)
  soon.delete(account)
  const indexer = open.get(account)
  open.delete(account)
  // One that is at work is closed by its step.
  if (atWork !== account) indexer?.close()
  removeIndex(directory, account)
}

function closeAll(): void {
  for (const indexer of open.values()) indexer.close()
  open.clear()
}

async function stop(): Promise<void> {
  closeAll()
  await store[Symbol.asyncDispose]()
  port?.close()
}
