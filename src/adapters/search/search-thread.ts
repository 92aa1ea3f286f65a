/** Entry of the thread that looks texts up: the words of accounts are in its memory, once, whatever asks. @module */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '#lib/clock.ts'
import { giveWay } from '#lib/give-way.ts'
import type { AccountId } from '#mail/ids.ts'
import type { IndexAnswer } from '#store/search-index.ts'
import type { AccountRef } from '#store/types.ts'
import { openEmbeddedStore } from '../embedded/embedded-store.ts'
import { UnusableIndex } from './index-file.ts'
import type { SearchOrder, SearchReport, SearchThreadSetup } from './protocol.ts'
import { AccountSearcher } from './searcher.ts'

/** Accounts whose words are kept. */
const OPEN = 16
/** After so long without a question the thread is ended. */
const IDLE_MS = 300_000
/** Steps below the threads that speak with clients: nobody else waits for a search. */
const BELOW = 10

const port = parentPort
if (port === null) throw new Error('This module is the entry of a worker')
const { directory, connection } = workerData as SearchThreadSetup
giveWay(BELOW)
const store = openEmbeddedStore(connection, systemClock)
/** The one used last is the last. */
const open = new Map<AccountId, AccountSearcher>()
let idle: NodeJS.Timeout | undefined
/** One after the other: they share files. */
let last: Promise<void> = Promise.resolve()

port.on('message', (order: SearchOrder) => {
  if (order.do === 'find') last = last.then(() => find(order))
  else void last.then(stop)
})

async function find({ id, account, mailbox, texts }: Extract<SearchOrder, { readonly do: 'find' }>): Promise<void> {
  clearTimeout(idle)
  let answer: IndexAnswer | undefined
  let unusable = false
  try {
    const searcher = await opened(account)
    if (searcher === 'of-other-mail') unusable = true
    else answer = await searcher?.find(mailbox, texts)
  } catch (error) {
    open.get(account.id)?.close()
    open.delete(account.id)
    unusable = error instanceof UnusableIndex
    const { message, stack } = error as Error
    const report: SearchReport = {
      said: 'log',
      level: unusable ? 'warn' : 'error',
      message: unusable
        ? `The search index of account ${account.id} is made anew: ${message}`
        : `The search index of account ${account.id} cannot be used now: ${stack}`,
    }
    port?.postMessage(report)
  }
  const report: SearchReport = { said: 'found', id, answer, unusable }
  port?.postMessage(report, answer === undefined ? [] : buffersOf(answer))
  idle = setTimeout(() => port?.postMessage({ said: 'idle' } satisfies SearchReport), IDLE_MS).unref()
}

function buffersOf({ unknown, matches }: IndexAnswer): ArrayBuffer[] {
  const arrays = [unknown, ...matches.flatMap((each) => (each === undefined ? [] : [each.yes, each.maybe]))]
  return arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer)
}

async function opened(account: AccountRef): Promise<AccountSearcher | 'of-other-mail' | undefined> {
  const { id } = account
  let searcher = open.get(id)
  open.delete(id)
  if (searcher !== undefined && !searcher.isThere) {
    searcher.close()
    searcher = undefined
  }
  const now = searcher ?? (await AccountSearcher.open(directory, store, account))
  if (!(now instanceof AccountSearcher)) return now
  open.set(id, now)
  for (const [other, least] of open) {
    if (open.size <= OPEN) break
    least.close()
    open.delete(other)
  }
  return now
}

function closeAll(): void {
  for (const searcher of open.values()) searcher.close()
  open.clear()
}

async function stop(): Promise<void> {
  closeAll()
  await store[Symbol.asyncDispose]()
  port?.close()
}
