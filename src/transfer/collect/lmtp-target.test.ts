import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { systemClock } from '#lib/clock.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { ScriptedServer } from '#testing/scripted-server.ts'
import { type CollectReport, collect } from './collect.ts'
import { TargetGone } from './errors.ts'
import { openLmtpTarget } from './lmtp-target.ts'
import { openPop3Source } from './pop3-source.ts'
import { CollectState } from './state.ts'

interface Delivery {
  readonly to: readonly string[]
  readonly data: string
}

/** An LMTP server that says of each recipient, before or after the message, what it is told to (RFC 2033 §4.2). */
async function lmtp(
  refusals: Readonly<Record<string, { readonly rcpt?: string; readonly data?: string }>>,
  deliveries: Delivery[],
): Promise<ScriptedServer> {
  return ScriptedServer.start(async (peer) => {
    peer.send('220 LMTP\r\n')
    let to: string[] = []
    for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
      const [, address = ''] = /^RCPT TO:<(.*?)>/i.exec(line) ?? []
      if (address !== '') {
        const answer = refusals[address]?.rcpt
        if (answer === undefined) to.push(address)
        peer.send(`${answer ?? '250 ok'}\r\n`)
      } else if (/^DATA/i.test(line)) {
        peer.send('354 go on\r\n')
        let data = ''
        for (let text = await peer.line(); text !== undefined && text !== '.'; text = await peer.line()) data += text
        for (const each of to) peer.send(`${refusals[each]?.data ?? '250 kept'}\r\n`)
        deliveries.push({ to: to.filter((each) => refusals[each]?.data === undefined), data })
        to = []
      } else peer.send('250 ok\r\n')
    }
  })
}

async function scene(messages: readonly string[]) {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-collect-'))
  const source = await TestPop3Server.start({ messages })
  return {
    source,
    async run(port: number): Promise<CollectReport> {
      using state = new CollectState(path.join(folder, 'state.db'))
      await using opened = await openPop3Source('ann@pop.example', {
        host: '127.0.0.1',
        port: source.port,
        security: 'none',
        allowPlaintext: true,
        credentials: { login: 'ann@example.org', password: 'secret' },
      })
      await using target = openLmtpTarget({
        host: '127.0.0.1',
        port,
        recipient: 'ann@example.org',
        envelopeField: 'Delivered-To',
      })
      return await collect({ source: opened, target, state, policy: { kind: 'delete' }, clock: systemClock })
    },
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

const TWO = 'Delivered-To: ann@example.org, bob@example.org\r\nSubject: two\r\n\r\n'

test('lmtp: a message goes to all that its header names, in one piece; without the field to who fetches', async () => {
  const deliveries: Delivery[] = []
  await using server = await lmtp({}, deliveries)
  await using at = await scene([TWO, 'Subject: none\r\n\r\n', 'Delivered-To: not an address\r\nSubject: odd\r\n\r\n'])
  assert.equal((await at.run(server.port)).taken, 3)
  assert.deepEqual(
    deliveries.map(({ to }) => to),
    [['ann@example.org', 'bob@example.org'], ['ann@example.org'], ['ann@example.org']],
  )
})

for (const when of ['rcpt', 'data'] as const) {
  test(`lmtp: who is refused for good (${when}) does not keep the others from it, and is named`, async () => {
    const deliveries: Delivery[] = []
    await using server = await lmtp({ 'bob@example.org': { [when]: '550 5.1.1 nobody' } }, deliveries)
    await using at = await scene([TWO])
    const report = await at.run(server.port)
    assert.deepEqual([report.taken, report.removed, report.refused], [1, 1, []])
    assert.match(report.notes[0]?.note ?? '', /550 5\.1\.1 nobody \(bob@example\.org\)$/)
    assert.deepEqual(
      deliveries.map(({ to }) => to),
      [['ann@example.org']],
    )
  })

  test(`lmtp: who is refused for now (${when}) gets it at the next run, and nobody gets it twice`, async () => {
    const deliveries: Delivery[] = []
    const refusals: Record<string, { readonly rcpt?: string; readonly data?: string }> = {
      'bob@example.org': { [when]: '452 4.2.2 full' },
    }
    await using server = await lmtp(refusals, deliveries)
    await using at = await scene([TWO])
    for (let run = 0; run < 2; run += 1) {
      const report = await at.run(server.port)
      assert.deepEqual([report.taken, report.removed, report.refused.length, report.maybeTwice], [0, 0, 1, 0])
    }
    delete refusals['bob@example.org']
    const last = await at.run(server.port)
    assert.deepEqual([last.taken, last.removed, last.maybeTwice], [1, 1, 0])
    assert.deepEqual(
      deliveries.flatMap(({ to }) => to),
      ['ann@example.org', 'bob@example.org'],
    )
    assert.equal(await at.source.count(), 0)
  })
}

test('lmtp: a server that is not there ends the run, and nothing is deleted', async () => {
  await using server = await lmtp({}, [])
  const { port } = server
  await server[Symbol.asyncDispose]()
  await using at = await scene([TWO])
  await assert.rejects(at.run(port), TargetGone)
  assert.equal(await at.source.count(), 1)
})
