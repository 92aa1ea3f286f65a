import path from 'node:path'
import { Worker } from 'node:worker_threads'
import type { SlowHashAnswer, SlowHashQuestion } from './slow-hash-worker.ts'

/** Imported hashes are rare (each is replaced at the first login), so the thread ends when nothing came for this long. */
const IDLE_MS = 30_000

interface Running {
  readonly worker: Worker
  readonly waiting: Map<number, (right: boolean) => void>
}

let running: Running | undefined
let lastId = 0
let idle: NodeJS.Timeout | undefined

/** Checks a `$1$`, `$5$`, `$6$` or `$2…$` hash in a thread of its own, one after the other. A thread that dies says wrong. */
export function checkSlowHash(password: string, stored: string): Promise<boolean> {
  clearTimeout(idle)
  running ??= start()
  const { worker, waiting } = running
  lastId += 1
  const id = lastId
  return new Promise((resolve) => {
    worker.ref()
    waiting.set(id, resolve)
    worker.postMessage({ id, password, stored } satisfies SlowHashQuestion)
  })
}

function start(): Running {
  // the suffix is .ts in the tree and .js in the published package
  const worker = new Worker(new URL(`./slow-hash-worker${path.extname(import.meta.filename)}`, import.meta.url))
  const started: Running = { worker, waiting: new Map() }
  const { waiting } = started
  worker.on('message', ({ id, right }: SlowHashAnswer) => {
    waiting.get(id)?.(right)
    waiting.delete(id)
    if (waiting.size > 0) return
    worker.unref()
    idle = setTimeout(() => void worker.terminate(), IDLE_MS).unref()
  })
  // the exit that follows an error settles what waits
  worker.on('error', () => undefined)
  worker.on('exit', () => {
    if (running === started) running = undefined
    for (const answer of waiting.values()) answer(false)
    waiting.clear()
  })
  return started
}
