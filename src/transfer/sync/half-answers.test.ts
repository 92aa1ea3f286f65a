/** A server whose answers end anywhere: in a line, in a literal, before the last one. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ByteProxy, type Way } from '#testing/byte-proxy.ts'
import { Random } from '#testing/random.ts'
import { contentsOf, letterOf, SyncPair } from '#testing/sync-pair.ts'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'

const ROUNDS = Number(process.env.MALLE_ROUNDS ?? 12)

let started: Promise<WholeServer> | undefined
const whole = (): Promise<WholeServer> =>
  (started ??= wholeServer({ auth: { allow_plaintext: true }, limits: { exempt: ['127.0.0.0/8'] } }))
after(async () => (await started)?.[Symbol.asyncDispose]())

test('both ways, with every connection cut at any byte of either side, nothing is lost and nothing there twice', async () => {
  const port = (await whole()).port('imap')
  await using pair = await SyncPair.make(await whole())
  await using near = await ByteProxy.start(port)
  await using far = await ByteProxy.start(port)
  const random = new Random(77)
  let sent = 0
  const deliver = async (count: number): Promise<void> => {
    for (const client of [pair.left, pair.right]) {
      const bodies = Array.from({ length: count }, () => ({ body: letterOf((sent += 1), random.below(120)) }))
      for (const name of ['INBOX', 'Box']) await client.appendAll(name, bodies.splice(0, count / 2))
    }
  }
  await pair.left.create('Box')
  await pair.right.create('Box')
  await deliver(30)
  let cut = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const cutNext = (): void => {
      const way: Way = random.pick(['up', 'down'])
      random.pick([near, far]).after(way, random.between(200, 3_000 + (round % 8) * 1_500), (end) => {
        cut += 1
        end()
        cutNext()
      })
    }
    cutNext()
    const options = { twoWay: true, parallel: 2, ports: [near.port, far.port] as const }
    await pair.run(options).catch((error: unknown) => assert.match(String(error), /^ConnectionError/))
    if (round % 4 === 3) await deliver(4)
  }
  assert.ok(cut >= ROUNDS / 2, `${cut} cuts in ${ROUNDS} rounds`)
  const report = await pair.run({ twoWay: true, verify: 'bodies' })
  assert.deepEqual([report.verified?.differences, report.removed], [[], 0])
  const [left, right] = [await contentsOf(pair.left), await contentsOf(pair.right)]
  assert.deepEqual(right, left)
  const subjects = Object.values(left).flatMap((lines) => lines.map((line) => Number(line.split(' ')[0])))
  assert.deepEqual(
    subjects.sort((a, b) => a - b),
    Array.from({ length: sent }, (_, n) => n + 1),
  )
})
