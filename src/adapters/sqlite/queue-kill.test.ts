import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { QueuedMessage, QueueStore } from '#store/queue.ts'
import { openQueue } from './queue.ts'

/** Takes mail in on ten lanes and sends some of it, saying what was acknowledged, until it is killed. */
const CHILD = `
const [directory, round, queue, files] = process.argv.slice(2)
const { openQueue } = await import(queue)
const { QueueFiles } = await import(files)
const store = await openQueue({ directory, historyDays: 30 })
const stages = new QueueFiles(directory)
const base = { sender: 'a@example.org', smtpUtf8: false, eightBit: false, priority: 0, at: 1, language: 'en' }
await Promise.all(Array.from({ length: 10 }, async (_, lane) => {
  for (let turn = 0; ; turn += 1) {
    const id = round + '.' + lane + '.' + turn
    const stage = stages.stage()
    const size = lane === 0 ? 600_000 : 500 + turn * 37 % 3000
    await stage.write(Buffer.alloc(size, id + ' '))
    const body = await stage.finish()
    const to = turn % 4 === 0 ? ['x@one.test', 'y@two.test'] : ['x@one.test']
    const sent = { ...base, body, recipients: to.map((address) => ({ address })) }
    const answer = await store.enqueue([{ ...sent, id }, { ...sent, id: id + '.twin' }])
    if (!answer.ok) throw new Error(answer.error.kind)
    process.stdout.write('queued ' + id + '\\n')
    if (turn % 3 === 0) {
      const attempt = { at: 2, recipient: 'x@one.test', outcome: 'delivered', reply: '250' }
      await store.record([{ id, recipient: 'x@one.test', attempt }], [])
      process.stdout.write('done ' + id + '\\n')
    }
  }
}))
`

const ROUNDS = 12
/** Acknowledged in each round, at least. */
const LEAST = 30

test('kill -9 at any moment: what was acknowledged is in the queue, and all that is in it is whole', async () => {
  const home = await mkdtemp(path.join(tmpdir(), 'malle-queue-kill-'))
  const directory = path.join(home, 'queue')
  const script = path.join(home, 'child.mjs')
  await writeFile(script, CHILD)
  const queued = new Set<string>()
  const done = new Set<string>()
  let left = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const lines = await runAndKill([script, directory, String(round)], 11 * round)
    for (const line of lines) {
      const [what, id = ''] = line.split(' ')
      queued.add(id)
      if (what === 'done') done.add(id)
    }
    await using store = await openQueue({ directory, historyDays: 30 })
    const here = new Map((await store.list({}, 1_000_000)).map((message) => [message.id, message]))
    for (const message of here.values())
      assert.equal(await wholeBody(store, message), true, `${message.id} is not whole`)
    for (const id of queued) {
      assert.ok(here.has(`${id}.twin`), `${id}.twin was acknowledged and is gone`)
      const states = (here.get(id) ?? (await store.history(id))?.message)?.recipients.map(({ state }) => state)
      // What was not acknowledged may have happened all the same.
      assert.ok(states?.[0] === 'delivered' || (states?.[0] === 'waiting' && !done.has(id)), `${id}: ${states?.[0]}`)
    }
    const places = new Set([...here.values()].map(({ body }) => body.place))
    left = (await filesOf(directory)).length - [...places].filter((place) => place.startsWith('messages/')).length
    // What is whole and empty is not looked at again.
    await store.drop({}, 3)
    queued.clear()
  }
  assert.ok(left >= 0, `${-left} bodies are missing`)
  for (const file of await filesOf(directory)) await utimes(file, 1, 1)
  await (await openQueue({ directory, historyDays: 30 }))[Symbol.asyncDispose]()
  assert.deepEqual(await filesOf(directory), [])
  await rm(home, { recursive: true })
})

/** @returns what it said, whole lines only. */
async function runAndKill(args: readonly string[], laterMs: number): Promise<string[]> {
  const urls = ['./queue.ts', './queue-files.ts'].map((name) => import.meta.resolve(name))
  const child = spawn(process.execPath, [...args, ...urls], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  const enough = Promise.withResolvers<void>()
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
    if (text.split('\n').length > LEAST) enough.resolve()
  })
  const closed = once(child, 'close')
  await Promise.race([enough.promise, closed])
  await Promise.race([delay(laterMs), closed])
  child.kill('SIGKILL')
  await closed
  const lines = text.split('\n').slice(0, -1)
  assert.ok(lines.length >= LEAST)
  return lines
}

/** Every octet is of this message. */
async function wholeBody(store: QueueStore, message: QueuedMessage): Promise<boolean> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await store.body(message)) chunks.push(chunk)
  const id = message.id.replace('.twin', '')
  return Buffer.concat(chunks).equals(Buffer.alloc(message.body.size, `${id} `))
}

async function filesOf(directory: string): Promise<string[]> {
  const entries = await readdir(path.join(directory, 'messages'), { recursive: true, withFileTypes: true })
  return entries.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name))
}
