/** Servers that lie, never end, break off or stand in between: a clear error, and memory that stays bounded. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { serverHandshake } from '#lib/tls-handshake.ts'
import { uidsOf } from '#mail/uid-set.ts'
import { type Answer, type ImapScript, imapScript } from '#testing/imap-script.ts'
import { ManualTimers } from '#testing/manual-timers.ts'
import { flood, ScriptedServer, testCertificate } from '#testing/scripted-server.ts'
import type { LineClient } from '#testing/whole-server.ts'
import { parseOrderedUids } from '#wire/imap/message-set.ts'
import { ConnectionError, MailboxChangedError, ProtocolError } from '../errors.ts'
import { CONNECT_MS } from '../limits.ts'
import { ImapClient } from './imap-client.ts'
import type { ImapClientOptions } from './options.ts'

function options(port: number, more: Partial<ImapClientOptions> = {}): ImapClientOptions {
  const credentials = { login: 'ann', password: 'secret' }
  return { host: '127.0.0.1', port, security: 'none', allowPlaintext: true, credentials, reconnect: false, ...more }
}

async function against(
  script: ImapScript,
  body: (client: ImapClient) => Promise<void>,
  more: Partial<ImapClientOptions> = {},
): Promise<void> {
  await using server = await imapScript(script)
  const client = await ImapClient.connect(options(server.port, more))
  try {
    await body(client)
  } finally {
    await client.logout()
  }
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

for (const [greeting, expected] of [
  ['220 mail.example.org ESMTP\r\n', protocol(/does not speak IMAP/)],
  ['+OK POP3 ready\r\n', protocol(/POP3/)],
  ['SSH-2.0-OpenSSH_9.2\r\n', protocol(/does not speak IMAP/)],
  ['* BYE too many connections\r\n', trouble('closed', /too many connections/)],
] as const) {
  test(`a greeting ${JSON.stringify(greeting)} is told for what it is`, async () => {
    await using server = await imapScript({ greeting })
    await assert.rejects(ImapClient.connect(options(server.port)), expected)
  })
}

test('a greeting that never ends is not kept', async () => {
  let sent = 0
  await using server = await ScriptedServer.start(async (peer) => {
    sent = await flood(peer, 'a'.repeat(65_536), 1_000_000_000)
  })
  await assert.rejects(ImapClient.connect(options(server.port)), protocol(/too long/))
  await server[Symbol.asyncDispose]()
  assert.ok(sent < 64_000_000, `${sent} octets were taken`)
})

test('a server that says nothing is left in time', async () => {
  await using server = await ScriptedServer.start(async () => undefined)
  const timers = new ManualTimers()
  const connecting = ImapClient.connect(options(server.port, { timers, connectMs: 5_000 }))
  while (server.connections === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  timers.pass(10_000)
  await assert.rejects(connecting, trouble('timeout'))
})

test('a line of a gigabyte ends the connection, not the process', async () => {
  let sent = 0
  const SELECT: Answer = async (_, peer) => {
    peer.send('* OK ')
    sent = await flood(peer, 'x'.repeat(65_536), 1_000_000_000)
  }
  await against({ answers: { SELECT } }, async (client) => {
    await assert.rejects(client.select('INBOX'), protocol(/too long/))
    await assert.rejects(client.noop(), protocol(/too long/))
  })
  assert.ok(sent < 64_000_000, `${sent} octets were taken`)
})

test('a literal that nobody asked for is refused by its size, before its bytes', async () => {
  const LIST = ['* LIST () "/" {9999999999999}', 'x']
  await against({ answers: { LIST, LSUB: [] } }, async (client) => {
    await assert.rejects(client.list(), protocol(/9999999999999 octets that nobody asked for/))
  })
})

test('a body of a terabyte streams as far as it is read, in little memory', async () => {
  let sent = 0
  const answers: Record<string, Answer> = {
    'UID FETCH': async (_, peer) => {
      peer.send('* 1 FETCH (UID 1 BODY[] {1000000000000}\r\n')
      sent = await flood(peer, 'y'.repeat(65_536), 1_000_000_000)
    },
  }
  await against({ answers }, async (client) => {
    await client.select('INBOX')
    const message = await client.fetchOne(1, { body: true })
    assert.equal(message?.body?.size, 1_000_000_000_000)
    let read = 0
    for await (const chunk of message?.body ?? []) {
      read += chunk.length
      if (read > 20_000_000) break
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.ok(sent < 40_000_000, `${sent} octets were taken though nobody reads them`)
    // who wants something else while it comes does not wait for ever, nor is all of it kept
    await assert.rejects(client.noop(), protocol(/read or skip them before other commands/))
  })
})

test('a body that breaks off is an error for its reader', async () => {
  for (const [end, expected] of [
    [(peer: LineClient) => peer.socket.end(), trouble('closed')],
    [(peer: LineClient) => peer.socket.resetAndDestroy(), trouble('closed')],
  ] as const) {
    const answers: Record<string, Answer> = {
      'UID FETCH': (_, peer) => {
        peer.send(`* 1 FETCH (UID 1 BODY[] {1000000}\r\n${'z'.repeat(50_000)}`)
        setTimeout(() => end(peer), 20)
      },
    }
    await against({ answers }, async (client) => {
      await client.select('INBOX')
      const message = await client.fetchOne(1, { body: true })
      await assert.rejects(async () => message?.body?.bytes(), expected)
    })
  }
})

test('a body that stops is an error in time', async () => {
  const timers = new ManualTimers()
  const answers: Record<string, Answer> = {
    'UID FETCH': (_, peer) => peer.send(`* 1 FETCH (UID 1 BODY[] {1000000}\r\n${'z'.repeat(50_000)}`),
  }
  const script = { answers }
  await against(
    script,
    async (client) => {
      await client.select('INBOX')
      const message = await client.fetchOne(1, { body: true })
      const reading = assert.rejects(async () => message?.body?.bytes(), trouble('timeout'))
      for (let n = 0; n < 20; n += 1) {
        await new Promise((resolve) => setTimeout(resolve, 10))
        timers.pass(60_000)
      }
      await reading
    },
    { timers },
  )
})

test('a mailbox that loses more messages than it had, or has more than there can be, is not believed', async () => {
  await against({ answers: { NOOP: ['* 9 EXPUNGE', '$ OK'] } }, async (client) => {
    await client.select('INBOX')
    await assert.rejects(client.noop(), protocol(/expunges message 9 of 3/))
  })
  const SELECT = ['* 4294967295 EXISTS', '$ OK']
  await against({ answers: { SELECT } }, async (client) => {
    assert.equal((await client.select('INBOX')).exists, 4_294_967_295)
    await assert.rejects(client.select('INBOX', { tracking: 'uids' }), protocol(/counts 4294967295 messages/))
  })
})

test('an answer to a command that was not sent, or to none, ends the connection', async () => {
  await against({ answers: { NOOP: ['zz OK done'] } }, async (client) => {
    await assert.rejects(client.noop(), protocol(/was not sent/))
  })
  await against({ answers: { NOOP: ['zz what'] } }, async (client) => {
    await assert.rejects(client.noop(), protocol(/does not speak IMAP/))
  })
})

test('responses that cannot be read are passed over, so many and no more', async () => {
  const nested = `* 1 FETCH (BODYSTRUCTURE ${'('.repeat(5_000)})`
  const NOOP = ['* 1 FETCH (FLAGS', '* LIST nonsense', '* SEARCH x', nested, '* WHAT', '$ OK done']
  await against({ answers: { NOOP } }, (client) => client.noop())
  const flooded: Answer = async (tag, peer) => {
    await flood(peer, '* SEARCH x\r\n'.repeat(1_001), 1)
    peer.send(`${tag} OK done\r\n`)
  }
  await against({ answers: { NOOP: flooded } }, async (client) => {
    await assert.rejects(client.noop(), protocol(/does not speak IMAP/))
  })
})

test('a list of mailboxes that never ends is cut', async () => {
  let sent = 0
  const LIST: Answer = async (_, peer) => {
    sent = await flood(peer, '* LIST () "/" x\r\n'.repeat(4_096), 1_000_000_000)
  }
  await against({ answers: { LIST, LSUB: ['$ OK'] } }, async (client) => {
    await assert.rejects(client.list(), protocol(/more than 200000 mailboxes/))
  })
  assert.ok(sent < 64_000_000)
})

test('messages that are fetched and not read wait in bounded memory', async () => {
  let sent = 0
  const answers: Record<string, Answer> = {
    'UID FETCH': async (_, peer) => {
      for (let n = 1; n < 5_000_000 && !peer.socket.destroyed; n += 1_000) {
        const lines = Array.from(
          { length: 1_000 },
          (_unused, k) => `* ${n + k} FETCH (UID ${n + k} FLAGS ())\r\n`,
        ).join('')
        sent += await flood(peer, lines, 1)
      }
    },
  }
  await against({ answers }, async (client) => {
    await client.select('INBOX')
    for await (const { uid } of client.fetch('1:*', { flags: true })) {
      if (uid === 1) await new Promise((resolve) => setTimeout(resolve, 300))
      if (uid === 10) break
    }
    assert.ok(sent < 20_000_000, `${sent} octets were taken though nobody reads them`)
  })
})

test('a search that finds more than there can be is not kept', async () => {
  const everything = ['* ESEARCH (TAG "x") UID COUNT 4294967295 ALL 1:4294967295', '$ OK found']
  const answers = { 'UID SEARCH': everything.map((line) => line.replace('(TAG "x") ', '')) }
  await against({ capabilities: 'IMAP4rev1 SASL-IR AUTH=PLAIN ESEARCH', answers }, async (client) => {
    await client.select('INBOX')
    assert.equal((await client.search({})).count, 4_294_967_295)
    await assert.rejects(client.select('INBOX', { tracking: 'uids' }), protocol(/counts 4294967295 messages/))
  })
})

test('a message that is larger or smaller than was said comes as it is, and a part of it is never taken for more', async () => {
  const body = 'Subject: x\r\n\r\n'
  const answers: Record<string, Answer> = {
    'UID FETCH': (tag, peer, rest) => {
      if (rest.includes('RFC822.SIZE'))
        for (const [n, size] of [1, 4_294_967_295, 0].entries())
          peer.send(`* ${n + 1} FETCH (UID ${n + 1} RFC822.SIZE ${size})\r\n`)
      else
        for (const uid of uidsOf(parseOrderedUids(rest.split(' ')[3] ?? '') ?? []))
          peer.send(`* ${uid} FETCH (UID ${uid} BODY[] {${body.length}}\r\n${body})\r\n`)
      peer.send(`${tag} OK done\r\n`)
    },
  }
  await against({ answers }, async (client) => {
    await client.select('INBOX')
    const seen: string[] = []
    for await (const { body: each } of client.fetch('1:*', { body: true })) seen.push(String(await each?.bytes()))
    assert.deepEqual(seen, [body, body, body])
  })
})

test('a connection that is lost within a fetch of all there can be asks for the rest, not one by one', async () => {
  const asked: string[] = []
  const script: ImapScript = {
    answers: (connection) => ({
      'UID FETCH': (tag, peer, rest) => {
        asked.push(rest.split(' ')[3] ?? '')
        if (connection === 1) {
          peer.send('* 1 FETCH (UID 7 FLAGS ())\r\n')
          peer.socket.end()
        } else peer.send(`* 2 FETCH (UID 9 FLAGS ())\r\n${tag} OK done\r\n`)
      },
    }),
  }
  await against(
    script,
    async (client) => {
      await client.select('INBOX')
      const seen: number[] = []
      for await (const { uid } of client.fetch([[1, 4_294_967_295]] as never, { flags: true })) seen.push(uid)
      assert.deepEqual(seen, [7, 9])
      assert.deepEqual(asked, ['1:4294967295', '1:6,8:4294967295'])
    },
    { reconnect: true },
  )
})

test('TLS that is not offered, refused, or preceded by more is no TLS', async () => {
  const starttls = { security: 'starttls' } as const
  {
    await using server = await imapScript({})
    await assert.rejects(
      ImapClient.connect(options(server.port, starttls)),
      trouble('no-tls', /does not offer STARTTLS/),
    )
  }
  const capabilities = 'IMAP4rev1 STARTTLS AUTH=PLAIN SASL-IR'
  const AUTHENTICATE: Answer = () => assert.fail('the password went out in the clear')
  {
    await using server = await imapScript({ capabilities, answers: { AUTHENTICATE, STARTTLS: ['$ NO not today'] } })
    await assert.rejects(ImapClient.connect(options(server.port, starttls)), trouble('no-tls', /refuses it: not today/))
  }
  {
    const STARTTLS: Answer = (tag, peer) => peer.send(`${tag} OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n`)
    await using server = await imapScript({ capabilities, answers: { AUTHENTICATE, STARTTLS } })
    await assert.rejects(ImapClient.connect(options(server.port, starttls)), protocol(/stand in between/))
  }
  {
    await using server = await imapScript({ greeting: `* PREAUTH [CAPABILITY ${capabilities}] hello\r\n` })
    await assert.rejects(ImapClient.connect(options(server.port, starttls)), protocol(/stand in between/))
  }
  {
    const STARTTLS: Answer = (tag, peer) => {
      peer.send(`${tag} OK go\r\n`)
      peer.socket.end()
    }
    await using server = await imapScript({ capabilities, answers: { AUTHENTICATE, STARTTLS } })
    await assert.rejects(ImapClient.connect(options(server.port, starttls)), trouble('tls'))
  }
  {
    // agreed to, and then something else
    const STARTTLS: Answer = async (tag, peer) => {
      peer.send(`${tag} OK go\r\n`)
      peer.socket.once('data', () => peer.send('* BAD what is this?\r\n'))
      await new Promise(() => undefined)
    }
    await using server = await imapScript({ capabilities, answers: { AUTHENTICATE, STARTTLS } })
    await assert.rejects(ImapClient.connect(options(server.port, starttls)), trouble('tls'))
  }
})

test('what was said before TLS counts for nothing behind it', async () => {
  const { ca, cert, key } = await testCertificate()
  const said: string[] = []
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send('* OK [CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=PLAIN X-FROM-BEFORE] hello\r\n')
    const tag = (await peer.line())?.split(' ')[0] ?? ''
    peer.send(`${tag} OK go\r\n`)
    peer.socket.removeAllListeners()
    const secure = await serverHandshake(peer.socket, { context: () => createSecureContext({ cert, key }) }, 5_000)
    secure.on('error', () => undefined)
    secure.on('data', (bytes: Buffer) => {
      for (const line of bytes.toString().trimEnd().split('\r\n')) {
        said.push(line.split(' ')[1] ?? '')
        const first = line.split(' ')[0] ?? ''
        if (line.includes('CAPABILITY')) secure.write('* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n')
        if (line.includes(' AUTHENTICATE')) secure.write('+ \r\n')
        else secure.write(`${/^\w+ \w/.test(line) ? first : 'm3'} OK done\r\n`)
      }
    })
  })
  const security = { host: 'localhost', security: 'starttls', tls: { ca } } as const
  const client = await ImapClient.connect(options(server.port, security))
  assert.deepEqual(said.slice(0, 2), ['CAPABILITY', 'AUTHENTICATE'])
  assert.ok(!client.capabilities.has('X-FROM-BEFORE'))
  await client.logout()
})

test('a mailbox that was made anew is told, and what was meant for the old one is not done to it', async () => {
  let cut: () => void = () => undefined
  const stored: string[] = []
  const script: ImapScript = {
    answers: (connection) => ({
      SELECT: ['* 3 EXISTS', `* OK [UIDVALIDITY ${connection}] v`, '* OK [UIDNEXT 4] n', '$ OK open'],
      'UID STORE': (tag, peer, rest) => {
        stored.push(rest)
        peer.send(`${tag} OK done\r\n`)
      },
      NOOP: (tag, peer) => {
        if (connection === 1) cut = () => peer.socket.destroy()
        peer.send(`${tag} OK done\r\n`)
      },
    }),
  }
  await against(
    script,
    async (client) => {
      await client.select('INBOX')
      const events = client.watch()
      await client.noop()
      cut()
      const lost = await events.next()
      assert.equal(lost.value?.kind, 'lost')
      const store = client.store(1, { add: ['\\Deleted'] })
      const reset = await events.next()
      assert.deepEqual(reset.value, { kind: 'reset', mailbox: 'INBOX', uidValidity: 2 })
      await assert.rejects(store, MailboxChangedError)
      assert.deepEqual(stored, [])
      await client.store(1, { add: ['\\Seen'] })
      assert.equal(stored.length, 1)
      await events.return?.()
    },
    { reconnect: true },
  )
})

test('what may have been done is not done again on a new connection', async () => {
  let appends = 0
  const script: ImapScript = {
    capabilities: 'IMAP4rev1 SASL-IR AUTH=PLAIN LITERAL+',
    answers: {
      APPEND: (_, peer) => {
        appends += 1
        peer.socket.destroy()
      },
    },
  }
  await against(
    script,
    async (client) => {
      await assert.rejects(client.append('INBOX', { body: 'Subject: once\r\n\r\n' }), {
        name: 'ConnectionError',
        maybeDone: true,
      })
      await client.noop()
      assert.equal(appends, 1)
    },
    { reconnect: true },
  )
})

test('a server that closes again and again is given up', async () => {
  await using server = await ScriptedServer.start(async (peer, n) => {
    if (n > 1) {
      peer.socket.destroy()
      return
    }
    peer.send('* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n')
    await peer.line()
    peer.socket.destroy()
  })
  const timers = new ManualTimers()
  const client = await ImapClient.connect(options(server.port, { reconnect: true, reconnectAttempts: 3, timers }))
  let over = false
  const failed = assert.rejects(client.noop(), trouble('closed')).finally(() => (over = true))
  while (!over) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    // Between connections only: one that is being made has its time.
    if (timers.furthest < CONNECT_MS) timers.pass(timers.furthest)
  }
  await failed
  assert.equal(server.connections, 4)
  await assert.rejects(client.noop(), trouble('closed'))
  await client.logout()
})
