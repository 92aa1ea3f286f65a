/**
 * Hostile and odd bytes over sockets, to all four protocols. Whatever is sent, the server answers or closes; then it
 * still serves somebody else, holds no connection, and has logged no fault of its own.
 * @module
 */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { processorTime } from '#testing/growth.ts'
import { TestImapServer } from '#testing/imap-server.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { Random } from '#testing/random.ts'
import { TestSmtpServer } from '#testing/smtp-server.ts'

/** How long a broken server is waited for: no bound on a good one, which a busy machine may keep waiting. */
const PATIENCE_MS = 120_000

/** A server under attack. */
interface Target extends AsyncDisposable {
  readonly name: 'IMAP' | 'POP3' | 'SMTP' | 'LMTP'
  connect(): Promise<Socket>
  /** Connections that the server has. */
  held(): number
  /** Lines that are logged as faults. */
  faults(): readonly unknown[]
  /** A whole conversation of a good client, one line each with the beginning of its answer. */
  readonly good: readonly (readonly [line: string, answer: RegExp])[]
  /** What logs in, or begins a transaction. */
  readonly enter: string
  /** What is answered with one line. */
  readonly noop: string
  /** A conversation to be cut anywhere. */
  readonly talk: string
}

async function imap(): Promise<Target> {
  const server = await TestImapServer.start({ tls: true, messages: [{}, {}], mailboxes: ['a/b'] })
  return {
    name: 'IMAP',
    connect: async () => (await server.connect()) as Socket,
    held: () => server.registry.connections.size,
    faults: () => server.log.lines.filter(({ level }) => level === 'error'),
    good: [
      ['', /^\* OK/m],
      ['a LOGIN ann@example.org secret', /^a OK/m],
      ['b SELECT INBOX', /^b OK/m],
      ['c FETCH 1 BODY.PEEK[]', /^c OK/m],
      ['d LOGOUT', /^d OK/m],
    ],
    enter: 'a LOGIN ann@example.org secret\r\nb SELECT INBOX\r\n',
    noop: 'n NOOP\r\n',
    talk: 'a LOGIN {15+}\r\nann@example.org "secret"\r\nb SELECT INBOX\r\nc UID SEARCH (SEEN OR 1 2)\r\nd STATUS "a/b" (MESSAGES)\r\ne IDLE\r\nDONE\r\n',
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function pop3(): Promise<Target> {
  const server = await TestPop3Server.start({ messages: ['Subject: a\r\n\r\nb\r\n'] })
  return {
    name: 'POP3',
    connect: () => server.connect(),
    held: () => server.registry.connections.size,
    faults: () => server.log.lines.filter(({ level }) => level === 'error'),
    good: [
      ['', /^\+OK/m],
      ['USER ann@example.org', /^\+OK/m],
      ['PASS secret', /^\+OK/m],
      ['RETR 1', /^\.$/m],
      ['QUIT', /^\+OK/m],
    ],
    enter: 'USER ann@example.org\r\nPASS secret\r\n',
    noop: 'NOOP\r\n',
    talk: 'CAPA\r\nUSER ann@example.org\r\nPASS secret\r\nLIST\r\nTOP 1 0\r\nUIDL\r\nDELE 1\r\n',
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function smtp(role: 'mx' | 'lmtp'): Promise<Target> {
  const server = await TestSmtpServer.start({ role })
  const hello = role === 'lmtp' ? 'LHLO' : 'EHLO'
  return {
    name: role === 'lmtp' ? 'LMTP' : 'SMTP',
    connect: async () => {
      const { socket } = await server.connect()
      socket.removeAllListeners()
      return socket.on('error', () => undefined)
    },
    held: () => server.registry.sessions().length,
    faults: () => server.log.lines.filter(({ level }) => level === 'error'),
    good: [
      ['', /^220 /m],
      [`${hello} client.example.net`, /^250 /m],
      ['MAIL FROM:<x@example.net>', /^250 /m],
      ['RCPT TO:<ann@example.org>', /^250 /m],
      ['DATA', /^354 /m],
      ['Subject: good\r\n\r\nbody\r\n.', /^250 /m],
      ['QUIT', /^221 /m],
    ],
    enter: `${hello} x\r\nMAIL FROM:<x@example.net>\r\nRCPT TO:<ann@example.org>\r\n`,
    noop: 'NOOP\r\n',
    talk: `${hello} x\r\nMAIL FROM:<x@example.net> SIZE=100\r\nRCPT TO:<ann@example.org>\r\nRSET\r\nVRFY ann\r\n`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** A socket, what came over it, and whether it ended. */
class Line {
  readonly socket: Socket
  text = ''
  /** Line ends that came. */
  lines = 0
  ended = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => {
      for (const byte of bytes) if (byte === 10) this.lines += 1
      // what matters is at the end, and strings of megabytes cost time
      this.text = (this.text + bytes.toString('latin1')).slice(-10_000)
    })
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.ended = true
      })
  }

  send(bytes: string | Uint8Array): void {
    if (!this.socket.writableEnded && !this.socket.destroyed)
      this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Waits for the greeting: who speaks before it is turned away at port 25. */
  async greeting(): Promise<this> {
    await this.until(() => this.lines > 0)
    return this
  }

  /** Waits for a text, or for the end. */
  async until(wanted: () => boolean): Promise<void> {
    for (const start = Date.now(); !wanted() && !this.ended; await pause(1))
      assert.ok(Date.now() - start < PATIENCE_MS, `nothing came; unread: ${JSON.stringify(this.text.slice(-200))}`)
  }

  /** Lets the server answer what it has, as far as it goes. */
  async quiet(): Promise<void> {
    for (let length = -1; length !== this.text.length && !this.ended; await pause(4)) length = this.text.length
  }
}

/** While somebody else has the maildrop. */
const LIGHT: Target['good'] = [
  ['', /^\+OK/m],
  ['CAPA', /^\.$/m],
  ['QUIT', /^\+OK/m],
]

async function serves(target: Target, conversation: Target['good'] = target.good): Promise<void> {
  const line = new Line(await target.connect())
  for (const [said, answer] of conversation) {
    line.text = ''
    if (said !== '') line.send(`${said}\r\n`)
    await line.until(() => answer.test(line.text.replaceAll('\r', '')))
    assert.match(line.text.replaceAll('\r', ''), answer, `in answer to ${said}`)
  }
  line.socket.destroy()
}

async function unharmed(target: Target): Promise<void> {
  const start = Date.now()
  while (target.held() > 0) {
    assert.ok(Date.now() - start < PATIENCE_MS, `${target.held()} connections are still held`)
    await pause(1)
  }
  await serves(target)
  assert.deepEqual(target.faults(), [])
}

/** Sends bytes and vanishes, once with a reset and once by closing our side; the server must close its own then. */
async function thrown(target: Target, ...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  const line = await new Line(await target.connect()).greeting()
  for (const piece of pieces) line.send(piece)
  await line.quiet()
  line.socket.end()
  await line.until(() => line.ended)
  line.socket.destroy()
  return line.text
}

/** The same with several conversations at once: one list of pieces each. */
async function allThrown(target: Target, conversations: readonly (readonly (string | Uint8Array)[])[]): Promise<void> {
  await Promise.all(conversations.map((pieces) => thrown(target, ...pieces)))
}

const random = new Random(20_240_229)
const bytes = (length: number, of = 256) => Uint8Array.from({ length }, () => random.below(of))

for (const [name, start] of [
  ['IMAP', imap],
  ['POP3', pop3],
  ['SMTP', () => smtp('mx')],
  ['LMTP', () => smtp('lmtp')],
] as const) {
  let target: Target
  suite(`hostile input to ${name}`, () => {
    before(async () => {
      target = await start()
    })
    after(() => target[Symbol.asyncDispose]())

    test('random bytes, before the login and after', async () => {
      const rounds = Array.from({ length: 10 }, () => {
        // printable bytes with line ends get further
        const text = Buffer.from(bytes(2_000, 96).map((byte) => byte + 32)).toString('latin1')
        return [
          [bytes(random.between(1, 5_000))],
          [target.enter, text.replace(/.{40}/g, '$&\r\n')],
          [target.enter, bytes(500)],
        ]
      })
      await allThrown(target, rounds.flat())
      await unharmed(target)
    })

    test('a conversation that is cut after every byte', async () => {
      const { talk } = target
      const cuts = Array.from({ length: talk.length }, (_, cut) => [talk.slice(0, cut)])
      // a server lets one address have a hundred connections
      for (let at = 0; at < cuts.length; at += 40) await allThrown(target, cuts.slice(at, at + 40))
      await unharmed(target)
    })

    test('a conversation that comes byte by byte is the same one', async () => {
      const { talk } = target
      const whole = await thrown(target, talk)
      const line = await new Line(await target.connect()).greeting()
      for (const char of talk) {
        line.send(char)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await line.quiet()
      line.socket.end()
      await line.until(() => line.ended)
      // APOP stamps, connection ids and the like are the only difference
      assert.equal(line.text.split('\r\n').length, whole.split('\r\n').length)
      await unharmed(target)
    })

    test('NUL, other control characters, 8-bit, and line ends of all kinds', async () => {
      const odd = [
        '\0'.repeat(1_000),
        '\x1b[2J\x07',
        '\xff'.repeat(500),
        '\r',
        '\n',
        '\r\r\n',
        '\n\r',
        '\r\n'.repeat(500),
      ]
      await allThrown(
        target,
        odd.flatMap((text) => ['', target.enter].map((first) => [first, text, '\r\n', target.noop])),
      )
      await unharmed(target)
    })

    test('lines of a megabyte, with and without an end', async () => {
      const long = [
        'A'.repeat(1_000_000),
        `${'A'.repeat(1_000_000)}\r\n${target.noop}`,
        `${'A'.repeat(65_000)} NOOP\r\n`,
        `n NOOP ${'('.repeat(60_000)}\r\n`,
        `NOOP ${'<'.repeat(60_000)}\r\n`,
      ]
      await allThrown(
        target,
        long.flatMap((text) => ['', target.enter].map((first) => [first, text])),
      )
      await unharmed(target)
    })

    test('other protocols: HTTP, a TLS hello, the greeting of a server', async () => {
      await thrown(target, 'GET / HTTP/1.1\r\nHost: mail.example.org\r\nAccept: */*\r\n\r\n')
      await thrown(target, Uint8Array.from([0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3, ...bytes(194)]))
      await thrown(target, '* OK ready\r\n+OK ready\r\n220 ready\r\n')
      const hasty = new Line(await target.connect())
      hasty.send(target.enter)
      await hasty.until(() => hasty.lines > 0)
      hasty.socket.destroy()
      await unharmed(target)
    })

    test('clients that vanish in the middle of everything', async () => {
      await Promise.all(
        Array.from({ length: 40 }, async () => {
          const line = new Line(await target.connect())
          if (random.chance(0.5)) await line.greeting()
          line.send(target.talk.slice(0, random.below(target.talk.length)))
          if (random.chance(0.5)) await pause(random.below(3))
          line.socket.resetAndDestroy()
        }),
      )
      await unharmed(target)
    })

    test('100,000 commands in one go are all answered, and others are served meanwhile', async (t) => {
      const line = await new Line(await target.connect()).greeting()
      // also when this fails, so that the next ones are not about this connection
      t.after(() => line.socket.destroy())
      line.send(target.enter)
      await line.until(() => line.lines >= 3)
      await line.quiet()
      const before = line.lines
      const started = performance.now()
      line.send(target.noop.repeat(100_000))
      await serves(target, target.name === 'POP3' ? LIGHT : target.good)
      const served = performance.now() - started
      await line.until(() => line.lines - before >= 100_000)
      t.diagnostic(
        `${target.name}: ${Math.round(performance.now() - started)} ms; somebody else after ${Math.round(served)} ms`,
      )
      assert.equal(line.lines - before, 100_000)
      line.socket.destroy()
      await unharmed(target)
    })

    test('50 connections that say nothing, closed by us', async () => {
      const lines = await Promise.all(Array.from({ length: 50 }, async () => new Line(await target.connect())))
      await serves(target)
      for (const { socket } of lines) socket.destroy()
      await unharmed(target)
    })

    test('unknown commands: the session ends politely, sooner before the login', async () => {
      const line = await new Line(await target.connect()).greeting()
      for (let count = 0; count < 50 && !line.ended; count += 1) {
        line.send(`x${count} FROB\r\n`)
        await pause(1)
      }
      if (target.name === 'IMAP' || target.name === 'POP3') {
        await line.until(() => line.ended)
        const answers = line.text.split('\r\n').slice(1, -1)
        assert.equal(answers.filter((answer) => /BAD|^-ERR/.test(answer)).length >= 3, true)
        assert.ok(answers.length <= 4, answers.join('\n'))
        if (target.name === 'IMAP') assert.match(answers.at(-1) ?? '', /^\* BYE /)
      }
      line.socket.destroy()
      await unharmed(target)
    })
  })
}

suite('hostile input that only IMAP has', () => {
  let target: Target
  before(async () => {
    target = await imap()
  })
  after(() => target[Symbol.asyncDispose]())

  /** The tagged answer to a command after the login. */
  async function answer(command: string | Uint8Array): Promise<string> {
    const line = new Line(await target.connect())
    line.send(target.enter)
    line.send(command)
    line.send('\r\nend NOOP\r\n')
    await line.until(() => line.text.includes('\r\nend OK'))
    line.socket.destroy()
    return line.text.split('\r\n').find((text) => text.startsWith('t ')) ?? line.text.slice(-300)
  }

  test('8-bit, NUL and control characters in atoms are BAD, with the place', async () => {
    for (const command of [
      't SELECT caf\xe9',
      't SELECT a\0b',
      't SELECT a\x07b',
      't STORE 1 +FLAGS (caf\xc3\xa9)',
      't SELECT "a\0"',
    ])
      assert.match(await answer(command), /^t BAD .*\(at position \d+\)/, JSON.stringify(command))
    await unharmed(target)
  })

  test('names in wrong UTF-7 are BAD', async () => {
    for (const name of [
      '&',
      '&-&',
      'a&b',
      '&AAA',
      '&!-',
      '&AGE-',
      '&2AA-',
      '&3AA-',
      '&AOk-&AOk-',
      '&AOkA-',
      `&${'A'.repeat(30_000)}`,
    ])
      assert.match(await answer(`t CREATE "${name}"`), /^t (?:BAD|NO) /, name)
    await unharmed(target)
  })

  test('depth and length have an end', async () => {
    for (const command of [
      `t SEARCH ${'('.repeat(20_000)}1${')'.repeat(20_000)}`,
      `t SEARCH ${'NOT '.repeat(15_000)}1`,
      `t SEARCH ${'OR '.repeat(15_000)}1`,
      `t LIST "" (${'x '.repeat(20_000)}x)`,
      `t FETCH ${'1,'.repeat(30_000)}1 UID`,
      `t FETCH 1 BODY[${'1.'.repeat(20_000)}1]`,
      `t FETCH 1 (${'FLAGS '.repeat(10_000)}UID)`,
      `t LIST "" ${'*%'.repeat(20_000)}x`,
      `t LIST "" ${'*a'.repeat(10_000)}x`,
      `t STORE 1 +FLAGS (${Array.from({ length: 9_000 }, (_, n) => `k${n}`).join(' ')})`,
      `t CREATE ${'a/'.repeat(20_000)}b`,
      `t ID (${'"a" "b" '.repeat(5_000)}"c" "d")`,
      `t SEARCH HEADER ${'x'.repeat(60_000)} y`,
      `t FETCH 1 BODY.PEEK[HEADER.FIELDS (${'x '.repeat(20_000)}y)]`,
      `t ENABLE ${'X '.repeat(20_000)}Y`,
      `t UID FETCH 1:4294967295 UID`,
      `t SEARCH ${Array.from({ length: 8_000 }, (_, n) => n * 2 + 1).join(',')}`,
    ]) {
      const started = processorTime()
      assert.match(await answer(command), /^t (?:OK|NO|BAD) /, command.slice(0, 40))
      assert.ok(processorTime() - started < 2_000, `too long: ${command.slice(0, 40)}`)
    }
    await unharmed(target)
  })

  test('literals that never come, come too long, or are too many', async () => {
    const commands = [
      'x LOGIN {99999999999999999999}\r\n',
      'x LOGIN {99999999999999999999+}\r\n',
      'x LOGIN {10}\r\nabc',
      'x LOGIN {4294967295+}\r\nabc',
      'x LOGIN {-1}\r\n',
      'x LOGIN {0x10}\r\n',
      'x LOGIN {3+}abc\r\n',
      'x LOGIN ~{3+}\r\nabc secret\r\n',
      `x LOGIN ${'{1+}\r\na'.repeat(5_000)}\r\n`,
      '{10+}\r\n0123456789',
    ]
    await allThrown(
      target,
      commands.flatMap((command) => ['', target.enter].map((first) => [first, command])),
    )
    const halves = ['{1000000+}\r\nSubject: half', '{40}\r\nSubject: half', '~{10+}\r\n\0\0']
    await allThrown(
      target,
      halves.map((half) => [target.enter, `x APPEND INBOX ${half}`]),
    )
    await unharmed(target)
  })

  test('ten unknown commands in a row after the login are BYE', async () => {
    const line = new Line(await target.connect())
    line.send(target.enter)
    for (let count = 0; count < 30; count += 1) line.send(`x${count} FROB\r\n`)
    await line.until(() => line.ended)
    assert.equal(line.text.match(/^x\d+ BAD /gm)?.length, 10)
    assert.match(line.text, /\r\n\* BYE [^\r\n]*\r\n$/)
    await unharmed(target)
  })
})

suite('hostile input that only SMTP has', () => {
  test('a message that is cut anywhere in DATA is not kept', async () => {
    await using server = await TestSmtpServer.start({ role: 'lmtp' })
    const data =
      'LHLO x\r\nMAIL FROM:<x@example.net>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\nSubject: x\r\n\r\nabc\r\n.\r\n'
    const cuts = Array.from({ length: data.length - data.indexOf('DATA') }, (_, cut) => data.indexOf('DATA') + cut)
    await Promise.all(
      cuts.map(async (cut) => {
        const client = await server.connect()
        client.send(data.slice(0, cut))
        await pause(50)
        client.close()
      }),
    )
    for (const start = Date.now(); server.registry.sessions().length > 0 && Date.now() - start < PATIENCE_MS; )
      await pause(1)
    assert.equal(server.registry.sessions().length, 0)
    assert.equal(await server.messages(server.ann), 0)
    // who vanishes is no fault of ours
    assert.deepEqual(
      server.log.lines.filter(({ level }) => level === 'error'),
      [],
    )
  })
})
