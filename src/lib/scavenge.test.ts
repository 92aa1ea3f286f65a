import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'

/** Another thread that shows the collector and takes it back, again and again, until it is told to stop. */
const OTHER_THREAD = `
  const { setFlagsFromString } = require('node:v8')
  const { parentPort, workerData } = require('node:worker_threads')
  parentPort.postMessage('at work')
  while (Atomics.load(workerData, 0) === 0) {
    setFlagsFromString('--expose-gc')
    setFlagsFromString('--no-expose-gc')
  }
`

test('scavenge() works while other threads take the flag back that it needs', async () => {
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const other = new Worker(OTHER_THREAD, { eval: true, workerData: stop })
  const ended = new Promise((resolve) => other.once('exit', resolve))
  try {
    await new Promise((resolve) => other.once('message', resolve))
    for (let round = 0; round < 12; round += 1) {
      // a module of its own each time, as in a thread that has not done it yet
      const { scavenge } = (await import(`./scavenge.ts?${round}`)) as { readonly scavenge: () => void }
      scavenge()
    }
  } finally {
    Atomics.store(stop, 0, 1)
    await ended
    setFlagsFromString('--no-expose-gc')
  }
  assert.equal('gc' in globalThis, false)
})
