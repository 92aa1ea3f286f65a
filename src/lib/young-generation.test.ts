import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

/** Makes garbage, and tells how large its young generation has become. */
const THREAD = `
  const kept = []
  for (let number = 0; number < 2_000_000; number += 1) {
    kept.push({ number })
    if (kept.length > 50_000) kept.length = 0
  }
  const spaces = require('node:v8').getHeapSpaceStatistics()
  const young = spaces.find(({ space_name }) => space_name === 'new_space')
  require('node:worker_threads').parentPort.postMessage(young.space_size / 1048576)`

/** Two threads with the same limit, one after the other; the first is begun by the module. */
const PROGRAM = `
  const { once } = require('node:events')
  const { Worker } = require('node:worker_threads')
  const limits = { maxYoungGenerationSizeMb: 3 }
  const begin = () => new Worker(${JSON.stringify(THREAD)}, { eval: true, resourceLimits: limits })
  import(${JSON.stringify(path.join(import.meta.dirname, 'young-generation.ts'))}).then(async (module) => {
    console.log((await once(module.withOwnYoungGeneration(begin), 'message'))[0])
    console.log((await once(begin(), 'message'))[0])
  })`

test('a thread has the young generation that it was given, and those after it that of the process', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--max-semi-space-size=16', '--eval', PROGRAM])
  const [own = 0, other = 0] = stdout.trim().split('\n').map(Number)
  assert.ok(own > 0 && own <= 3, `${own} MB`)
  assert.ok(other > 3, `${other} MB`)
})
