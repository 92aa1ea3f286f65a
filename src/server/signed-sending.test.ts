import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authenticate } from 'mailauth'
import { MailSink, type SinkMessage, type SinkOptions } from '#testing/mail-sink.ts'
import { LineClient, type WholeServer, wholeServer } from '#testing/whole-server.ts'
import { startZoneServer } from '#testing/zone-server.ts'
import type { DkimKeyView } from './verbs.ts'

const PASSWORD = 'correct horse'

/** A whole server with keys, an alias to outside, the DNS, and the mail server of everybody else. */
async function world(
  work: (server: WholeServer, sink: MailSink) => Promise<void>,
  answer?: SinkOptions['answer'],
): Promise<void> {
  await using sink = await MailSink.start({ answer })
  await using zone = await startZoneServer(
    `$ORIGIN other.example.
@ MX 10 mx.other.example.
@ TXT "v=spf1 ip4:127.0.0.1 -all"
mx A 127.0.0.1
_dmarc TXT "v=DMARC1; p=none"
$ORIGIN example.org.
@ A 127.0.0.1
`,
  )
  const { host, port } = zone.server
  await using server = await wholeServer({
    hostname: 'mx.example.org',
    auth: { allow_plaintext: true },
    dns: { servers: [`${host}:${port}`] },
    queue: { port: sink.port },
    smtp: { check_exempt: [] },
  })
  const { administration } = server.server
  await administration.ask('account.set', { address: 'ann@example.org', password: PASSWORD })
  await administration.ask('dkim.add', { domain: 'example.org' })
  await administration.ask('alias.set', {
    address: 'away@example.org',
    targets: ['carl@other.example'],
    create: true,
  })
  await work(server, sink)
}

async function send(
  server: WholeServer,
  listener: 'submission' | 'smtp',
  from: string,
  to: string,
  lines: readonly string[],
): Promise<void> {
  using client = await LineClient.dial(server.port(listener))
  await client.line()
  await client.say('EHLO mx.other.example', /^\d{3} /)
  if (listener === 'submission') {
    const token = Buffer.from(`\0ann@example.org\0${PASSWORD}`).toString('base64')
    assert.match((await client.say(`AUTH PLAIN ${token}`)) ?? '', /^235 /)
  }
  assert.match((await client.say(`MAIL FROM:<${from}>`)) ?? '', /^250 /)
  assert.match((await client.say(`RCPT TO:<${to}>`)) ?? '', /^250 /)
  await client.say('DATA')
  assert.match((await client.say([...lines, '.'].join('\r\n'))) ?? '', /^250 /)
}

async function arrival(sink: MailSink, count: number): Promise<SinkMessage> {
  const end = performance.now() + 20_000
  while (sink.messages.length < count) {
    if (performance.now() > end) throw new Error(`Only ${sink.messages.length} messages arrived`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const message = sink.messages[count - 1]
  assert.ok(message)
  return message
}

/** `selector=pass … arc=none`, with the keys that the server says to put into the DNS. */
async function verified(server: WholeServer, { body }: SinkMessage): Promise<string> {
  const keys: readonly DkimKeyView[] = await server.server.administration.ask('dkim.list', { domain: 'example.org' })
  const zone = new Map(keys.map(({ name, value }) => [name, value]))
  const { dkim, arc } = await authenticate(body, {
    ip: '127.0.0.1',
    helo: 'mx.example.org',
    sender: 'x@example.org',
    strict: true,
    disableDmarc: true,
    disableBimi: true,
    resolver: async (name: string) => {
      const record = zone.get(name)
      if (record === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
      return [[record]]
    },
  })
  const results = dkim.results.flatMap(({ signature, status }) =>
    signature === undefined ? [] : [`${status.aligned === false ? '' : status.aligned}:${status.result}`],
  )
  return `${results.join(' ')} arc=${arc === false ? '?' : arc?.status.result}`
}

test('what people send is signed with both keys of their domain', () =>
  world(async (server, sink) => {
    const text = ['From: Ann <ann@example.org>', 'To: bob@other.example', 'Subject: hello', '', '..dot', 'end  ', '']
    await send(server, 'submission', 'ann@example.org', 'bob@other.example', text)
    const message = await arrival(sink, 1)
    assert.match(message.body.toString(), /^DKIM-Signature: [^]*\r\nDKIM-Signature: [^]*\r\nReceived: /)
    assert.equal(await verified(server, message), 'example.org:pass example.org:pass arc=none')
  }))

test('what an alias forwards is sealed, comes from an address of ours, and its bounce finds the sender', () =>
  world(async (server, sink) => {
    const text = ['From: Eve <eve@other.example>', 'To: away@example.org', 'Subject: hello', '', 'text']
    await send(server, 'smtp', 'Eve@other.example', 'away@example.org', text)
    const message = await arrival(sink, 1)
    assert.equal(message.to[0]?.address, 'carl@other.example')
    assert.match(message.from, /^SRS0=[a-z2-7]{6}=[a-z2-7]{2}=other\.example=Eve@example\.org$/)
    const head = message.body.toString()
    assert.match(head, /^ARC-Seal: i=1; [^]*\r\nARC-Authentication-Results: i=1;\s+mx\.example\.org;\s+spf=pass/)
    assert.match(
      head,
      /\r\nAuthentication-Results: mx\.example\.org;\r\n\tspf=pass [^]*\r\nDelivered-To: away@example\.org\r\n/,
    )
    assert.equal(await verified(server, message), ' arc=pass')

    const bounce = ['From: <mailer-daemon@other.example>', 'To: eve', 'Subject: Not delivered', '', 'no carl here']
    await send(server, 'smtp', '', message.from, bounce)
    const back = await arrival(sink, 2)
    assert.deepEqual([back.from, back.to[0]?.address], ['', 'Eve@other.example'])
    assert.match(back.body.toString(), /\r\n\r\nno carl here\r\n$/)
    using client = await LineClient.dial(server.port('smtp'))
    await client.line()
    await client.say('EHLO mx.other.example', /^\d{3} /)
    await client.say('MAIL FROM:<>')
    assert.match((await client.say(`RCPT TO:<${message.from.replace('Eve', 'bob')}>`)) ?? '', /^550 /)
  }))

test('a report about forwarded mail finds the sender, and is signed by us', () =>
  world(
    async (server, sink) => {
      const text = ['From: Eve <eve@other.example>', 'To: away@example.org', 'Subject: hello', '', 'text']
      await send(server, 'smtp', 'eve@other.example', 'away@example.org', text)
      const report = await arrival(sink, 1)
      assert.deepEqual([report.from, report.to[0]?.address], ['', 'eve@other.example'])
      assert.match(report.body.toString(), /\r\nFrom: [^\r]*<postmaster@mx\.example\.org>\r\n/)
      assert.match(report.body.toString(), /\r\nDiagnostic-Code: smtp; 550 5\.1\.1 no carl here\r\n/)
      assert.equal(await verified(server, report), 'example.org:pass example.org:pass arc=none')
    },
    (step, argument) => (step === 'rcpt' && argument.includes('carl') ? '550 5.1.1 no carl here' : undefined),
  ))
