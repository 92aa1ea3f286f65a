import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { after, before, suite, test } from 'node:test'
import { createSecureContext, type SecureContext } from 'node:tls'
import { MailSink, type SinkAnswer, type SinkOptions, USUAL_EXTENSIONS } from '#testing/mail-sink.ts'
import { serverAuthority } from '#testing/server-certificates.ts'
import { TestSmtpServer } from '#testing/smtp-server.ts'
import { type TestCertificate, testCertificate } from '#testing/test-certificate.ts'
import { TIMEOUTS } from './limits.ts'
import { openConnection } from './open-connection.ts'
import { opportunistic, type TlsPolicy } from './tls-policy.ts'
import { type OutgoingMessage, type RecipientResult, transact } from './transaction.ts'
import type { ConnectOptions, OutboundConnection } from './transport.ts'

let made: TestCertificate
let certificate: SecureContext
let ca = ''

const BODY = 'Subject: hello\r\n\r\n.a dot\r\n..two\r\ntext\r\n'

function messageOf(body: string | Uint8Array = BODY, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  const bytes = Buffer.from(body as string)
  return {
    sender: 'ann@example.org',
    size: bytes.length,
    smtpUtf8: false,
    eightBit: false,
    body: async () =>
      (async function* () {
        for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
      })(),
    ...more,
  }
}

function to(port: number, more: Partial<ConnectOptions> = {}): ConnectOptions {
  return {
    address: '127.0.0.1',
    port,
    host: 'localhost',
    hostname: 'mail.example.org',
    tls: opportunistic('localhost'),
    ...more,
  }
}

async function connected(port: number, more: Partial<ConnectOptions> = {}): Promise<OutboundConnection> {
  const opened = await openConnection(to(port, more))
  assert.ok(opened.ok, JSON.stringify(opened))
  return opened.value
}

/** Sends one message to bob@ and whoever else. */
async function send(
  options: SinkOptions,
  message: OutgoingMessage = messageOf(),
  addresses: readonly string[] = ['bob@example.net'],
  more: Partial<ConnectOptions> = {},
): Promise<{ results: readonly RecipientResult[]; sink: MailSink; connection: OutboundConnection }> {
  const sink = await MailSink.start(options)
  try {
    const connection = await connected(sink.port, more)
    const results = await transact(
      connection,
      message,
      addresses.map((address) => ({ address })),
    )
    await connection.quit()
    return { results, sink, connection }
  } finally {
    await sink[Symbol.asyncDispose]()
  }
}

const WAYS: readonly (readonly [string, readonly string[]])[] = [
  ['one command at a time', ['8BITMIME', 'DSN', 'SMTPUTF8']],
  ['PIPELINING', USUAL_EXTENSIONS],
  ['CHUNKING', ['CHUNKING', '8BITMIME', 'DSN', 'SMTPUTF8']],
  ['PIPELINING and CHUNKING', [...USUAL_EXTENSIONS, 'CHUNKING']],
]

function only(wanted: string, answer: SinkAnswer): SinkOptions['answer'] {
  return (step) => (step === wanted ? answer : undefined)
}

suite('mail to another server', () => {
  before(async () => {
    made = await testCertificate(['localhost'])
    ca = made.ca
    certificate = made.context
  })
  after(() => made[Symbol.asyncDispose]())

  for (const [way, extensions] of WAYS) {
    test(`${way}: a message arrives byte for byte, several over one connection`, async () => {
      await using sink = await MailSink.start({ extensions, tls: certificate })
      const connection = await connected(sink.port)
      const large = Buffer.from(`Subject: large\r\n\r\n${`.${'x'.repeat(70)}\r\n`.repeat(16_000)}`)
      for (const body of [BODY, large, '.\r\n', BODY]) {
        const results = await transact(connection, messageOf(body), [{ address: 'bob@example.net' }])
        assert.deepEqual(results, [{ outcome: 'delivered', words: '250 2.0.0 kept' }])
        assert.ok(sink.messages.at(-1)?.body.equals(Buffer.from(body as string)))
      }
      assert.equal(sink.connections, 1)
      assert.match(connection.tls ?? '', /^TLSv1\.3$/)
      await connection.quit()
    })

    test(`${way}: a message refused at its end is forgotten before the next one`, async () => {
      await using sink = await MailSink.start({ extensions, answer: only('message', '452 4.3.1 full') })
      const connection = await connected(sink.port)
      const to = [{ address: 'bob@example.net' }]
      const [refused] = await transact(connection, messageOf(), to)
      assert.equal(refused?.outcome, 'deferred')
      sink.options = { extensions }
      const [taken] = await transact(connection, messageOf(), to)
      assert.equal(taken?.outcome, 'delivered')
      await connection.quit()
      assert.deepEqual(
        sink.lines.filter((line) => /^(?:MAIL|RSET)/.test(line)).map((line) => line.slice(0, 4)),
        ['MAIL', 'RSET', 'MAIL'],
      )
    })

    test(`${way}: a bad sequence is final for the first message alone, after others the connection goes`, async () => {
      await using sink = await MailSink.start({ extensions })
      const to = [{ address: 'bob@example.net' }]
      const first = await connected(sink.port)
      await transact(first, messageOf(), to)
      sink.options = { extensions, answer: only('mail', '503 5.5.1 nested MAIL command') }
      assert.deepEqual(await transact(first, messageOf(), to), [
        { outcome: 'deferred', words: '503 5.5.1 nested MAIL command' },
      ])
      assert.notEqual(first.lost, undefined)
      const second = await connected(sink.port)
      const [result] = await transact(second, messageOf(), to)
      assert.equal(result?.outcome, 'failed')
      await second.quit()
    })

    test(`${way}: each recipient has its own answer`, async () => {
      const { results, sink } = await send(
        {
          extensions,
          answer: (step, line) => {
            if (step !== 'rcpt') return undefined
            if (line.includes('bob')) return '550 5.1.1 no bob'
            return line.includes('cid')
              ? '451 4.2.0 later'
              : line.includes('eve')
                ? '552 too many'
                : line.includes('fay')
                  ? '552 5.2.2 full'
                  : undefined
          },
        },
        messageOf(),
        ['ann@x.org', 'bob@x.org', 'cid@x.org', 'eve@x.org', 'fay@x.org', 'dan@x.org'],
      )
      assert.deepEqual(results, [
        { outcome: 'delivered', words: '250 2.0.0 kept' },
        { outcome: 'failed', words: '550 5.1.1 no bob' },
        { outcome: 'deferred', words: '451 4.2.0 later' },
        { outcome: 'deferred', words: '552 too many', tooMany: true },
        { outcome: 'failed', words: '552 5.2.2 full' },
        { outcome: 'delivered', words: '250 2.0.0 kept' },
      ])
      assert.deepEqual(
        sink.messages[0]?.to.map(({ address }) => address),
        ['ann@x.org', 'dan@x.org'],
      )
    })

    for (const [step, outcome] of [
      ['mail', 'all'],
      ['rcpt', 'all'],
      ['data', 'all'],
      ['message', 'all'],
    ] as const) {
      if (step === 'data' && extensions.includes('CHUNKING')) continue
      test(`${way}: ${outcome} hear a refusal of ${step}, and the connection goes on`, async () => {
        let refuse = true
        await using sink = await MailSink.start({
          extensions,
          answer: (at) => (refuse && at === step ? '554 5.7.1 not you' : undefined),
        })
        const connection = await connected(sink.port)
        const recipients = [{ address: 'bob@example.net' }, { address: 'cid@example.net' }]
        const refused = await transact(connection, messageOf(), recipients)
        assert.deepEqual(
          refused,
          recipients.map(() => ({ outcome: 'failed', words: '554 5.7.1 not you' })),
        )
        refuse = false
        const sent = await transact(connection, messageOf(), recipients)
        assert.deepEqual(
          sent.map((one) => one.outcome),
          ['delivered', 'delivered'],
        )
        assert.equal(sink.messages.length, 1)
        await connection.quit()
      })
    }

    for (const step of ['mail', 'rcpt', 'data', 'message'] as const) {
      if (step === 'data' && extensions.includes('CHUNKING')) continue
      test(`${way}: a connection that breaks at ${step} defers`, async () => {
        const { results } = await send({ extensions, answer: only(step, 'drop') })
        const [result] = results
        assert.equal(result?.outcome, 'deferred')
        assert.equal(result?.uncertain, step === 'message' ? true : undefined)
        assert.match(result?.words ?? '', step === 'message' ? /may arrive twice$/ : /^4\.4\.2 /)
      })
    }

    test(`${way}: 421 ends the connection and defers, whatever was asked`, async () => {
      const { results, connection } = await send({ extensions, answer: only('mail', '421 4.3.2 closing') })
      assert.deepEqual(results, [{ outcome: 'deferred', words: '421 4.3.2 closing' }])
      assert.equal(connection.lost, '421 4.3.2 closing')
    })

    test(`${way}: a connection that breaks in mid-message defers`, async () => {
      const large = `Subject: large\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(100_000)
      const { results, sink } = await send({ extensions, dropAfter: 300_000 }, messageOf(large))
      assert.equal(results[0]?.outcome, 'deferred')
      assert.equal(results[0]?.uncertain, undefined)
      assert.equal(sink.messages.length, 0)
    })

    test(`${way}: a bare line end is never sent whole`, async () => {
      for (const body of ['a\r\n\n.\r\nMAIL FROM:<x@y>\r\n', 'a\r\nb\r']) {
        const { results, sink } = await send({ extensions }, messageOf(body))
        assert.deepEqual(results, [{ outcome: 'failed', words: '5.6.0 The message has a CR or LF alone' }])
        assert.equal(sink.messages.length, 0)
      }
    })

    for (const size of [BODY.length - 1, BODY.length + 1]) {
      test(`${way}: a message of another size than the queue says is not sent (${size - BODY.length})`, async () => {
        if (!extensions.includes('CHUNKING')) return
        const { results, sink } = await send({ extensions }, messageOf(BODY, { size }))
        assert.equal(results[0]?.outcome, 'deferred')
        assert.match(results[0]?.words ?? '', /^4\.3\.0 The message is (?:shorter|longer)/)
        assert.equal(sink.messages.length, 0)
      })
    }
  }

  test('parameters are said where they are offered', async () => {
    const message = messageOf('Subject: \u00e9\r\n\r\n', {
      sender: 'ann@b\u00fccher.example',
      smtpUtf8: true,
      eightBit: true,
      returns: 'HDRS',
      envelopeId: 'QQ+314=159 2',
    })
    await using sink = await MailSink.start({ extensions: USUAL_EXTENSIONS })
    const connection = await connected(sink.port)
    const recipients = [
      { address: 'bob@example.net', notify: ['SUCCESS', 'FAILURE'], original: 'rfc822;B+b@example.net' },
      { address: 'ren\u00e9@example.net', notify: ['NEVER'], original: 'utf-8;ren\u00e9@example.net' },
    ] as const
    await transact(connection, message, recipients)
    await transact(connection, messageOf(BODY, { sender: '' }), [{ address: 'bob@b\u00fccher.example' }])
    assert.deepEqual(
      sink.lines.filter((line) => /^(?:MAIL|RCPT)/.test(line)),
      [
        `MAIL FROM:<ann@b\u00fccher.example> SIZE=${message.size} BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B314+3D159+202`,
        'RCPT TO:<bob@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;B+2Bb@example.net',
        'RCPT TO:<ren\u00e9@example.net> NOTIFY=NEVER ORCPT=utf-8;ren\u00e9@example.net',
        `MAIL FROM:<> SIZE=${BODY.length}`,
        'RCPT TO:<bob@xn--bcher-kva.example>',
      ],
    )
    await connection.quit()
  })

  for (const [what, extensions, more, words] of [
    ['too large', ['SIZE 10'], {}, /^5\.3\.4 The message has 39 octets, localhost \[127.*\]:\d+ takes 10 at most$/],
    ['not ASCII', ['8BITMIME'], { smtpUtf8: true }, /^5\.6\.7 /],
    ['8-bit', ['SIZE'], { eightBit: true }, /^5\.6\.3 /],
  ] as const) {
    test(`a message that is ${what} for the server fails before it is sent`, async () => {
      const { results, sink } = await send({ extensions }, messageOf(BODY, more))
      assert.equal(results[0]?.outcome, 'failed')
      assert.match(results[0]?.words ?? '', words)
      assert.ok(!sink.lines.some((line) => line.startsWith('MAIL')))
    })
  }

  test('a server that knows no EHLO is spoken to with HELO', async () => {
    const { results, sink } = await send({ answer: only('ehlo', '502 what?') })
    assert.equal(results[0]?.outcome, 'delivered')
    assert.ok(sink.lines.includes('HELO mail.example.org'))
    assert.ok(!sink.lines.some((line) => line.includes('SIZE')))
  })

  for (const [step, answer, kind] of [
    ['connect', '554 5.7.1 go away', 'refused'],
    ['connect', '421 4.3.2 busy', 'refused'],
    ['connect', 'drop', 'unreachable'],
    ['connect', 'SSH-2.0-OpenSSH', 'unreachable'],
    ['ehlo', '421 4.3.2 busy', 'refused'],
    ['ehlo', 'drop', 'unreachable'],
    ['connect', 'silence', 'unreachable'],
  ] as const) {
    test(`"${answer}" at ${step}: ${kind}`, async () => {
      await using sink = await MailSink.start({ answer: only(step, answer) })
      const timeouts = { ...TIMEOUTS, greetingMs: 200 }
      const opened = await openConnection(to(sink.port, { timeouts }))
      assert.ok(!opened.ok)
      assert.equal(opened.error.kind, kind)
      if (kind === 'refused') assert.equal(opened.error.words, answer)
    })
  }

  test('a port where nobody listens is unreachable', async () => {
    const sink = await MailSink.start()
    const { port } = sink
    await sink[Symbol.asyncDispose]()
    const opened = await openConnection(to(port))
    assert.deepEqual(opened, { ok: false, error: { kind: 'unreachable', words: '4.4.1 Connection refused' } })
  })

  test('a server that falls silent within a message is given up after the time limit of the step', async () => {
    for (const step of ['mail', 'message'] as const) {
      const timeouts = { ...TIMEOUTS, commandMs: 100, endMs: 100 }
      const { results } = await send({ extensions: [], answer: only(step, 'silence') }, messageOf(), undefined, {
        timeouts,
      })
      assert.equal(results[0]?.outcome, 'deferred')
      assert.equal(results[0]?.uncertain, step === 'message' ? true : undefined)
    }
  })

  for (const word of ['EHLO', 'RCPT']) {
    test(`a server that trickles its answer to ${word} has no more time for it than one that is silent`, async () => {
      const server = createServer((socket) => {
        const lines = createInterface(socket)
        // we hang up with its words unread: a reset, which the interface tells of, too
        for (const one of [socket, lines]) one.on('error', () => undefined)
        socket.write('220 slow.example\r\n')
        lines.on('line', (line) => {
          if (!line.startsWith(word)) return void socket.write('250 slow.example\r\n')
          const timer = setInterval(() => socket.write('250-x\r\n'), 20)
          return void socket.once('close', () => clearInterval(timer))
        })
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const timeouts = { ...TIMEOUTS, setUpMs: 300, transactionMs: 300 }
      const { port } = server.address() as AddressInfo
      const opened = await openConnection(to(port, { timeouts }))
      if (word === 'EHLO') {
        const words = '4.4.2 Connection closed unexpectedly'
        assert.deepEqual(opened, { ok: false, error: { kind: 'unreachable', words, reply: undefined } })
      } else {
        assert.ok(opened.ok)
        const results = await transact(opened.value, messageOf(), [{ address: 'bob@example.net' }])
        assert.deepEqual(results, [{ outcome: 'deferred', words: '4.4.2 Too slow: no end within 0 min' }])
      }
      server.close()
    })
  }

  suite('TLS', () => {
    const policy = (level: TlsPolicy['level'], names = ['localhost']): TlsPolicy => ({
      level,
      source: 'route',
      names,
      tlsa: [],
      why: 'the route for *',
    })

    test('opportunistic: STARTTLS that is refused or breaks is left out in a second connection', async () => {
      for (const answer of ['454 4.7.0 not now', 'drop', '220 but no TLS'] as const) {
        const options = { tls: certificate, answer: only('starttls', answer === '220 but no TLS' ? undefined : answer) }
        await using sink = await MailSink.start(
          answer === '220 but no TLS' ? { ...options, tls: createSecureContext({}) } : options,
        )
        const connection = await connected(sink.port)
        assert.equal(connection.tls, undefined)
        const results = await transact(connection, messageOf(), [{ address: 'bob@example.net' }])
        assert.equal(results[0]?.outcome, 'delivered')
        assert.equal(sink.connections, 2)
        await connection.quit()
      }
    })

    test('none: no TLS, although it is offered', async () => {
      const { results, sink } = await send({ tls: certificate }, messageOf(), undefined, { tls: policy('none') })
      assert.equal(results[0]?.outcome, 'delivered')
      assert.equal(sink.messages[0]?.secure, false)
    })

    for (const level of ['encrypted', 'verified'] as const) {
      test(`${level}: nothing goes out where STARTTLS is not offered`, async () => {
        await using sink = await MailSink.start()
        const opened = await openConnection(to(sink.port, { tls: policy(level) }))
        assert.ok(!opened.ok)
        assert.equal(opened.error.kind, 'tls')
        assert.match(
          opened.error.words,
          /^4\.7\.4 the route for \*: no TLS with localhost: 502 5\.5\.1 not known here$/,
        )
        assert.equal(sink.connections, 1)
      })
    }

    test('dane: the certificate must be the one that the TLSA records tell of, whoever signed it', async () => {
      const issued = await (await serverAuthority()).issue(['other.example'])
      await using sink = await MailSink.start({ tls: createSecureContext(issued) })
      const digest = createHash('sha256').update(new X509Certificate(issued.cert).raw).digest()
      const attempt = (data: Uint8Array) =>
        openConnection(
          to(sink.port, {
            tls: { ...policy('dane'), why: 'DANE of localhost', tlsa: [{ usage: 3, selector: 0, matching: 1, data }] },
          }),
        )
      const wrong = await attempt(new Uint8Array(32))
      assert.ok(!wrong.ok && wrong.error.kind === 'tls')
      assert.equal(
        wrong.error.words,
        '4.7.5 DANE of localhost: the certificate of localhost is not the one that its TLSA records tell of',
      )
      const right = await attempt(digest)
      assert.ok(right.ok)
      assert.equal(right.value.tls, 'TLSv1.3 dane')
      await right.value.quit()
      assert.equal(sink.messages.length, 0)
    })

    test('verified: the certificate must be right, for one of the names', async () => {
      await using sink = await MailSink.start({ tls: certificate })
      const attempt = (names: string[], authority?: string) =>
        openConnection(to(sink.port, { tls: policy('verified', names), ca: authority }))
      const untrusted = await attempt(['localhost'])
      assert.ok(!untrusted.ok && untrusted.error.kind === 'tls')
      assert.match(
        untrusted.error.words,
        /^4\.7\.5 the route for \*: the certificate of localhost comes from an authority that is not /,
      )
      const other = await attempt(['mx.example.net'], ca)
      assert.ok(!other.ok && other.error.words.endsWith('is not for mx.example.net'), JSON.stringify(other))
      const right = await attempt(['mx.example.net', 'localhost'], ca)
      assert.ok(right.ok)
      assert.match(right.value.tls ?? '', /^TLSv1\.3 verified$/)
      await right.value.quit()
      assert.equal(sink.messages.length, 0)
    })

    test('a route with TLS from the first octet, and a login', async () => {
      const options = { tls: certificate, implicitTls: true, extensions: ['AUTH PLAIN', '8BITMIME'] }
      const login = { user: 'us', password: 'secret' }
      const { results, sink } = await send(options, messageOf(), undefined, {
        implicitTls: true,
        tls: policy('verified'),
        ca,
        login,
      })
      assert.equal(results[0]?.outcome, 'delivered')
      assert.deepEqual([sink.messages[0]?.secure, sink.messages[0]?.user], [true, 'us'])
    })

    test('a password that is refused is no reason to return mail', async () => {
      await using sink = await MailSink.start({
        tls: certificate,
        extensions: ['AUTH PLAIN'],
        answer: only('auth', '535 5.7.8 who?'),
      })
      const login = { user: 'us', password: 'secret' }
      const opened = await openConnection(to(sink.port, { login, tls: policy('encrypted') }))
      assert.ok(!opened.ok)
      assert.deepEqual([opened.error.kind, opened.error.words], ['login', '535 5.7.8 who?'])
    })
  })

  test("to Malle's own port 25, on the smtp-server engine", async () => {
    await using server = await TestSmtpServer.start({ role: 'mx' })
    const connection = await connected(server.port)
    const results = await transact(connection, messageOf(), [
      { address: 'ann@example.org' },
      { address: 'nobody@example.org' },
    ])
    assert.match(connection.tls ?? '', /^TLSv1\.3$/)
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['delivered', 'failed'],
    )
    assert.match(results[0]?.words ?? '', /^250 2\.0\.0 Kept as /)
    assert.equal(await server.messages(server.ann), 1)
    await connection.quit()
  })
})
