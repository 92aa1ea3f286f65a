/** A connection that says NOOP every 5 ms from a thread of its own, and how long each answer took. @module */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type Endpoint, type Login, RawImap } from './raw.ts'

const EVERY_MS = 5

/** Runs until it is disposed of. */
export interface Probe extends AsyncDisposable {
  /** Milliseconds of each round trip since the last call. */
  take(): Promise<readonly number[]>
}

/** Logs in and begins. */
export async function startProbe(endpoint: Endpoint, login: Login): Promise<Probe> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { endpoint, login } })
  await once(worker, 'message')
  return {
    async take() {
      worker.postMessage('take')
      const [waits] = (await once(worker, 'message')) as [readonly number[]]
      return waits
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    },
  }
}

async function probe(): Promise<void> {
  const { endpoint, login } = workerData as { readonly endpoint: Endpoint; readonly login: Login }
  const imap = await RawImap.login(endpoint, login.address, login.password)
  let waits: number[] = []
  parentPort?.on('message', () => {
    parentPort?.postMessage(waits)
    waits = []
  })
  parentPort?.postMessage('ready')
  for (;;) {
    const begun = performance.now()
    await imap.ok('NOOP')
    waits.push(performance.now() - begun)
    await delay(EVERY_MS)
  }
}

if (!isMainThread) await probe()
