import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageNumber } from '#mail/ids.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { type Script, ScriptedServer } from '#testing/scripted-server.ts'
import { AuthenticationError, ConnectionError, ProtocolError, RefusedError } from '../errors.ts'
import { Pop3Client, type Pop3ClientOptions } from './client.ts'

const MESSAGES = [
  'Subject: one\r\n\r\n.a dot\r\n..two dots\r\n.\r\nend\r\n',
  'Subject: two\r\n\r\nno line end at the end',
  `Subject: three\r\n\r\n${'x'.repeat(70)}\r\n`,
  `Subject: large\r\n\r\n${`${'y'.repeat(70)}\r\n`.repeat(20_000)}`,
]
const ONE = 1 as MessageNumber

function options(port: number, more: Partial<Pop3ClientOptions> = {}): Pop3ClientOptions {
  return {
    host: '127.0.0.1',
    port,
    security: 'none',
    allowPlaintext: true,
    credentials: { login: 'ann@example.org', password: 'secret' },
    ...more,
  }
}

/** A server that logs anybody in by USER and PASS, and then does as the script says. */
function scripted(capabilities: readonly string[], then: Script): Promise<ScriptedServer> {
  return ScriptedServer.start(async (peer, n) => {
    peer.send('+OK here\r\n')
    for (;;) {
      const line = (await peer.line()) ?? ''
      if (line === 'CAPA') peer.send(['+OK', 'USER', 'UIDL', 'TOP', ...capabilities, '.', ''].join('\r\n'))
      else peer.send('+OK\r\n')
      if (line.startsWith('PASS')) break
    }
    await peer.line()
    peer.send(['+OK', 'USER', 'UIDL', 'TOP', ...capabilities, '.', ''].join('\r\n'))
    return then(peer, n)
  })
}

test('a maildrop is listed, read byte for byte and emptied by quit() alone', async () => {
  await using server = await TestPop3Server.start({ messages: MESSAGES })
  const first = await Pop3Client.connect(options(server.port))
  const maildrop = await first.maildrop()
  assert.deepEqual(
    maildrop.map(({ octets }) => octets),
    MESSAGES.map((message) => message.length),
  )
  assert.equal(new Set(maildrop.map(({ uniqueId }) => uniqueId)).size, MESSAGES.length)
  const bodies: string[] = []
  for await (const { body } of first.retrieveAll(maildrop.map(({ message }) => message))) {
    bodies.push(Buffer.from((await body?.bytes()) ?? []).toString('latin1'))
  }
  // the line end is the protocol's (RFC 1939 §3)
  assert.deepEqual(bodies, [MESSAGES[0], `${MESSAGES[1]}\r\n`, MESSAGES[2], MESSAGES[3]])
  await Promise.all(maildrop.map(({ message }) => first.delete(message)))
  await first[Symbol.asyncDispose]()
  const second = await Pop3Client.connect(options(server.port))
  assert.equal((await second.stat()).messages, MESSAGES.length)
  await second.delete(ONE)
  await second.reset()
  await second.delete(2 as MessageNumber)
  await second.quit()
  await using third = await Pop3Client.connect(options(server.port))
  assert.deepEqual(
    (await third.maildrop()).map(({ uniqueId }) => uniqueId),
    [0, 2, 3].map((index) => maildrop[index]?.uniqueId),
  )
})

test('top() gives the header and lines; what is not there is refused', async () => {
  await using server = await TestPop3Server.start({ messages: MESSAGES })
  await using client = await Pop3Client.connect(options(server.port))
  const top = await (await client.top(ONE, 1)).bytes()
  assert.equal(Buffer.from(top).toString(), 'Subject: one\r\n\r\n.a dot\r\n')
  await assert.rejects(client.retrieve(9 as MessageNumber), (error) => {
    return error instanceof RefusedError && error.command === 'RETR'
  })
  await client.noop()
})

test('STLS and TLS protect the session, and SCRAM binds to it', async () => {
  for (const how of [{ tls: true }, { implicitTls: true }]) {
    await using server = await TestPop3Server.start({ messages: MESSAGES, ...how, allowPlaintext: false })
    const security = how.tls === true ? 'starttls' : 'tls'
    await using client = await Pop3Client.connect(
      options(server.port, {
        security,
        allowPlaintext: false,
        tls: { rejectUnauthorized: false },
        credentials: { login: 'ann@example.org', password: 'secret', mechanisms: ['SCRAM-SHA-256-PLUS'] },
      }),
    )
    assert.equal(client.secure, true)
    assert.equal((await client.stat()).messages, MESSAGES.length)
  }
})

test('a server without STLS is left before anything is said to it', async () => {
  await using server = await TestPop3Server.start()
  await assert.rejects(Pop3Client.connect(options(server.port, { security: 'starttls' })), {
    name: 'ConnectionError',
    trouble: 'no-tls',
  })
})

test('a wrong password is an AuthenticationError', async () => {
  await using server = await TestPop3Server.start()
  const credentials = { login: 'ann@example.org', password: 'wrong' }
  await assert.rejects(Pop3Client.connect(options(server.port, { credentials })), AuthenticationError)
})

test('a maildrop in use says to try again later', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send('+OK here\r\n')
    await peer.line()
    peer.send('-ERR what is CAPA\r\n')
    await peer.line()
    peer.send('+OK\r\n')
    await peer.line()
    peer.send('-ERR [IN-USE] somebody reads it\r\n')
  })
  await assert.rejects(Pop3Client.connect(options(server.port)), (error) => {
    assert.ok(error instanceof AuthenticationError)
    assert.equal(error.code, 'IN-USE')
    assert.match(error.message, /try again later/)
    return true
  })
})

test('retrieveAll() asks ahead with PIPELINING, one by one without', async () => {
  for (const pipelining of [true, false]) {
    let asked = 0
    await using server = await scripted(pipelining ? ['PIPELINING'] : [], async (peer) => {
      const wanted = pipelining ? 3 : 1
      for (let answered = 0; answered < 3; ) {
        while (asked < answered + wanted && asked < 3) {
          assert.match((await peer.line()) ?? '', /^RETR/)
          asked += 1
        }
        while (answered < asked) {
          answered += 1
          peer.send(answered === 2 ? '-ERR gone\r\n' : `+OK\r\nbody ${answered}\r\n.\r\n`)
        }
      }
    })
    await using client = await Pop3Client.connect(options(server.port))
    const seen: string[] = []
    for await (const { message, body, refusal } of client.retrieveAll([1, 2, 3] as MessageNumber[])) {
      await assert.rejects(client.delete(message), TypeError)
      if (body === undefined) seen.push(refusal.text)
      // the third is left unread
      else if (message === 1) seen.push(Buffer.from(await body.bytes()).toString())
    }
    assert.deepEqual(seen, ['body 1\r\n', 'gone'])
    assert.equal(asked, 3)
  }
})

test('a loop left early leaves the session usable', async () => {
  await using server = await TestPop3Server.start({ messages: MESSAGES })
  await using client = await Pop3Client.connect(options(server.port))
  for await (const { body } of client.retrieveAll([4, 1, 2, 3] as MessageNumber[])) {
    for await (const chunk of body ?? []) {
      assert.ok(chunk.length > 0)
      break
    }
    break
  }
  assert.equal((await client.stat()).messages, MESSAGES.length)
})

const HOSTILE: readonly (readonly [string, Script, new (...args: never[]) => Error, RegExp])[] = [
  ['a line that never ends', async (peer) => peer.send('x'.repeat(100_000)), ProtocolError, /line without end/],
  ['what is not POP3', async (peer) => peer.send('220 smtp here\r\n'), ProtocolError, /no answer of POP3/],
  ['a close', async (peer) => void peer.socket.end(), ConnectionError, /closed/],
  ['a challenge out of turn', async (peer) => peer.send('+ abcd\r\n'), ProtocolError, /challenge/],
  ['STAT without numbers', async (peer) => peer.send('+OK many\r\n'), ProtocolError, /no listing/],
]
for (const [name, act, kind, words] of HOSTILE) {
  test(`${name} is a ${kind.name}, and the connection is over`, async () => {
    await using server = await scripted([], async (peer, n) => {
      await peer.line()
      await act(peer, n)
    })
    await using client = await Pop3Client.connect(options(server.port))
    await assert.rejects(client.stat(), (error) => error instanceof kind && words.test(error.message))
    await assert.rejects(client.noop(), ConnectionError)
  })
}

test('a body that breaks off is an error, never a shorter message', async () => {
  await using server = await scripted(['PIPELINING'], async (peer) => {
    await peer.line()
    peer.send('+OK 1000 octets\r\nSubject: x\r\n\r\nhalf of i')
    peer.socket.end()
  })
  await using client = await Pop3Client.connect(options(server.port))
  const seen: string[] = []
  await assert.rejects(async () => {
    for await (const { body } of client.retrieveAll([1, 2, 3] as MessageNumber[])) {
      for await (const chunk of body ?? []) seen.push(Buffer.from(chunk).toString())
      seen.push('whole')
    }
  }, ConnectionError)
  assert.equal(seen.join(''), 'Subject: x\r\n\r\nhalf of i')
})

test('a message above the limit ends the connection', async () => {
  await using server = await scripted([], async (peer) => {
    await peer.line()
    peer.send('+OK\r\n')
    for (let n = 0; n < 1_000 && !peer.socket.destroyed; n += 1) peer.send(`${'z'.repeat(998)}\r\n`)
  })
  await using client = await Pop3Client.connect(options(server.port, { messageOctets: 10_000 }))
  await assert.rejects(async () => (await client.retrieve(ONE)).bytes(), ProtocolError)
})

test('a server that refuses at once says why', async () => {
  await using server = await ScriptedServer.start(async (peer) => peer.send('-ERR [SYS/TEMP] too busy\r\n'))
  await assert.rejects(Pop3Client.connect(options(server.port)), (error) => {
    return error instanceof RefusedError && error.code === 'SYS/TEMP' && error.text === 'too busy'
  })
})

test('quit() that is not answered says that nobody knows what was deleted', async () => {
  await using server = await scripted([], async (peer) => {
    await peer.line()
    peer.socket.end()
  })
  const client = await Pop3Client.connect(options(server.port))
  await assert.rejects(client.quit(), (error) => error instanceof ConnectionError && error.maybeDone)
})
