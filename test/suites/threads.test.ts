/** Several protocol threads on the same ports, and several shards: one server to whoever connects (design §4, §5). @module */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { Worker } from 'node:worker_threads'
import { checkConfig } from '#config/schema.ts'
import { createLog } from '#server/log.ts'
import { type RunningServer, startServer } from '#server/server.ts'
import { ImapLines } from '#testing/imap-client.ts'

/** More would mean that the kernel sends every connection to one thread. */
const MOST_CONNECTIONS = 64

interface Started extends AsyncDisposable {
  readonly server: RunningServer
  readonly workers: readonly Worker[]
}

/** A server in this process, whose workers we see as they are made. */
async function start(settings: object): Promise<Started> {
  const data = await mkdtemp(path.join(tmpdir(), 'malle-threads-'))
  const anyPort = ['127.0.0.1:0']
  const config = checkConfig({
    hostname: 'localhost',
    data,
    listen: { imap: anyPort, imaps: anyPort, pop3: anyPort, lmtp: anyPort, http: anyPort },
    auth: { allow_plaintext: true },
    limits: { exempt: ['127.0.0.0/8'], connections_per_user: 1000 },
    log: { level: 'error' },
    ...settings,
  })
  assert.ok(config.ok)
  const workers: Worker[] = []
  const seen = (message: unknown): void => void workers.push((message as { readonly worker: Worker }).worker)
  subscribe('worker_threads', seen)
  const server = await startServer(config.value, createLog('error'))
  return {
    server,
    workers,
    async [Symbol.asyncDispose]() {
      unsubscribe('worker_threads', seen)
      await server[Symbol.asyncDispose]()
      await rm(data, { recursive: true, force: true })
    },
  }
}

/** Accounts with an app password each, which costs no hashing. */
async function accounts({ administration }: RunningServer, ...names: readonly string[]): Promise<string[]> {
  await administration.ask('domain.add', { name: 'example.org' })
  const passwords: string[] = []
  for (const name of names) {
    const address = `${name}@example.org`
    await administration.ask('account.add', { address, password: null })
    passwords.push((await administration.ask('app-password.add', { address, name: 'test' })).password)
  }
  return passwords
}

function portOf(server: RunningServer, listener: 'imap' | 'imaps' | 'pop3' | 'lmtp' | 'http'): number {
  const port = server.endpoints[listener][0]?.port
  assert.ok(port !== undefined)
  return port
}

interface Client {
  readonly lines: ImapLines
  readonly id: string
  readonly thread: string
}

/** A connection and the thread it came to, as `session list` tells. */
async function open(server: RunningServer, listener: 'imap' | 'pop3' | 'lmtp'): Promise<Client> {
  const socket = connect(portOf(server, listener), '127.0.0.1')
  const lines = new ImapLines(socket)
  await lines.line()
  const { localPort } = socket
  const sessions = await server.administration.ask('session.list', {})
  const session = sessions.find(({ remotePort }) => remotePort === localPort)
  assert.ok(session, 'the connection is not listed')
  return { lines, id: session.id, thread: session.id.split('-')[1] ?? '' }
}

/** Connects until a connection is on that thread. */
async function openOn(server: RunningServer, listener: 'imap' | 'pop3' | 'lmtp', thread: string): Promise<Client> {
  for (let tries = 0; tries < MOST_CONNECTIONS; tries += 1) {
    const client = await open(server, listener)
    if (client.thread === thread) return client
    client.lines.reset()
  }
  throw new Error(`No connection came to thread ${thread}`)
}

async function deliver({ lines }: Client, recipients: readonly string[], text: string): Promise<string[]> {
  const say = async (line: string): Promise<string> => {
    lines.send(`${line}\r\n`)
    for (;;) {
      const answer = await lines.line()
      assert.ok(answer !== undefined)
      if (/^\d{3} /.test(answer)) return answer
    }
  }
  await say('LHLO test')
  await say('MAIL FROM:<sender@example.net>')
  for (const recipient of recipients) assert.match(await say(`RCPT TO:<${recipient}>`), /^250/)
  assert.match(await say('DATA'), /^354/)
  lines.send(`Subject: ${text}\r\n\r\n${text}\r\n.\r\n`)
  const answers: string[] = []
  while (answers.length < recipients.length) {
    const answer = await lines.line()
    assert.ok(answer !== undefined)
    answers.push(answer)
  }
  return answers
}

test('two threads are one server: delivery, IDLE, sessions, maildrops, TLS tickets', async (t) => {
  await using started = await start({ workers: { count: 2 } })
  const { server } = started
  const [ann = ''] = await accounts(server, 'ann')
  const { administration } = server

  await t.test('what LMTP brings to one thread, IDLE sees on the other', async () => {
    const reader = await openOn(server, 'imap', '0')
    await reader.lines.command(`a LOGIN ann@example.org ${ann}`)
    await reader.lines.command('b SELECT INBOX')
    reader.lines.send('c IDLE\r\n')
    assert.match((await reader.lines.line()) ?? '', /^\+ /)
    const [answer] = await deliver(await openOn(server, 'lmtp', '1'), ['ann@example.org'], 'across')
    assert.match(answer ?? '', /^250 /)
    let line = await reader.lines.line()
    while (line !== undefined && !line.endsWith('EXISTS')) line = await reader.lines.line()
    assert.equal(line, '* 1 EXISTS')
    reader.lines.reset()
  })

  await t.test('sessions of both threads are listed, and kicked from outside', async () => {
    const here = await openOn(server, 'imap', '0')
    const there = await openOn(server, 'imap', '1')
    for (const { lines } of [here, there]) await lines.command(`a LOGIN ann@example.org ${ann}`)
    const listed = await administration.ask('session.list', {})
    for (const { id } of [here, there]) assert.equal(listed.find((one) => one.id === id)?.address, 'ann@example.org')
    await administration.ask('session.kick', { what: there.id })
    assert.match((await there.lines.line()) ?? '', /^\* BYE/)
    assert.match((await here.lines.command('b NOOP')).at(-1) ?? '', /^b OK/)
    const { kicked } = await administration.ask('session.kick', { what: 'ann@example.org' })
    assert.ok(kicked >= 1)
    assert.match((await here.lines.line()) ?? '', /^\* BYE/)
  })

  await t.test('a maildrop held on one thread is in use on the other', async () => {
    const login = async ({ lines }: Client): Promise<string> => {
      lines.send('USER ann@example.org\r\n')
      assert.match((await lines.line()) ?? '', /^\+OK/)
      lines.send(`PASS ${ann}\r\n`)
      return (await lines.line()) ?? ''
    }
    const holder = await openOn(server, 'pop3', '0')
    assert.match(await login(holder), /^\+OK/)
    const other = await openOn(server, 'pop3', '1')
    assert.match(await login(other), /^-ERR \[IN-USE\]/)
    holder.lines.send('QUIT\r\n')
    assert.match((await holder.lines.line()) ?? '', /^\+OK/)
    assert.equal(await holder.lines.line(), undefined)
    const next = await openOn(server, 'pop3', '1')
    assert.match(await login(next), /^\+OK/)
    next.lines.reset()
  })

  await t.test('a TLS session begun on one thread is resumed on any', async () => {
    let session: Buffer | undefined
    let resumed = 0
    const rounds = 16
    for (let round = 0; round < rounds; round += 1) {
      const socket = connectTls({
        host: '127.0.0.1',
        port: portOf(server, 'imaps'),
        rejectUnauthorized: false,
        maxVersion: 'TLSv1.2',
        ...(session === undefined ? {} : { session }),
      })
      await new Promise<void>((resolve, reject) => {
        socket.once('secureConnect', resolve)
        socket.once('error', reject)
      })
      if (socket.isSessionReused()) resumed += 1
      session ??= socket.getSession()
      socket.destroy()
    }
    assert.equal(resumed, rounds - 1)
  })

  await t.test('the counters of both threads are added up in /metrics', async () => {
    const text = await (await fetch(`http://127.0.0.1:${portOf(server, 'http')}/metrics`)).text()
    const logins = [...text.matchAll(/^malle_commands_total\{[^}]*command="LOGIN"[^}]*\} (\d+)/gm)]
    assert.equal(
      logins.reduce((sum, [, count]) => sum + Number(count), 0),
      3,
    )
  })
})

test('a thread that dies takes only its own connections with it, is started again and counted', async () => {
  await using started = await start({ workers: { count: 2 } })
  const { server, workers } = started
  const [ann = ''] = await accounts(server, 'ann')
  const { administration } = server
  const survivor = await openOn(server, 'imap', '0')
  const victim = await openOn(server, 'imap', '1')
  const holder = await openOn(server, 'pop3', '1')
  holder.lines.send(`USER ann@example.org\r\nPASS ${ann}\r\n`)
  assert.match((await holder.lines.line()) ?? '', /^\+OK/)
  assert.match((await holder.lines.line()) ?? '', /^\+OK/)

  const thread = workers.find(({ threadName }) => threadName === 'protocol-1')
  assert.ok(thread)
  await thread.terminate()
  // The main thread hears of it in its own time.
  await untilRestarted(server)
  assert.equal(await victim.lines.line(), undefined)
  assert.match((await survivor.lines.command('a NOOP')).at(-1) ?? '', /^a OK/)
  const left = await administration.ask('session.list', {})
  assert.deepEqual(
    left.filter(({ id }) => id === victim.id || id === holder.id),
    [],
  )
  assert.equal((await administration.ask('status', {})).threadRestarts, 1)

  // The new thread listens on the same ports, and the maildrop that the dead one held is free.
  const again = await openWhenListening(server)
  again.lines.send(`USER ann@example.org\r\nPASS ${ann}\r\n`)
  assert.match((await again.lines.line()) ?? '', /^\+OK/)
  assert.match((await again.lines.line()) ?? '', /^\+OK/)
  const text = await (await fetch(`http://127.0.0.1:${portOf(server, 'http')}/metrics`)).text()
  assert.match(text, /^malle_thread_restarts 1$/m)
})

async function untilRestarted({ administration }: RunningServer): Promise<void> {
  while ((await administration.ask('status', {})).threadRestarts === 0) await new Promise(setImmediate)
}

/** On the thread that is being started again; until it listens, all connections come to the other one. */
async function openWhenListening(server: RunningServer): Promise<Client> {
  for (;;) {
    const client = await open(server, 'pop3')
    if (client.thread === '1') return client
    client.lines.reset()
  }
}

test('three shards hold the accounts between them, and an alias delivers to all', async () => {
  await using started = await start({ store: { url: 'embedded:', shards: 3 }, workers: { count: 2 } })
  const { server } = started
  const { administration } = server
  const names = ['ann', 'bob', 'cat', 'dan', 'eve', 'fay']
  const passwords = await accounts(server, ...names)
  const addresses = names.map((name) => `${name}@example.org`)
  const shards = (await administration.ask('account.list', {})).map(({ shard }) => shard)
  assert.deepEqual(
    [0, 1, 2].map((shard) => shards.filter((one) => one === shard).length),
    [2, 2, 2],
  )
  await administration.ask('alias.set', { address: 'all@example.org', targets: addresses, create: true })
  const answers = await deliver(await open(server, 'lmtp'), ['all@example.org'], 'to everybody')
  assert.match(answers[0] ?? '', /^250 /)
  for (const [index, password] of passwords.entries()) {
    const { lines } = await open(server, 'imap')
    await lines.command(`a LOGIN ${addresses[index]} ${password}`)
    assert.ok((await lines.command('b STATUS INBOX (MESSAGES)')).includes('* STATUS INBOX (MESSAGES 1)'))
    await lines.command('c SELECT INBOX')
    const body = await lines.command('d FETCH 1 BODY.PEEK[TEXT]')
    assert.ok(body.includes('to everybody'), body.join(' | '))
    lines.reset()
  }
  assert.deepEqual(await administration.ask('check', { repair: false, bodies: true }), [])
  assert.equal((await administration.ask('status', {})).shards.length, 3)
})
