import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { newFolder, openTestStore } from './test-kit.ts'

/** Delivers, flags and expunges, and says what was acknowledged, until it is killed. */
const CHILD = `
const [directory, kit, host, store] = process.argv.slice(2)
const { startEmbedded } = await import(host)
const { openEmbeddedStore } = await import(store)
const { messageOf, patternOf, World } = await import(kit)
const clock = { now: () => Date.now() }
const running = await startEmbedded({ directory, shards: 1, durability: 'full', clock, log: () => {}, tuning: { segmentBytes: 200_000, upkeepMs: 20 } })
const opened = openEmbeddedStore(running.connect(), clock)
const person = await new World({ store: opened, close: async () => {} }).person()
const inbox = (await person.inbox()).key
await Promise.all(Array.from({ length: 10 }, async (_, lane) => {
  for (let turn = 0; ; turn += 1) {
    const size = 500 + lane * 100 + (turn % 50)
    const { uids: [uid] } = await person.add(inbox, [messageOf({ body: patternOf(size, size) })])
    if (turn % 3 === 0) await person.flag(inbox, [[uid, uid]], 'add', ['\\\\Seen'])
    if (turn % 5 === 0) {
      await person.must('expunge', { mailbox: inbox, uids: [[uid, uid]], which: 'any' })
      process.stdout.write('gone ' + uid + ' ' + size + '\\n')
    } else process.stdout.write((turn % 3 === 0 ? 'seen ' : 'here ') + uid + ' ' + size + '\\n')
  }
}))
`

/** Acknowledged in each round, at least. */
const LEAST = 40

test('kill -9 in the middle of everything loses nothing that was acknowledged', async () => {
  const directory = await newFolder()
  const script = `${directory}.mjs`
  await writeFile(script, CHILD)
  const acknowledged = new Map<number, readonly [what: string, size: number]>()
  for (let round = 0; round < 3; round += 1) {
    const urls = ['#store/kit.contract.ts', './host.ts', './embedded-store.ts'].map((name) => import.meta.resolve(name))
    const child = spawn(process.execPath, [script, directory, ...urls], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    const enough = Promise.withResolvers<void>()
    child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
      if (text.split('\n').length > LEAST) enough.resolve()
    })
    const closed = once(child, 'close')
    await Promise.race([enough.promise, closed])
    await Promise.race([delay(200 + round * 57), closed])
    child.kill('SIGKILL')
    await closed
    for (const line of text.split('\n').slice(0, -1)) {
      const [what = '', uid, size] = line.split(' ')
      acknowledged.set(Number(uid), [what, Number(size)])
    }
    await using store = await openTestStore({ directory })
    assert.deepEqual(await store.check(), [])
    const person = store.world.stranger()
    const inbox = (await person.inbox()).key
    const messages = new Map((await person.messages(inbox)).map(({ uid, flags }) => [uid, flags]))
    for (const row of await person.emails(inbox)) {
      const known = acknowledged.get(row.uid)
      if (known !== undefined) assert.equal((await person.body(row)).length, known[1])
    }
    for (const [uid, [what]] of acknowledged) {
      if (what === 'gone') assert.equal(messages.has(uid), false, `UID ${uid} came back`)
      else assert.deepEqual(messages.get(uid), what === 'seen' ? ['\\Seen'] : [], `UID ${uid}`)
    }
  }
  assert.ok(acknowledged.size > 2 * LEAST, `${acknowledged.size} acknowledged`)
  await rm(script)
  await rm(directory, { recursive: true })
})
