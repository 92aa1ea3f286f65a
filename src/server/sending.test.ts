import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailSink, type SinkOptions } from '#testing/mail-sink.ts'
import { LineClient, type WholeServer, wholeServer } from '#testing/whole-server.ts'
import { startZoneServer } from '#testing/zone-server.ts'

const PASSWORD = 'correct horse'

/** A whole server, the DNS, and another mail server for other.example. */
async function world(
  answer: SinkOptions['answer'],
  work: (server: WholeServer, sink: MailSink) => Promise<void>,
): Promise<void> {
  await using sink = await MailSink.start({ answer })
  await using zone = await startZoneServer(
    '$ORIGIN other.example.\n@ MX 10 mx.other.example.\nmx A 127.0.0.1\n$ORIGIN example.org.\n@ A 127.0.0.1\n',
  )
  const { host, port } = zone.server
  await using server = await wholeServer({
    auth: { allow_plaintext: true },
    dns: { servers: [`${host}:${port}`] },
    queue: { port: sink.port },
  })
  await server.server.administration.ask('account.set', { address: 'ann@example.org', password: PASSWORD })
  await work(server, sink)
}

async function submit(server: WholeServer, to: string): Promise<string | undefined> {
  using client = await LineClient.dial(server.port('submission'))
  await client.line()
  await client.say('EHLO laptop', /^\d{3} /)
  const token = Buffer.from(`\0ann@example.org\0${PASSWORD}`).toString('base64')
  assert.match((await client.say(`AUTH PLAIN ${token}`)) ?? '', /^235 /)
  await client.say('MAIL FROM:<ann@example.org>')
  await client.say(`RCPT TO:<${to}>`)
  await client.say('DATA')
  const reply = await client.say('From: ann@example.org\r\nTo: b@other.example\r\nSubject: hello\r\n\r\n..dot\r\n.')
  // before the client ends
  return reply
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('what is submitted goes to the other server, with the id that the client was told', () =>
  world(undefined, async (server, sink) => {
    const reply = await submit(server, 'bob@other.example')
    const id = /Kept as (\S+)/.exec(reply ?? '')?.[1]
    assert.ok(id !== undefined, reply ?? 'no reply')
    await until('the message arrives', () => sink.messages.length > 0)
    const [message] = sink.messages
    assert.deepEqual([message?.from, message?.to[0]?.address], ['ann@example.org', 'bob@other.example'])
    assert.match(message?.body.toString() ?? '', new RegExp(`id ${id.replaceAll('.', '\\.')}`))
    assert.match(message?.body.toString() ?? '', /\r\n\r\n\.dot\r\n$/)
  }))

test('a refusal comes back into the mailbox of the sender', () =>
  world(
    (step) => (step === 'rcpt' ? '550 5.1.1 no bob here' : undefined),
    async (server) => {
      await submit(server, 'bob@other.example')
      using client = await LineClient.dial(server.port('imap'))
      await client.line()
      await client.say(`a LOGIN ann@example.org "${PASSWORD}"`, /^a /)
      await until('the report is in INBOX', async () =>
        (await client.ask('b STATUS INBOX (MESSAGES)', /^b /)).includes('MESSAGES 1'),
      )
      await client.say('c SELECT INBOX', /^c /)
      const text = await client.ask('d FETCH 1 BODY[]', /^d /)
      assert.match(text, /Return-Path: <>/)
      assert.match(text, /^Subject: Message not delivered$/m)
      assert.match(text, /^Diagnostic-Code: smtp; 550 5\.1\.1 no bob here$/m)
    },
  ))
