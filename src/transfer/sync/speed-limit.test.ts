import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { MaildirSide } from './maildir-side.ts'
import { type Pacing, SpeedLimit } from './speed-limit.ts'
import { SyncState } from './state.ts'
import { synchronise } from './sync.ts'

/** Time that passes whenever all who wait for it do, as far as the first of them waits. */
class ManualPacing implements Pacing {
  #now = 0
  readonly #waiting: { readonly until: number; readonly go: () => void }[] = []

  now(): number {
    return this.#now
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ until: this.#now + ms, go: resolve }))
  }

  /** Lets time pass until the work is over. */
  async until<T>(work: Promise<T>): Promise<T> {
    let over = false
    const end = (): void => {
      over = true
    }
    work.then(end, end)
    while (!over) {
      await new Promise((resolve) => setImmediate(resolve))
      const [first] = this.#waiting.sort((a, b) => a.until - b.until)
      if (first === undefined) continue
      this.#waiting.shift()
      this.#now = Math.max(this.#now, first.until)
      first.go()
    }
    return work
  }
}

const RATE = 50_000

test('several bodies together go no faster than the ceiling at any time, and no slower', async () => {
  const pacing = new ManualPacing()
  const limit = new SpeedLimit(RATE, pacing)
  let octets = 0
  async function* chunks(count: number, size: number): AsyncGenerator<Uint8Array, void, void> {
    for (let n = 0; n < count; n += 1) yield new Uint8Array(size)
  }
  const carry = async (count: number, size: number): Promise<void> => {
    for await (const chunk of limit.slow(chunks(count, size))) {
      octets += chunk.length
      const allowed = (RATE * (pacing.now() + 100)) / 1000
      assert.ok(octets <= allowed, `${octets} octets after ${pacing.now()} ms`)
    }
  }
  await pacing.until(Promise.all([carry(40, 1_000), carry(5, 16_000), carry(300, 7)]))
  assert.equal(octets, 122_100)
  assert.ok(pacing.now() <= 122_100 / (RATE / 1000), `${pacing.now()} ms`)
})

test('a run with a ceiling takes as long as its bodies need', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-sync-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  let octets = 0
  for (const [n, size] of [3_000, 40_000, 2_500_000, 700].entries()) {
    const name = n % 2 === 0 ? 'from' : 'from/.Two'
    for (const each of ['cur', 'new', 'tmp']) await mkdir(path.join(folder, name, each), { recursive: true })
    await writeFile(path.join(folder, name, 'cur', `${n}.x:2,`), `Subject: ${n}\r\n\r\n`.padEnd(size, 'x'))
    octets += size
  }
  const pacing = new ManualPacing()
  using state = new SyncState(path.join(folder, 'state.db'), 'from', 'to')
  await using left = await MaildirSide.open(path.join(folder, 'from'))
  await using right = await MaildirSide.open(path.join(folder, 'to'))
  const report = await pacing.until(
    synchronise({
      left,
      right,
      state,
      twoWay: false,
      deletions: false,
      mailboxDeletions: false,
      emptyToo: false,
      dryRun: false,
      verify: 'bodies',
      wanted: () => true,
      limit: new SpeedLimit(RATE, pacing),
      parallel: 2,
      signal: new AbortController().signal,
      progress: () => undefined,
    }),
  )
  assert.deepEqual([report.copied, report.octets, report.verified?.differences], [4, octets, []])
  const seconds = pacing.now() / 1000
  assert.ok(Math.abs(seconds - octets / RATE) <= 0.2, `${seconds} s for ${octets} octets`)
})
