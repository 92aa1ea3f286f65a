import assert from 'node:assert/strict'
import { isAscii } from 'node:buffer'
import { test } from 'node:test'
import { done } from '#lib/result.ts'
import type { QueuedMessage } from '#store/queue.ts'
import { MailSink, type SinkAnswer, type SinkOptions, type SinkStep } from '#testing/mail-sink.ts'
import { type OutboundOptions, START, TestOutbound } from '#testing/outbound.ts'
import { opportunistic } from './tls-policy.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

interface Post extends AsyncDisposable {
  readonly sink: MailSink
  readonly out: TestOutbound
}

/** A server for x.net and y.net, and a queue. */
async function post(answer?: SinkOptions['answer'], options: Partial<OutboundOptions> = {}): Promise<Post> {
  const sink = await MailSink.start({ answer })
  const domains = { 'x.net': ['127.0.0.1'], 'y.net': ['127.0.0.1'], 'null.net': 'null', 'fails.net': 'fails' } as const
  const out = await TestOutbound.start({ domains, port: sink.port, ...options })
  return {
    sink,
    out,
    async [Symbol.asyncDispose]() {
      await out[Symbol.asyncDispose]()
      await sink[Symbol.asyncDispose]()
    },
  }
}

/** One message on its way to a server that has not greeted us yet. */
async function connecting(): Promise<Post & { greet(): void }> {
  const greeting = Promise.withResolvers<void>()
  const p = await post(async (step) => {
    if (step === 'connect') await greeting.promise
    return undefined
  })
  await p.out.send('a', ['bob@x.net'])
  await p.out.until('it is connected', () => p.sink.connections === 1)
  return { ...p, greet: greeting.resolve }
}

/** Answers of one step, one after the other; then the usual one. */
function inOrder(step: SinkStep, ...answers: readonly SinkAnswer[]): NonNullable<SinkOptions['answer']> {
  let next = 0
  return (at) => {
    if (at !== step) return undefined
    next += 1
    return answers[next - 1]
  }
}

test('a message goes to each of its destinations once, signed, all recipients of one together', async () => {
  await using p = await post()
  await p.out.send('a', ['bob@x.net', 'cid@x.net', 'dan@y.net'])
  await p.out.quiet()
  const got = p.sink.messages.map(({ to }) => to.map(({ address }) => address).join(' ')).sort()
  assert.deepEqual(got, ['bob@x.net cid@x.net', 'dan@y.net'])
  assert.match(p.sink.messages[0]?.body.toString() ?? '', /^X-Signed: yes\r\nSubject: a\r\n/)
  assert.deepEqual(await p.out.waiting(), [])
  assert.deepEqual(await p.out.attempts('a'), Array(3).fill('delivered 250 2.0.0 kept'))
  const lines = p.out.log.lines.filter(({ message }) => message === 'message out')
  assert.equal(lines.length, 3)
})

test('connections are used again, as many at once as may be, and closed when nothing comes', async () => {
  await using p = await post(undefined, { settings: { connectionsPerDestination: 5, connections: 4 } })
  await p.out.sendMany(
    Array.from({ length: 60 }, (_, n) => ({ id: `m${n}`, to: [`u${n}@${n % 2 === 0 ? 'x' : 'y'}.net`] })),
  )
  await p.out.quiet()
  assert.equal(p.sink.messages.length, 60)
  assert.ok(p.sink.mostOpen <= 5, String(p.sink.mostOpen))
  assert.ok(p.sink.connections < 30, String(p.sink.connections))
  p.out.pass(5_000)
  await p.out.until('idle connections end', () => p.sink.open === 0)
  assert.equal(p.out.connections.size, 0)
})

test('a connection is closed after so many messages', async () => {
  await using p = await post(undefined, { messagesPerConnection: 5, settings: { connectionsPerDestination: 1 } })
  await p.out.sendMany(Array.from({ length: 20 }, (_, n) => ({ id: `m${n}`, to: ['bob@x.net'] })))
  await p.out.quiet()
  assert.equal(p.sink.messages.length, 20)
  assert.ok(p.sink.connections >= 4)
})

test('a kept connection that the server has closed costs no try', async () => {
  await using p = await post(inOrder('mail', undefined, 'drop'))
  await p.out.send('a', ['bob@x.net'])
  await p.out.quiet()
  await p.out.send('b', ['bob@x.net'])
  await p.out.quiet()
  assert.deepEqual(await p.out.attempts('b'), ['delivered 250 2.0.0 kept'])
  assert.equal(p.sink.connections, 2)
})

test('each recipient has its own outcome, and a failure comes back to the sender in the same moment', async () => {
  await using p = await post((step, line) =>
    step === 'rcpt' && line.includes('bob')
      ? '550 5.1.1 no bob'
      : step === 'rcpt' && line.includes('cid')
        ? '450 4.2.1 later'
        : undefined,
  )
  await p.out.store.setStandingHold({ kind: 'domain', name: 'example.org', since: 0, reason: 'administrator' }, true)
  const to = ['bob@x.net', { address: 'cid@x.net', notify: ['FAILURE', 'DELAY'] as const }, 'dan@x.net']
  await p.out.send('a', to, { language: 'fr', envelopeId: 'E1' })
  await p.out.quiet()
  const all = await p.out.waiting()
  const mail = all.find(({ id }) => id === 'a')
  assert.deepEqual(
    mail?.recipients.map(({ state, attempts, nextAt }) => [state, attempts, nextAt && nextAt - START]),
    [
      ['failed', 1, undefined],
      ['waiting', 1, 5 * MINUTE],
      ['delivered', 1, undefined],
    ],
  )
  const report = all.find(({ id }) => id !== 'a')
  assert.ok(report)
  assert.deepEqual([report.sender, report.priority, report.account], ['', -1, undefined])
  assert.deepEqual(
    report.recipients.map(({ address }) => address),
    ['ann@example.org'],
  )
  const text = await p.out.text(report)
  assert.match(text, /^Subject: Message non remis\r$/m)
  assert.match(text, /^Original-Envelope-Id: E1\r$/m)
  assert.match(text, /^Final-Recipient: rfc822; bob@x\.net\r\nAction: failed\r\nStatus: 5\.1\.1\r\n/m)
  assert.doesNotMatch(text, /cid@x\.net|dan@x\.net/)
  assert.match(text, /\r\nContent-Type: message\/rfc822\r\n\r\nSubject: a\r\n/)
})

test('a message that is deferred is tried again as the schedule says, then given up, and its sender hears of both', async () => {
  await using p = await post((step) => (step === 'rcpt' ? '451 4.7.1 greylisted' : undefined))
  await p.out.store.setStandingHold({ kind: 'domain', name: 'example.org', since: 0, reason: 'administrator' }, true)
  await p.out.send('a', ['bob@x.net'], { language: 'en' })
  const tries: number[] = []
  for (let n = 0; n < 100; n += 1) {
    await p.out.quiet()
    const mail = (await p.out.waiting()).find(({ id }) => id === 'a')
    const next = mail?.recipients[0]?.nextAt
    tries.push(Math.round((p.out.now - START) / MINUTE))
    if (next === undefined) break
    p.out.pass(next - p.out.now)
  }
  assert.deepEqual(
    tries.slice(0, 8),
    [0, 5, 20, 50, 110, 230, 240, 480].map((minutes) => minutes),
  )
  assert.equal(tries.at(-1), 5 * 1_440)
  const texts = await Promise.all((await p.out.waiting()).map((one) => p.out.text(one)))
  assert.equal(texts.length, 2)
  assert.match(texts[0] ?? '', /^Action: delayed\r\nStatus: 4\.7\.1\r\n/m)
  assert.match(texts[0] ?? '', /^Will-Retry-Until: Sun, 19 Nov 2023 22:13:20 \+0000\r$/m)
  assert.match(texts[1] ?? '', /^Action: failed\r\nStatus: 5\.4\.7\r\n/m)
  const attempts = await p.out.attempts('a')
  assert.equal(attempts.at(-1), 'failed 5.4.7 Given up after 5 days. At last: 451 4.7.1 greylisted')
  assert.equal(attempts.length, tries.length)
})

for (const [what, sender, notify, expected] of [
  ['the null sender', '', undefined, 0],
  ['NOTIFY=NEVER', 'ann@example.org', ['NEVER'], 0],
  ['NOTIFY=SUCCESS', 'ann@example.org', ['SUCCESS'], 0],
  ['NOTIFY=FAILURE', 'ann@example.org', ['FAILURE'], 1],
  ['nothing', 'ann@example.org', undefined, 1],
] as const)
  test(`a failure with ${what} makes ${expected} report`, async () => {
    await using p = await post((step) => (step === 'rcpt' ? '550 5.7.1 no' : undefined))
    await p.out.store.setStandingHold({ kind: 'domain', name: 'example.org', since: 0, reason: 'administrator' }, true)
    const recipient = notify === undefined ? 'bob@x.net' : { address: 'bob@x.net', notify }
    await p.out.send('a', [recipient], { sender })
    await p.out.quiet()
    assert.equal((await p.out.waiting()).length, expected)
    assert.deepEqual(await p.out.attempts('a'), ['failed 550 5.7.1 no'])
  })

test('a report about an alias names it, and an original recipient only where the sender did (RFC 3461 §6.3 (d), (e))', async () => {
  await using p = await post((step) => (step === 'rcpt' ? '550 5.1.1 nobody' : undefined))
  await p.out.store.setStandingHold({ kind: 'domain', name: 'example.org', since: 0, reason: 'administrator' }, true)
  await p.out.send('a', [
    { address: 'bob@x.net', alias: 'list@example.org' },
    { address: 'cid@x.net', alias: 'away@example.org', original: 'rfc822;Away@old.example' },
  ])
  await p.out.quiet()
  const [report] = await p.out.waiting()
  assert.ok(report)
  const text = await p.out.text(report)
  assert.match(text, /\r\n\r\nFinal-Recipient: rfc822; list@example\.org\r\nAction: failed\r\n/)
  assert.match(
    text,
    /\r\n\r\nOriginal-Recipient: rfc822; Away@old\.example\r\nFinal-Recipient: rfc822; away@example\.org\r\n/,
  )
  assert.doesNotMatch(text, /bob@x\.net|cid@x\.net/)
  // the other server may name the alias in reports of its own (§5.2.1 (d))
  assert.deepEqual(
    p.sink.lines.filter((line) => line.startsWith('RCPT')),
    ['RCPT TO:<bob@x.net> ORCPT=rfc822;list@example.org', 'RCPT TO:<cid@x.net> ORCPT=rfc822;Away@old.example'],
  )
})

test('a report about a message with 8-bit octets goes through a server without 8BITMIME (RFC 6522 §3)', async () => {
  await using p = await post((step, line) => (step === 'rcpt' && line.includes('bob') ? '550 5.1.1 où ?' : undefined))
  p.sink.options = { ...p.sink.options, extensions: ['PIPELINING'] }
  for (const [id, returns] of [
    ['a', 'FULL'],
    ['b', 'HDRS'],
  ] as const) {
    await p.out.send(id, ['bob@x.net'], { sender: 'ann@y.net', text: 'Subject: été\r\n\r\nà demain\r\n', returns })
    await p.out.quiet()
  }
  assert.deepEqual(await p.out.waiting(), [])
  assert.equal(p.sink.messages.length, 2)
  for (const { from, body } of p.sink.messages) {
    assert.equal(from, '')
    assert.ok(isAscii(body), body.toString())
  }
})

test('NOTIFY=SUCCESS makes a report where the next server makes none (RFC 3461 §5.2.2)', async () => {
  for (const [extensions, expected] of [
    [['PIPELINING'], 1],
    [['DSN'], 0],
  ] as const) {
    await using p = await post()
    p.sink.options = { extensions }
    await p.out.store.setStandingHold({ kind: 'domain', name: 'example.org', since: 0, reason: 'administrator' }, true)
    await p.out.send('a', [{ address: 'bob@x.net', notify: ['SUCCESS'] }])
    await p.out.quiet()
    const reports = await p.out.waiting()
    assert.equal(reports.length, expected)
    if (reports[0] !== undefined) assert.match(await p.out.text(reports[0]), /^Action: relayed\r\nStatus: 2\.0\.0\r\n/m)
    else assert.equal(p.sink.messages[0]?.to[0]?.parameters, 'NOTIFY=SUCCESS')
  }
})

test('a destination that does not answer is tried once, for all that waits there', async () => {
  let refuse = true
  await using p = await post((step) => (refuse && step === 'connect' ? '421 4.3.2 not today' : undefined))
  await p.out.sendMany(Array.from({ length: 250 }, (_, n) => ({ id: `m${n}`, to: [`u${n}@x.net`] })))
  await p.out.quiet()
  const first = p.sink.connections
  assert.equal(first, 1)
  const waiting = await p.out.waiting()
  assert.equal(waiting.length, 250)
  assert.ok(waiting.every(({ recipients }) => recipients[0]?.last?.reply === '421 4.3.2 not today'))
  // what comes now waits until it is time for another try
  await p.out.send('late', ['late@x.net'])
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(p.sink.connections, first)
  refuse = false
  p.out.pass(6 * MINUTE)
  await p.out.quiet()
  assert.equal(p.sink.messages.length, 251)
})

/** Domains `d0.net`, `d1.net` … of which the DNS says nothing, at once or when it is let. */
interface Silent {
  readonly domains: readonly string[]
  hangs: boolean
  asked: number
  readonly end: () => void
}

/** Besides `x.net`, which is alive. */
async function withSilent(count: number, options: Partial<OutboundOptions> = {}): Promise<Post & { silent: Silent }> {
  const gate = Promise.withResolvers<void>()
  const domains = Array.from({ length: count }, (_, n) => `d${n}.net`)
  const silent: Silent = { domains, hangs: false, asked: 0, end: gate.resolve }
  const failure = { ok: false, error: { kind: 'temporary', reason: 'SERVFAIL' } } as const
  const none = { ok: false, error: { kind: 'none', nameExists: true, authenticated: false } } as const
  const p = await post(undefined, {
    ...options,
    resolver: {
      mx: async (name) => {
        if (name === 'x.net') return none
        silent.asked += 1
        if (silent.hangs) await gate.promise
        return failure
      },
      a: async () => ({ ok: true, records: ['127.0.0.1'], authenticated: false, ttl: 60 }),
      aaaa: async () => none,
    },
  })
  return {
    ...p,
    silent,
    async [Symbol.asyncDispose]() {
      gate.resolve()
      await p[Symbol.asyncDispose]()
    },
  }
}

test('destinations that did not answer have a part of the places, however many they are', async () => {
  await using p = await withSilent(12, { settings: { connections: 8 } })
  const { silent } = p
  await p.out.send(
    'a',
    silent.domains.map((domain) => `bob@${domain}`),
  )
  await p.out.quiet()
  assert.equal(silent.asked, 12)
  silent.hangs = true
  p.out.pass(6 * MINUTE)
  await p.out.until('some of them are tried again', () => silent.asked === 14)
  await p.out.send('b', ['bob@x.net'])
  await p.out.until('the living one has its mail', () => p.sink.messages.length === 1)
  assert.equal(silent.asked, 14)
  silent.end()
  await p.out.quiet()
  assert.equal(silent.asked, 24)
})

test('destinations that did not answer before the server was started have a part of the places, too', async () => {
  await using p = await withSilent(12, { settings: { connections: 8 } })
  const { silent, out } = p
  silent.hangs = true
  const hold = { kind: 'all', name: '', since: 0, reason: 'administrator' } as const
  await out.store.setStandingHold(hold, true)
  const to = silent.domains.map((domain) => `bob@${domain}`)
  await out.send('a', to)
  await out.store.record(
    to.map((recipient) => ({
      id: 'a',
      recipient,
      attempt: { at: START, recipient, outcome: 'deferred', reply: '4.4.1 No answer within 30 s' },
      nextAt: START,
    })),
    [],
  )
  await out.store.setStandingHold(hold, false)
  await out.send('b', ['bob@x.net'])
  await out.until('the living one has its mail', () => p.sink.messages.length === 1)
  assert.ok(silent.asked <= 2, String(silent.asked))
})

test('of new destinations that keep us waiting some places are free for those that have answered', async () => {
  await using p = await withSilent(12, { settings: { connections: 8 } })
  await p.out.send('a', ['bob@x.net'])
  await p.out.quiet()
  p.silent.hangs = true
  await p.out.send(
    'b',
    p.silent.domains.map((domain) => `bob@${domain}`),
  )
  await p.out.until('as many as may be are tried', () => p.silent.asked === 6)
  await p.out.send('c', ['bob@x.net'])
  await p.out.until('the living one has its mail', () => p.sink.messages.length === 2)
  assert.equal(p.silent.asked, 6)
})

test('more destinations that do not answer than are looked at in one turn hide none that does', async () => {
  await using p = await withSilent(11, { mostDestinations: 10 })
  const to = p.silent.domains.map((domain) => `bob@${domain}`)
  await p.out.send('a', to)
  await p.out.quiet()
  // they wait for another try, with mail that is due
  await p.out.send('b', to)
  await p.out.send('c', ['bob@x.net'], { at: START + 1 })
  p.out.pass(1)
  await p.out.until('the living one has its mail', () => p.sink.messages.length === 1)
  assert.equal(p.silent.asked, 11)
})

test('who says "retry" need not wait until a destination that did not answer is asked again', async () => {
  let refuse = true
  await using p = await post((step) => (refuse && step === 'connect' ? '421 4.3.2 not today' : undefined))
  await p.out.send('a', ['bob@x.net'])
  await p.out.quiet()
  refuse = false
  assert.equal(await p.out.store.retry({}, p.out.now), 1)
  p.out.scheduler.retry()
  await p.out.quiet()
  assert.equal(p.sink.messages.length, 1)
})

test('a destination that takes no more connections is not one that does not answer', async () => {
  await using p = await post((step, _, sink) =>
    step === 'connect' && sink.open > 2 ? '421 4.7.0 too many' : undefined,
  )
  await p.out.sendMany(Array.from({ length: 100 }, (_, n) => ({ id: `m${n}`, to: [`u${n}@x.net`] })))
  await p.out.quiet()
  assert.ok(p.sink.messages.length >= 95, String(p.sink.messages.length))
})

test('other hosts of a domain are tried, and what no host can do fails at once', async () => {
  const domains = { 'x.net': ['127.0.0.9', '127.0.0.1'], 'null.net': 'null', 'fails.net': 'fails' } as const
  await using p = await post(undefined, { domains })
  await p.out.store.setStandingHold({ kind: 'domain', name: 'example.org', since: 0, reason: 'administrator' }, true)
  await p.out.send('a', ['bob@x.net', 'bob@null.net', 'bob@no.net', 'bob@fails.net'])
  await p.out.quiet()
  assert.deepEqual([...(await p.out.attempts('a'))].sort(), [
    'deferred 4.4.3 The DNS does not tell about fails.net: SERVFAIL',
    'delivered 250 2.0.0 kept',
    'failed 5.1.10 null.net takes no mail (null MX)',
    'failed 5.1.2 The domain no.net does not exist',
  ])
})

test('hosts behind one that is this server, by whatever name, are not asked', async () => {
  await using p = await post(undefined, {
    domains: { 'x.net': ['127.0.0.9', '127.0.0.1'] },
    isOurs: (address) => address === '127.0.0.9',
  })
  await p.out.send('a', ['bob@x.net'])
  await p.out.quiet()
  assert.deepEqual(await p.out.attempts('a'), ['failed 5.4.6 mx-127-0-0-9.test leads back to this server'])
  assert.equal(p.sink.connections, 0)
})

test('of many hosts with many addresses so many are tried and no more', async () => {
  const of = (records: readonly string[]) => ({ ok: true, records, authenticated: false, ttl: 60 }) as const
  const none = { ok: false, error: { kind: 'none', nameExists: true, authenticated: false } } as const
  const mx = Array.from({ length: 10 }, (_, n) => ({ preference: n, exchange: `mx${n}.test` }))
  const resolver: NonNullable<OutboundOptions['resolver']> = {
    mx: async () => ({ ok: true, records: mx, authenticated: false, ttl: 60 }),
    a: async () => of(Array.from({ length: 9 }, (_, n) => `127.0.0.${n + 2}`)),
    aaaa: async () => none,
  }
  const tried: string[] = []
  // nobody listens there
  await using p = await post(undefined, {
    resolver,
    port: 1,
    tried: ({ host, address }) => tried.push(`${host} ${address}`),
  })
  await p.out.send('a', ['bob@x.net'])
  await p.out.quiet()
  assert.equal(tried.length, 20)
  assert.equal(tried.at(-1), 'mx2.test 127.0.0.3')
})

test('a smarthost that refuses us keeps the mail waiting', async () => {
  await using p = await post((step) => (step === 'connect' ? '554 5.7.1 who are you' : undefined), {
    routes: [{ domain: '*', host: '127.0.0.1', security: 'opportunistic' }],
  })
  await p.out.send('a', ['bob@x.net', 'bob@y.net'])
  await p.out.quiet()
  assert.equal(p.sink.connections, 1)
  assert.deepEqual(await p.out.attempts('a'), Array(2).fill('deferred 554 5.7.1 who are you'))
})

test('a fault of ours on the way to a connection is noted with the mail, which is tried again', async () => {
  let broken = true
  const policies: NonNullable<OutboundOptions['policies']> = {
    async policyFor(_domain, host) {
      if (broken) throw new Error('disk I/O error')
      return done(opportunistic(host))
    },
  }
  await using p = await post(undefined, { policies })
  await p.out.send('a', ['bob@x.net'])
  await p.out.quiet()
  assert.deepEqual(await p.out.attempts('a'), ['deferred 4.3.0 A fault of this server'])
  broken = false
  p.out.pass(6 * MINUTE)
  await p.out.quiet()
  assert.equal(p.sink.messages.length, 1)
})

test('a route whose file of authorities cannot be read keeps the mail waiting, and says why', async () => {
  const route = { domain: '*', host: '127.0.0.1', security: 'starttls', ca: '/nowhere/ca.pem' } as const
  await using p = await post(undefined, { routes: [route] })
  await p.out.send('a', ['bob@x.net'])
  await p.out.quiet()
  assert.deepEqual(await p.out.attempts('a'), ['deferred 4.3.5 The file of authorities of the route cannot be read'])
  assert.equal(p.sink.open, 0)
})

test('more recipients than a server takes go in further transactions', async () => {
  let taken = 0
  await using p = await post((step) => {
    if (step === 'mail') taken = 0
    if (step !== 'rcpt') return undefined
    taken += 1
    return taken > 60 ? '452 4.5.3 too many' : undefined
  })
  await p.out.send(
    'a',
    Array.from({ length: 150 }, (_, n) => `u${n}@x.net`),
  )
  await p.out.quiet()
  assert.deepEqual(
    p.sink.messages.map(({ to }) => to.length),
    [60, 60, 30],
  )
  assert.equal(new Set(p.sink.messages.flatMap(({ to }) => to.map(({ address }) => address))).size, 150)
})

test('who has a message is not sent it again because its bytes cannot be read for the others', async (t) => {
  await using p = await post()
  const read = p.out.store.body.bind(p.out.store)
  let reads = 0
  t.mock.method(p.out.store, 'body', async (message: QueuedMessage) => {
    reads += 1
    if (reads > 1) throw new Error('EMFILE')
    return read(message)
  })
  await p.out.send(
    'a',
    Array.from({ length: 101 }, (_, n) => `u${n}@x.net`),
  )
  await p.out.quiet()
  const [message] = await p.out.waiting()
  const states = Map.groupBy(message?.recipients ?? [], ({ state }) => state)
  assert.equal(states.get('delivered')?.length, 100)
  assert.equal(states.get('waiting')?.[0]?.last?.reply, '4.3.0 A fault of this server')
  assert.equal(p.sink.messages.length, 1)
})

test('a message that may have arrived is tried again, and that is said', async () => {
  await using p = await post(inOrder('message', 'keep-and-drop'))
  await p.out.send('a', ['bob@x.net'])
  await p.out.quiet()
  const [attempt] = await p.out.attempts('a')
  assert.match(attempt ?? '', /^deferred 4\.4\.2 .*: it may arrive twice$/)
  assert.ok(p.out.log.lines.some(({ fields }) => 'result' in fields && fields.result === 'uncertain'))
  p.out.pass(6 * MINUTE)
  await p.out.quiet()
  assert.equal(p.sink.messages.length, 2)
})

test('a message waits until its time (FUTURERELEASE), and waiting is no delay', async () => {
  await using p = await post((step) => (step === 'rcpt' ? '451 4.0.0 later' : undefined))
  await p.out.send('a', ['bob@x.net'], { notBefore: START + 100 * HOUR })
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.equal(p.sink.connections, 0)
  p.out.pass(100 * HOUR)
  await p.out.quiet()
  assert.equal(p.sink.connections, 1)
  assert.equal((await p.out.waiting()).length, 1)
})

test('what is held is not sent, and goes when it is released', async () => {
  await using p = await post()
  await p.out.send('a', ['bob@x.net'], { held: 'outburst' })
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.equal(p.sink.connections, 0)
  await p.out.store.release({ ids: ['a'] })
  p.out.scheduler.changed()
  await p.out.quiet()
  assert.equal(p.sink.messages.length, 1)
})

test('what is held while it waits for a connection is not sent, and goes over it when it is released', async () => {
  await using p = await connecting()
  assert.equal(await p.out.store.hold({}, 'administrator'), 1)
  p.out.scheduler.changed()
  p.greet()
  await p.out.until('the connection is kept', () => p.out.connections.kept('x.net') === 1)
  assert.equal(p.sink.lines.filter((line) => line.startsWith('MAIL')).length, 0)
  assert.equal(await p.out.store.release({}), 1)
  p.out.scheduler.changed()
  await p.out.quiet()
  assert.deepEqual([p.sink.messages.length, p.sink.connections], [1, 1])
})

test('somebody with a thousand messages does not keep others waiting', async () => {
  await using p = await post(undefined, { settings: { connectionsPerDestination: 1 } })
  await p.out.store.setStandingHold({ kind: 'all', name: '', since: 0, reason: 'administrator' }, true)
  await p.out.sendMany(Array.from({ length: 60 }, (_, n) => ({ id: `many${n}`, to: [`u${n}@x.net`] })))
  await p.out.send('one', ['bob@x.net'], { account: 'eve@example.org' })
  await p.out.send('report', ['bob@x.net'], { account: 'eve@example.org', priority: -1 })
  await p.out.store.setStandingHold({ kind: 'all', name: '', since: 0, reason: 'administrator' }, false)
  p.out.scheduler.changed()
  await p.out.quiet()
  const order = p.sink.messages.map(({ body }) => /^Subject: (.*)\r$/m.exec(body.toString())?.[1])
  assert.ok(order.indexOf('one') < 5, String(order.indexOf('one')))
  assert.equal(order.at(-1), 'report')
})

test('no more than so many messages a minute to one destination', async () => {
  await using p = await post(undefined, { settings: { messagesPerMinute: 10 } })
  await p.out.sendMany(Array.from({ length: 25 }, (_, n) => ({ id: `m${n}`, to: ['bob@x.net'] })))
  for (const expected of [10, 20, 25]) {
    await p.out.until('as many as may be are sent', () => p.sink.messages.length === expected)
    await new Promise((resolve) => setTimeout(resolve, 40))
    assert.equal(p.sink.messages.length, expected)
    p.out.pass(MINUTE)
  }
})

test('mail for our own people is delivered here, and what leads on goes on in the same commit', async () => {
  const here: string[] = []
  await using p = await post(undefined, {
    local: {
      isLocal: async (domain) => domain === 'example.org',
      async deliver(message, recipient) {
        if (recipient.address.startsWith('full')) return { outcome: 'deferred', words: '4.2.2 The mailbox is full' }
        if (recipient.address.startsWith('on')) {
          const { recipients: _, ...rest } = message
          const bytes = new TextEncoder().encode('Subject: on\r\n\r\n')
          const body = { kind: 'bytes', bytes, size: bytes.length } as const
          const onward = [{ ...rest, body, id: `${message.id}.on`, recipients: [{ address: 'bob@x.net' }] }]
          return { outcome: 'delivered', words: '2.0.0 Goes on', onward }
        }
        here.push(recipient.address)
        return { outcome: 'delivered', words: '2.0.0 Kept' }
      },
    },
  })
  await p.out.send('a', ['ann@example.org', 'full@example.org', 'on@example.org'])
  await p.out.quiet()
  assert.deepEqual(here, ['ann@example.org'])
  assert.deepEqual(
    p.sink.messages.map(({ to }) => to[0]?.address),
    ['bob@x.net'],
  )
  assert.deepEqual(
    (await p.out.waiting()).map(({ recipients }) => recipients.map(({ state }) => state)),
    [['delivered', 'waiting', 'delivered']],
  )
})

test('a message whose bytes are gone waits with a reason, and keeps nobody else', async () => {
  await using p = await post()
  const body = { kind: 'file', file: 'messages/00/gone.eml', size: 10 } as const
  await p.out.send('gone', ['bob@x.net'], { body })
  await p.out.send('b', ['bob@x.net'])
  await p.out.quiet()
  assert.deepEqual(await p.out.attempts('gone'), ['deferred 4.3.0 A fault of this server'])
  assert.deepEqual(await p.out.attempts('b'), ['delivered 250 2.0.0 kept'])
})

test('stopping finishes what is in flight and begins nothing', async () => {
  const gate = Promise.withResolvers<undefined>()
  await using p = await post((step) => (step === 'message' ? gate.promise : undefined), {
    settings: { connectionsPerDestination: 2 },
  })
  await p.out.sendMany(Array.from({ length: 10 }, (_, n) => ({ id: `m${n}`, to: ['bob@x.net'] })))
  await p.out.until('two are on their way', () => p.sink.lines.filter((line) => line === 'DATA').length === 2)
  const stopped = p.out.stop()
  gate.resolve(undefined)
  await stopped
  assert.equal(p.sink.messages.length, 2)
  assert.equal((await p.out.waiting()).length, 8)
})

test('what does not end in time when we stop stays in the queue as it was', async () => {
  await using p = await post((step) => (step === 'message' ? 'silence' : undefined))
  await p.out.send('a', ['bob@x.net'])
  await p.out.until('it is on its way', () => p.sink.lines.includes('DATA'))
  const stopped = p.out.stop()
  await new Promise((resolve) => setTimeout(resolve, 20))
  p.out.pass(9_000)
  await stopped
  assert.deepEqual(
    (await p.out.waiting()).map(({ recipients }) => recipients[0]?.attempts),
    [0],
  )
})

test('a server that greets us when we have stopped gets nothing, as nobody could note it', async () => {
  await using p = await connecting()
  const stopping = p.out.stop()
  await new Promise(setImmediate)
  p.out.pass(10_000)
  await stopping
  p.greet()
  await p.out.until('it is closed', () => p.sink.open === 0)
  assert.deepEqual(
    p.sink.lines.filter((line) => line.startsWith('MAIL')),
    [],
  )
})

test('idle connections give way: with those in use they are never more than may be', async () => {
  const names = Array.from({ length: 12 }, (_, n) => `d${n}.net`)
  const domains = Object.fromEntries(names.map((name) => [name, ['127.0.0.1']]))
  await using p = await post(undefined, { domains, settings: { connections: 3 } })
  await p.out.sendMany(names.map((name) => ({ id: name, to: [`bob@${name}`] })))
  await p.out.quiet()
  assert.equal(p.sink.messages.length, 12)
  // a server sees an end a little later than we do
  assert.ok(p.sink.mostOpen <= 4, String(p.sink.mostOpen))
  assert.ok(p.out.connections.size <= 3)
})
