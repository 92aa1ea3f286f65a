import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { MessageQuestion } from '#services/inbound-checks.ts'
import { openMessage } from './header.ts'
import { askRspamd, opinionOf } from './rspamd.ts'

const QUESTION: MessageQuestion = {
  id: 'c1.1',
  remoteAddress: '192.0.2.1',
  helo: 'mx\r\nX: y',
  sender: 'a@x.example',
  recipients: ['ann@example.org', 'bob@example.org'],
  body: { kind: 'bytes', bytes: Buffer.from('Subject: x\r\n\r\nText\r\n') },
}

/** Asks a server that answers so. */
async function asked(
  status: number,
  answer: string,
): Promise<{ opinion: unknown; request?: IncomingMessage; body: string }> {
  let body = ''
  let request: IncomingMessage | undefined
  const server = createServer((incoming, response) => {
    request = incoming
    incoming.setEncoding('latin1').on('data', (chunk: string) => {
      body += chunk
    })
    incoming.on('end', () => response.writeHead(status).end(answer))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const message = await openMessage(QUESTION.body)
    assert.ok(message)
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const opinion = await askRspamd(url, message, QUESTION, AbortSignal.timeout(2_000))
    return { opinion, body, ...(request !== undefined && { request }) }
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

test('askRspamd() sends the message and the envelope, and reads the action', async () => {
  const { opinion, request, body } = await asked(200, '{"action":"add header","score":7.25,"required_score":15}')
  assert.equal(body, 'Subject: x\r\n\r\nText\r\n')
  assert.equal(request?.url, '/checkv2')
  assert.equal(request.headers['ip'], '192.0.2.1')
  assert.equal(request.headers['helo'], 'mx??X:?y')
  assert.equal(request.headers['from'], 'a@x.example')
  assert.equal(request.headers['rcpt'], 'ann@example.org, bob@example.org')
  assert.deepEqual(opinion, {
    decision: { disposition: 'junk', reason: 'spam' },
    result: { method: 'x-rspamd', result: 'add-header', comment: 'score 7.3 of 15.0', properties: {} },
  })
})

test('askRspamd() has no opinion where rspamd is not there or says nothing of use', async () => {
  for (const [status, answer] of [
    [500, '{"action":"reject"}'],
    [200, 'no JSON'],
    [200, '[]'],
    [200, '{"action":7}'],
    [200, '{"action":"something new"}'],
  ] as const)
    assert.equal((await asked(status, answer)).opinion, undefined)
  const message = await openMessage(QUESTION.body)
  assert.ok(message)
  assert.equal(await askRspamd('http://127.0.0.1:1', message, QUESTION, AbortSignal.timeout(2_000)), undefined)
})

test('opinionOf() knows each action', () => {
  const of = (action: string, said?: string) =>
    opinionOf({ action, score: 1, required_score: 2, messages: { smtp_message: said } })?.decision
  assert.equal(of('no action')?.disposition, 'accept')
  for (const action of ['add header', 'rewrite subject', 'quarantine']) assert.equal(of(action)?.disposition, 'junk')
  assert.deepEqual(of('reject', 'Go\r\naway')?.reply, { code: 550, text: '5.7.1 Go??away' })
  assert.deepEqual(of('greylist')?.reply, { code: 451, text: '4.7.1 Try again later' })
  assert.deepEqual(of('soft reject', 'Rate limit')?.reply, { code: 451, text: '4.7.1 Rate limit' })
})
