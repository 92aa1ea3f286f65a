/** A server with nothing but IMAP4rev1: what is missing is done in other ways, or said to be missing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, imapScript } from '#testing/imap-script.ts'
import { ManualTimers } from '#testing/manual-timers.ts'
import { ImapClient } from './imap-client.ts'
import { IDLE_MS, POLL_MS } from './limits.ts'
import type { ImapClientOptions } from './options.ts'

/** Tests that wait in vain are ended by who runs them. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 1))
}

/** Runs against it; gives the commands that it heard, without tags. */
async function oldServer(
  answers: Readonly<Record<string, Answer>>,
  body: (client: ImapClient) => Promise<void>,
  more: Partial<ImapClientOptions> = {},
  capabilities = 'IMAP4rev1 AUTH=PLAIN SASL-IR',
): Promise<string[]> {
  const heard: string[] = []
  const noted = Object.entries(answers).map(([name, answer]): [string, Answer] => [
    name,
    async (tag, peer, rest) => {
      heard.push(rest.slice(rest.indexOf(' ') + 1))
      if (typeof answer === 'function') return answer(tag, peer, rest)
      for (const line of answer) peer.send(`${line.startsWith('$ ') ? `${tag}${line.slice(1)}` : line}\r\n`)
    },
  ])
  await using server = await imapScript({ capabilities, answers: Object.fromEntries(noted) })
  const credentials = { login: 'ann', password: 'secret' }
  const options = {
    host: '127.0.0.1',
    port: server.port,
    security: 'none',
    allowPlaintext: true,
    reconnect: false,
  } as const
  await using client = await ImapClient.connect({ ...options, credentials, ...more })
  await body(client)
  return heard
}

test('mailboxes are listed by LIST, LSUB and STATUS, and their roles guessed', async () => {
  const heard = await oldServer(
    {
      LIST: [
        '* LIST () "." INBOX',
        '* LIST (\\Noselect) "." Old',
        '* LIST () "." "Old.Gesendet"',
        '* LIST () "." "&AMk-l&AOk-ments envoy&AOk-s"',
        '$ OK',
      ],
      LSUB: ['* LSUB () "." INBOX', '$ OK'],
      STATUS: (tag, peer, rest) => {
        const name = rest.split(' ')[2] ?? ''
        if (name.startsWith('"')) peer.send(`${tag} NO gone\r\n`)
        else peer.send(`* STATUS ${name} (MESSAGES 2)\r\n${tag} OK\r\n`)
      },
    },
    async (client) => {
      const mailboxes = await client.list({ status: ['MESSAGES'] })
      assert.deepEqual(
        mailboxes.map(({ name, subscribed, status }) => [name, subscribed, status?.MESSAGES]),
        [
          ['INBOX', true, 2],
          ['Old', false, undefined],
          ['Old.Gesendet', false, 2],
          ['Éléments envoyés', false, undefined],
        ],
      )
      assert.equal((await client.specialMailboxes()).get('sent')?.name, 'Éléments envoyés')
    },
  )
  assert.equal(heard.filter((line) => line.startsWith('STATUS')).length, 3)
})

for (const others of [false, true]) {
  test(`a move copies, marks and ${others ? 'leaves marked, as others are too' : 'expunges'}`, async () => {
    const heard = await oldServer(
      {
        'UID COPY': ['$ OK copied'],
        'UID STORE': ['$ OK stored'],
        'UID SEARCH': [others ? '* SEARCH 9' : '* SEARCH', '$ OK'],
        EXPUNGE: ['* 2 EXPUNGE', '$ OK'],
      },
      async (client) => {
        const mailbox = await client.select('INBOX')
        assert.equal(await client.move([2, 3], 'Kept'), undefined)
        assert.equal(mailbox.exists, others ? 3 : 2)
      },
    )
    assert.deepEqual(heard, [
      'UID COPY 2:3 Kept',
      'UID STORE 2:3 +FLAGS.SILENT (\\Deleted)',
      'UID SEARCH DELETED NOT UID 2:3',
      ...(others ? [] : ['EXPUNGE']),
    ])
  })
}

test('SEARCH answers in one line, several or none; text beyond ASCII names its charset', async () => {
  const heard = await oldServer({ 'UID SEARCH': ['* SEARCH 9 2', '* SEARCH 3', '$ OK'] }, async (client) => {
    await client.select('INBOX')
    const found = await client.search({ seen: false, or: [{ from: 'a' }, { from: 'b' }], since: new Date(0) })
    assert.deepEqual(found, {
      uids: [
        [2, 3],
        [9, 9],
      ],
      count: 3,
      min: 2,
      max: 9,
      modseq: undefined,
    })
    await client.search({ subject: 'é' }).catch(() => undefined)
  })
  assert.equal(heard[0], 'UID SEARCH UNSEEN SINCE 1-Jan-1970 OR FROM a FROM b')
  assert.match(heard[1] ?? '', /^UID SEARCH CHARSET UTF-8 SUBJECT /)
})

test('what cannot be done otherwise is an UnsupportedError that names the capability', async () => {
  await oldServer({}, async (client) => {
    await client.select('INBOX')
    const lacking = (capability: string): object => ({ name: 'UnsupportedError', capability })
    await assert.rejects(client.sort(['DATE']), lacking('SORT'))
    await assert.rejects(client.thread('REFS'), lacking('THREAD=REFS'))
    await assert.rejects(client.quota(), lacking('QUOTA'))
    await assert.rejects(client.namespaces(), lacking('NAMESPACE'))
    await assert.rejects(client.create('x', '\\Sent'), lacking('CREATE-SPECIAL-USE'))
    await assert.rejects(client.store(1, { add: ['x'], unchangedSince: 1 as never }), lacking('CONDSTORE'))
    await client.noop()
  })
})

test('literals are asked for, and one that is refused leaves the connection in order', async () => {
  const heard = await oldServer(
    {
      APPEND: async (tag, peer, rest) => {
        if (rest.includes('Full')) return peer.send(`${tag} NO [OVERQUOTA] full\r\n`)
        peer.send('+ go\r\n')
        while ((await peer.line()) !== '');
        await peer.line()
        peer.send(`${tag} OK [APPENDUID 7 12] done\r\n`)
      },
    },
    async (client) => {
      const body = 'Subject: x\r\n\r\n'
      const refused = assert.rejects(client.append('Full', { body }), { name: 'RefusedError', code: 'OVERQUOTA' })
      assert.deepEqual(await client.append('Kept', { body, flags: ['\\Seen'] }), { uidValidity: 7, uid: 12 })
      await refused
      await client.noop()
    },
  )
  assert.deepEqual(heard, ['APPEND Full {14}', 'APPEND Kept (\\Seen) {14}'])
})

test('a body whose size was wrong ends the connection with the error of its caller', async () => {
  await oldServer({ APPEND: (_, peer) => peer.send('+ go\r\n') }, async (client) => {
    const body = (async function* () {
      yield Buffer.from('short')
    })()
    await assert.rejects(client.append('INBOX', { body, size: 100 }), { name: 'TypeError', message: /not 100 octets/ })
    await assert.rejects(client.noop(), { name: 'ConnectionError' })
    await assert.rejects(client.append('INBOX', { body }), { name: 'ConnectionError' })
  })
})

test('who watches a server without IDLE has it asked from time to time', async () => {
  const timers = new ManualTimers()
  await oldServer(
    { NOOP: ['* 4 EXISTS', '$ OK'] },
    async (client) => {
      await client.select('INBOX')
      const events = client.watch()
      const next = events.next()
      await until(() => timers.furthest === POLL_MS)
      timers.pass(POLL_MS)
      assert.deepEqual((await next).value, { kind: 'exists', exists: 4, added: 1 })
      await events.return?.()
    },
    { timers },
  )
})

test('IDLE is renewed, and ended before other commands', async () => {
  const timers = new ManualTimers()
  const said: string[] = []
  await oldServer(
    {
      IDLE: async (tag, peer) => {
        peer.send('+ idling\r\n')
        said.push('IDLE')
        said.push((await peer.line()) ?? '')
        peer.send(`${tag} OK done\r\n`)
      },
      NOOP: (tag, peer) => {
        said.push('NOOP')
        peer.send(`${tag} OK\r\n`)
      },
    },
    async (client) => {
      await client.select('INBOX')
      const controller = new AbortController()
      const events = client.watch({ signal: controller.signal })
      await until(() => timers.furthest === IDLE_MS)
      timers.pass(26 * 60_000)
      await until(() => timers.furthest === IDLE_MS)
      await client.noop()
      await until(() => timers.furthest === IDLE_MS)
      controller.abort()
      assert.deepEqual(await events.next(), { done: true, value: undefined })
      await client.noop()
    },
    { timers },
    'IMAP4rev1 AUTH=PLAIN SASL-IR IDLE',
  )
  assert.deepEqual(said, ['IDLE', 'DONE', 'IDLE', 'DONE', 'NOOP', 'IDLE', 'DONE', 'NOOP'])
})
