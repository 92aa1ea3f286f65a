import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { TestClient } from '#testing/pop3-transcript.ts'

test('a batch is answered in order, wherever it is cut', async () => {
  await using server = await TestPop3Server.start({ messages: ['a: 1\r\n\r\nx\r\n', 'a: 2\r\n\r\ny\r\n'] })
  const batch =
    'USER ann@example.org\r\nPASS secret\r\nLIST\r\nRETR 2\r\nTOP 1 0\r\nXYZZY\r\nUIDL 1\r\nRSET\r\nQUIT\r\n'
  const answers: string[][] = []
  for (let cut = 0; cut <= batch.length; cut += 7) {
    const client = new TestClient(await server.connect())
    client.socket.write(batch.slice(0, cut))
    if (cut % 2 === 1) await new Promise((resolve) => setImmediate(resolve))
    client.socket.write(batch.slice(cut))
    const lines: string[] = []
    for (let line = await client.line(); line !== undefined; line = await client.line()) lines.push(line)
    answers.push(lines)
    client.socket.destroy()
  }
  const [first] = answers
  assert.equal(first?.length, 20)
  assert.deepEqual(first?.slice(-4), ['-ERR Unknown command', first?.at(-3), '+OK 2 messages (22 octets)', '+OK Bye'])
  for (const lines of answers) assert.deepEqual(lines, first)
})

test('a long batch does not keep the loop from others', async (t) => {
  await using server = await TestPop3Server.start({ messages: ['a: 1\r\n\r\nx\r\n'] })
  const busy = await new TestClient(await server.connect()).login()
  // each look at the clock is a millisecond later, so that no machine is fast enough for the whole batch
  let clock = performance.now()
  t.mock.method(performance, 'now', () => (clock += 1))
  let turns = 0
  let over = false
  const look = (): void => {
    turns += 1
    if (!over) setImmediate(look)
  }
  setImmediate(look)
  busy.send(...Array<string>(6000).fill('NOOP'))
  for (let times = 0; times < 6000; times += 1) assert.equal(await busy.line(), '+OK')
  over = true
  assert.ok(turns > 600, `${String(turns)} turns`)
  busy.socket.destroy()
})
