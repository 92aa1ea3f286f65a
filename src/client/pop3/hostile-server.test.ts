/** Servers that lie, never end, break off or stand in between: a clear error, and memory that stays bounded. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { serverHandshake } from '#lib/tls-handshake.ts'
import type { MessageNumber } from '#mail/ids.ts'
import { ManualTimers } from '#testing/manual-timers.ts'
import { flood, type Script, ScriptedServer, testCertificate } from '#testing/scripted-server.ts'
import type { LineClient } from '#testing/whole-server.ts'
import { ConnectionError, ProtocolError } from '../errors.ts'
import { Pop3Client, type Pop3ClientOptions } from './client.ts'

const ONE = 1 as MessageNumber
const GIGABYTE = 1_000_000_000
/** What the system may hold between the two of us, and then some. */
const BEARABLE = 64_000_000

function options(port: number, more: Partial<Pop3ClientOptions> = {}): Pop3ClientOptions {
  const credentials = { login: 'ann', password: 'secret' }
  return { host: '127.0.0.1', port, security: 'none', allowPlaintext: true, credentials, ...more }
}

type Answers = Readonly<Record<string, string | ((peer: LineClient) => Promise<void> | void)>>

/** Says `+OK` to all that the answers have nothing for. */
async function talk(peer: LineClient, answers: Answers, greeting = '+OK here\r\n'): Promise<void> {
  peer.send(greeting)
  const defaults: Answers = { CAPA: '+OK\r\nUSER\r\nUIDL\r\nTOP\r\n.\r\n', UIDL: '+OK\r\n.\r\n' }
  const known = new Map(Object.entries({ ...defaults, ...answers }))
  for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
    const answer = known.get(line.split(' ')[0] ?? '') ?? '+OK\r\n'
    if (typeof answer === 'string') peer.send(answer)
    else await answer(peer)
  }
}

async function against(
  answers: Answers,
  body: (client: Pop3Client) => Promise<void>,
  more: Partial<Pop3ClientOptions> = {},
): Promise<void> {
  await using server = await ScriptedServer.start((peer) => talk(peer, answers))
  await using client = await Pop3Client.connect(options(server.port, more))
  await body(client)
}

/** Connecting to a server that does as the script says fails like this. */
async function notConnected(
  script: Script,
  expected: (error: unknown) => boolean,
  more: Partial<Pop3ClientOptions> = {},
): Promise<void> {
  await using server = await ScriptedServer.start(script)
  await assert.rejects(Pop3Client.connect(options(server.port, more)), expected)
}

const protocol = (words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ProtocolError, String(error))
  assert.match(error.message, words)
  return true
}

const trouble =
  (kind: ConnectionError['trouble'], words = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof ConnectionError, String(error))
    assert.equal(error.trouble, kind, error.message)
    assert.match(error.message, words)
    return true
  }

test('a greeting of a gigabyte is not kept', async () => {
  let sent = 0
  await notConnected(
    async (peer) => {
      sent = await flood(peer, 'a'.repeat(65_536), GIGABYTE)
    },
    protocol(/line without end/),
  )
  assert.ok(sent < BEARABLE, `${sent} octets were taken`)
})

test('an answer of a gigabyte ends the connection, not the process', async () => {
  let sent = 0
  const STAT = async (peer: LineClient): Promise<void> => {
    sent = await flood(peer, `+OK ${'x'.repeat(65_536)}`, GIGABYTE)
  }
  await against({ STAT }, async (client) => {
    await assert.rejects(client.stat(), protocol(/line without end/))
    await assert.rejects(client.noop(), ConnectionError)
  })
  assert.ok(sent < BEARABLE, `${sent} octets were taken`)
})

test('a listing that never ends is cut', async () => {
  let sent = 0
  const LIST = async (peer: LineClient): Promise<void> => {
    peer.send('+OK\r\n')
    sent = await flood(peer, '1 10\r\n'.repeat(10_000), GIGABYTE)
  }
  await against({ LIST }, async (client) => {
    await assert.rejects(client.maildrop(), protocol(/does not end its answer to LIST/))
  })
  assert.ok(sent < BEARABLE, `${sent} octets were taken`)
})

test('capabilities without end are none', async () => {
  let sent = 0
  await notConnected(
    (peer) =>
      talk(peer, {
        async CAPA() {
          peer.send('+OK\r\n')
          sent = await flood(peer, 'X-MORE\r\n'.repeat(1_000), GIGABYTE)
        },
      }),
    protocol(/does not end its answer to CAPA/),
  )
  assert.ok(sent < BEARABLE)
})

test('a message that never ends, all of it one line, waits for its reader and is cut at the limit', async () => {
  let sent = 0
  const RETR = async (peer: LineClient): Promise<void> => {
    peer.send('+OK 12 octets\r\n')
    sent = await flood(peer, 'y'.repeat(65_536), GIGABYTE)
  }
  await against(
    { RETR },
    async (client) => {
      const body = await client.retrieve(ONE)
      let read = 0
      const reading = (async () => {
        for await (const chunk of body) {
          read += chunk.length
          // nobody reads for a while
          if (read === chunk.length) await new Promise((resolve) => setTimeout(resolve, 100))
          if (read === chunk.length) assert.ok(sent < BEARABLE)
        }
      })()
      await assert.rejects(reading, protocol(/more than 20000000 octets/))
      assert.ok(read <= 20_000_000)
      await assert.rejects(client.noop(), ConnectionError)
    },
    { messageOctets: 20_000_000 },
  )
  assert.ok(sent < 20_000_000 + BEARABLE, `${sent} octets were taken`)
})

test('a message that stops, and a server that says nothing, are errors in time', async () => {
  const timers = new ManualTimers()
  const silence = async (waiting: Promise<unknown>): Promise<void> => {
    let over = false
    const end = (): void => {
      over = true
    }
    waiting.then(end, end)
    for (let n = 0; n < 200 && !over; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      timers.pass(60_000)
    }
  }
  const RETR = '+OK\r\nSubject: half\r\n\r\nhalf of i'
  await against(
    { RETR },
    async (client) => {
      const reading = (await client.retrieve(ONE)).bytes()
      const failed = assert.rejects(reading, trouble('timeout', /said nothing/))
      await silence(reading)
      await failed
    },
    { timers },
  )
  await using server = await ScriptedServer.start(async () => undefined)
  const connecting = Pop3Client.connect(options(server.port, { timers }))
  const failed = assert.rejects(connecting, trouble('timeout'))
  await silence(connecting)
  await failed
})

test('sizes that are lies change nothing: a message is as long as it comes', async () => {
  const LIST = '+OK\r\n1 3\r\n2 9007199254740991\r\n.\r\n'
  const RETR = '+OK 1 octets\r\nSubject: x\r\n\r\n..\r\n.\r\n'
  await against({ LIST, RETR, UIDL: '+OK\r\n1 a\r\n2 b\r\n.\r\n' }, async (client) => {
    for (const { message } of await client.maildrop()) {
      const body = await client.retrieve(message)
      assert.equal(Buffer.from(await body.bytes()).toString(), 'Subject: x\r\n\r\n.\r\n')
      assert.equal(body.octets, 17)
    }
  })
  await against({ LIST: '+OK\r\n1 99999999999999999999\r\n.\r\n' }, async (client) => {
    await assert.rejects(client.maildrop(), protocol(/no listing/))
  })
})

test('one unique-id may be that of several messages, one number is that of one message', async () => {
  const LIST = '+OK\r\n1 10\r\n2 10\r\n.\r\n'
  await against({ LIST, UIDL: '+OK\r\n1 same\r\n2 same\r\n.\r\n' }, async (client) => {
    assert.deepEqual(
      (await client.maildrop()).map(({ message, uniqueId }) => [message, uniqueId]),
      [
        [1, 'same'],
        [2, 'same'],
      ],
    )
  })
  for (const answers of [
    { LIST, UIDL: '+OK\r\n1 a\r\n1 b\r\n.\r\n' },
    { LIST: '+OK\r\n1 10\r\n1 20\r\n.\r\n' },
    { LIST: '+OK\r\n0 10\r\n.\r\n' },
    { LIST, UIDL: `+OK\r\n1 ${'u'.repeat(600)}\r\n.\r\n` },
  ]) {
    await against(answers, async (client) => {
      await assert.rejects(client.maildrop(), protocol(/no listing/))
      await assert.rejects(client.noop(), ConnectionError)
    })
  }
})

const CAPA = '+OK\r\nSTLS\r\nUSER\r\nSASL PLAIN\r\n.\r\n'
const NO_LOGIN: Answers = {
  CAPA,
  USER: () => assert.fail('the login went out in the clear'),
  AUTH: () => assert.fail('the password went out in the clear'),
}
for (const [what, STLS, expected] of [
  ['refused', '-ERR not today\r\n', trouble('no-tls', /refuses it: not today/)],
  ['answered with more than was asked', '+OK go\r\n+OK\r\nSASL PLAIN\r\n.\r\n', protocol(/stand in between/)],
  ['closed upon', (peer: LineClient) => void peer.socket.end('+OK go\r\n'), trouble('tls')],
  [
    'followed by what is not TLS',
    (peer: LineClient) => {
      peer.send('+OK go\r\n')
      peer.socket.once('data', () => peer.send('-ERR what is this?\r\n'))
      return new Promise<void>(() => undefined)
    },
    trouble('tls'),
  ],
] as const) {
  test(`STLS that is offered and ${what} is no TLS, and nothing is said without it`, () =>
    notConnected((peer) => talk(peer, { ...NO_LOGIN, STLS }), expected, { security: 'starttls' }))
}

test('a certificate of somebody else is no TLS', async () => {
  const { cert, key } = await testCertificate()
  const script: Script = (peer) =>
    talk(peer, {
      ...NO_LOGIN,
      async STLS() {
        peer.send('+OK go\r\n')
        peer.socket.removeAllListeners()
        peer.socket.on('error', () => undefined)
        await serverHandshake(peer.socket, { context: () => createSecureContext({ cert, key }) }, 5_000).catch(
          () => undefined,
        )
      },
    })
  await notConnected(script, trouble('tls'), { security: 'starttls' })
})

test('what was said before TLS counts for nothing behind it', async () => {
  const { ca, cert, key } = await testCertificate()
  const said: string[] = []
  const script: Script = async (peer) => {
    peer.send('+OK here\r\n')
    await peer.line()
    peer.send('+OK\r\nSTLS\r\nSASL PLAIN\r\nX-FROM-BEFORE\r\n.\r\n')
    await peer.line()
    peer.send('+OK go\r\n')
    peer.socket.removeAllListeners()
    const secure = await serverHandshake(peer.socket, { context: () => createSecureContext({ cert, key }) }, 5_000)
    secure.on('error', () => undefined)
    secure.on('data', (bytes: Buffer) => {
      const line = bytes.toString().trimEnd()
      said.push(line)
      secure.write(line === 'CAPA' ? '+OK\r\nUSER\r\n.\r\n' : '+OK\r\n')
    })
  }
  await using server = await ScriptedServer.start(script)
  const security = { host: 'localhost', security: 'starttls', tls: { ca } } as const
  await using client = await Pop3Client.connect(options(server.port, security))
  assert.deepEqual(said, ['CAPA', 'USER ann', 'PASS secret', 'CAPA'])
  assert.ok(!client.supports('X-FROM-BEFORE'))
})
