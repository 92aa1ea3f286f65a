import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { askControl, serveControl } from './control.ts'

/** A server whose one verb lasts until nobody waits for all of it. */
async function lasting(
  t: TestContext,
): Promise<{ readonly data: string; readonly begun: Promise<void>; over: Promise<void> }> {
  const data = await mkdtemp(path.join(tmpdir(), 'malle-control-'))
  t.after(() => rm(data, { recursive: true, force: true }))
  const begun = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const server = await serveControl(data, async (_verb, _args, _progress, signal) => {
    begun.resolve()
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve())
    })
    over.resolve()
    return 'as far as it came'
  })
  t.after(() => server[Symbol.asyncDispose]())
  return { data, begun: begun.promise, over: over.promise }
}

test('a verb that is stopped answers with what it did so far', async (t) => {
  const { data, begun } = await lasting(t)
  const controller = new AbortController()
  void begun.then(() => controller.abort())
  const answer = await askControl(data, 'anything', {}, undefined, controller.signal)
  assert.deepEqual(answer, { value: 'as far as it came' })
})

test('a verb is stopped when who asked for it is gone', async (t) => {
  const { data, begun, over } = await lasting(t)
  const socket = connect(path.join(data, 'run', 'control.sock'))
  socket.write('{"verb":"anything","args":{}}\n')
  await begun
  socket.destroy()
  await over
})

for (const length of [0, 1, 500, 501, 20_000])
  test(`a list of ${length} comes whole, and lets others in between`, async (t) => {
    const data = await mkdtemp(path.join(tmpdir(), 'malle-control-'))
    t.after(() => rm(data, { recursive: true, force: true }))
    const list = Array.from({ length }, (_, number) => ({ number, text: 'x'.repeat(100) }))
    const server = await serveControl(data, async (verb) => (verb === 'list' ? list : [[1, 2], [3]]))
    t.after(() => server[Symbol.asyncDispose]())
    const whole = askControl(data, 'list', {})
    assert.deepEqual(await askControl(data, 'other', {}), { value: [[1, 2], [3]] })
    assert.deepEqual(await whole, { value: list })
  })
