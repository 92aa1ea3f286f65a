import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailSink } from '#testing/mail-sink.ts'
import { LineClient, type WholeServer, wholeServer } from '#testing/whole-server.ts'
import { startZoneServer } from '#testing/zone-server.ts'

const PASSWORD = 'correct horse'

/** A whole server, the DNS, and another mail server for other.example. */
async function world(work: (server: WholeServer, sink: MailSink) => Promise<void>): Promise<void> {
  await using sink = await MailSink.start({})
  await using zone = await startZoneServer('$ORIGIN other.example.\n@ MX 10 mx.other.example.\nmx A 127.0.0.1\n')
  const { host, port } = zone.server
  await using server = await wholeServer({
    auth: { allow_plaintext: true },
    dns: { servers: [`${host}:${port}`] },
    queue: { port: sink.port },
  })
  await server.server.administration.ask('account.set', { address: 'ann@example.org', password: PASSWORD })
  await work(server, sink)
}

interface Mail {
  readonly from: string
  readonly to: readonly string[]
}

/** @returns the id of the message. */
async function send(server: WholeServer, listener: 'submission' | 'smtp', { from, to }: Mail): Promise<string> {
  using client = await LineClient.dial(server.port(listener))
  await client.line()
  await client.ask('EHLO laptop', /^\d{3} /)
  const token = Buffer.from(`\0ann@example.org\0${PASSWORD}`).toString('base64')
  if (listener === 'submission') assert.match((await client.say(`AUTH PLAIN ${token}`)) ?? '', /^235 /)
  assert.match((await client.say(`MAIL FROM:${from}`)) ?? '', /^250 /)
  for (const one of to) assert.match((await client.say(`RCPT TO:<${one}>`)) ?? '', /^250 /, one)
  await client.say('DATA')
  const reply = (await client.say('From: ann@example.org\r\n\r\ntext\r\n.')) ?? ''
  const id = /^250 2\.0\.0 Kept as (\S+)$/.exec(reply)?.[1]
  assert.ok(id, reply)
  return id
}

async function messages({ server }: WholeServer, address: string): Promise<number> {
  return (await server.administration.ask('account.show', { address })).messages
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('a message that waits goes to everybody in its time, or to nobody when it is taken back', () =>
  world(async (server, sink) => {
    const to = ['bob@example.org', 'ben@other.example']
    const taken = await send(server, 'submission', { from: '<ann@example.org> HOLDFOR=3600', to })
    const filter = { ids: [taken], account: null, domain: null, held: null, dryRun: false }
    assert.equal((await server.server.administration.ask('queue.drop', filter)).recipients, 2)
    const from = Date.now()
    await send(server, 'submission', { from: '<ann@example.org> HOLDFOR=1', to })
    await until(
      'everybody has it',
      async () => sink.messages.length > 0 && (await messages(server, 'bob@example.org')) > 0,
    )
    assert.ok(Date.now() - from >= 1_000)
    assert.deepEqual([await messages(server, 'bob@example.org'), sink.messages.length], [1, 1])
  }))

test('an alias forwards with a sender that answers find their way back by', () =>
  world(async (server, sink) => {
    const alias = { address: 'away@example.org', targets: ['Ben@other.example'], create: true }
    await server.server.administration.ask('alias.set', alias)
    await send(server, 'smtp', { from: '<eve@other.example>', to: ['away@example.org'] })
    await until('it is forwarded', () => sink.messages.length === 1)
    const [forwarded] = sink.messages
    assert.deepEqual(
      forwarded?.to.map(({ address }) => address),
      ['Ben@other.example'],
    )
    assert.match(forwarded.from, /^SRS0=[^@]*=other\.example=eve@example\.org$/)
    assert.match(forwarded.body.toString(), /^Delivered-To: away@example\.org\r\nReceived: from laptop /m)
    await send(server, 'smtp', { from: '<>', to: [forwarded.from] })
    await until('the answer is back', () => sink.messages.length === 2)
    assert.deepEqual(
      [sink.messages[1]?.from, sink.messages[1]?.to.map(({ address }) => address)],
      ['', ['eve@other.example']],
    )
  }))
