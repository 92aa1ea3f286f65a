/** Servers that deal with so many messages in one command and no more (RFC 9738): all is done all the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uidsOf } from '#mail/uid-set.ts'
import { type Answer, imapScript } from '#testing/imap-script.ts'
import { ANN, TestImapServer } from '#testing/imap-server.ts'
import { ProtocolError, RefusedError } from '../errors.ts'
import { ImapClient } from './imap-client.ts'

const ALL = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

async function connect(port: number): Promise<ImapClient> {
  const credentials = { login: ANN.address, password: ANN.password }
  const security = 'none' as const
  return ImapClient.connect({ host: '127.0.0.1', port, security, allowPlaintext: true, credentials, reconnect: false })
}

/** A client in the INBOX of a server that takes three messages at once, and has ten. */
async function limited(body: (client: ImapClient, server: TestImapServer) => Promise<void>): Promise<void> {
  await using server = await TestImapServer.start({
    tls: true,
    messages: ALL.map((n) => ({ body: `Subject: ${n}\r\n\r\n${'x'.repeat(n)}\r\n` })),
    mailboxes: ['Kept'],
    messagesPerCommand: 3,
  })
  await using client = await connect(server.port)
  assert.ok(client.capabilities.has('MESSAGELIMIT=3'))
  await client.select('INBOX', { tracking: 'flags' })
  await body(client, server)
}

test('FETCH tells of every message, by UID and with bodies', () =>
  limited(async (client) => {
    const seen: number[] = []
    for await (const { uid } of client.fetch('1:*', { flags: true })) seen.push(uid)
    assert.deepEqual(
      seen.toSorted((a, b) => a - b),
      ALL,
    )
    const sizes: number[] = []
    for await (const { uid, body } of client.fetch([1, 2, 4, 5, 7, 8, 10], { body: true })) {
      const bytes = await body?.bytes()
      assert.equal(bytes?.toString(), `Subject: ${uid}\r\n\r\n${'x'.repeat(uid)}\r\n`)
      sizes.push(uid)
    }
    assert.deepEqual(sizes, [1, 2, 4, 5, 7, 8, 10])
    const last: number[] = []
    for await (const { uid } of client.fetch('9:*', { size: true })) last.push(uid)
    assert.deepEqual(last, [9, 10])
    const byNumber: number[] = []
    for await (const { uid } of client.fetch('2:*', { size: true }, { byNumber: true })) byNumber.push(uid)
    assert.deepEqual(
      byNumber.toSorted((a, b) => a - b),
      ALL.slice(1),
    )
  }))

test('SEARCH finds in all of them, and a result that is kept is never a part', () =>
  limited(async (client) => {
    assert.deepEqual(await client.search({ seen: false }), {
      uids: [[1, 10]],
      count: 10,
      min: 1,
      max: 10,
      modseq: undefined,
    })
    const { uids } = await client.search({ or: [{ subject: '2' }, { subject: '9' }] })
    assert.deepEqual([...uidsOf(uids)], [2, 9])
    assert.equal((await client.search({}, { countOnly: true })).count, 10)
    await assert.rejects(client.search({}, { save: true }), { name: 'RefusedError', code: 'MESSAGELIMIT' })
  }))

test('STORE, COPY, MOVE and EXPUNGE do all that they were asked for', () =>
  limited(async (client) => {
    const { modseqs } = await client.store('1:*', { add: ['One'] })
    assert.equal(modseqs.size, 10)
    assert.equal((await client.search({ keyword: 'One' })).count, 10)
    const unchangedSince = Math.max(...modseqs.values()) as never
    await client.store([2, 9], { add: ['Two'] })
    const { modified } = await client.store('1:*', { add: ['Three'], unchangedSince })
    assert.deepEqual([...uidsOf(modified)], [2, 9])
    assert.equal((await client.search({ keyword: 'Three' })).count, 8)
    const copied = await client.copy('1:7', 'Kept')
    assert.deepEqual([...uidsOf(copied?.from ?? [])], [1, 2, 3, 4, 5, 6, 7])
    assert.deepEqual([...uidsOf(copied?.to ?? [])], [1, 2, 3, 4, 5, 6, 7])
    await client.move([1, 3, 5, 7, 9], 'Kept')
    assert.equal((await client.status('Kept')).MESSAGES, 12)
    assert.deepEqual([...(client.mailbox?.uids() ?? [])], [2, 4, 6, 8, 10])
    await client.store('1:*', { add: ['\\Deleted'] })
    await client.expunge('1:8')
    assert.deepEqual([...(client.mailbox?.uids() ?? [])], [10])
    await client.select('Kept')
    await client.store('1:*', { add: ['\\Deleted'] })
    await client.expunge()
    assert.equal((await client.status('Kept')).MESSAGES, 0)
  }))

test('more new messages than one command tells of are learned', () =>
  limited(async (client, server) => {
    const { mailbox } = client
    for (let n = 0; n < 10; n += 1) await server.add()
    for (let n = 0; n < 200 && [...(mailbox?.uids() ?? [])].length < 20; n += 1) {
      await client.noop()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    assert.deepEqual(
      [...(mailbox?.uids() ?? [])],
      Array.from({ length: 20 }, (_, n) => n + 1),
    )
  }))

test('a server that does not get on is not asked for ever', async () => {
  const code = '[MESSAGELIMIT 3 8] and more'
  const SEARCH: Answer = ['* SEARCH 8 9', `$ OK ${code}`]
  const FETCH: Answer = ['* 8 FETCH (UID 8 FLAGS ())', `$ OK ${code}`]
  const answers = { 'UID SEARCH': SEARCH, 'UID FETCH': FETCH, 'UID STORE': [`* NO ${code}`, '$ OK done'] }
  await using server = await imapScript({ capabilities: 'IMAP4rev1 AUTH=PLAIN SASL-IR MESSAGELIMIT=3', answers })
  await using client = await connect(server.port)
  await client.select('INBOX')
  await assert.rejects(client.search({}), ProtocolError)
  await assert.rejects(async () => {
    for await (const _ of client.fetch('1:*', { flags: true }));
  }, ProtocolError)
  await assert.rejects(client.store('1:*', { add: ['x'] }), ProtocolError)
  await assert.rejects(client.store('$', { add: ['x'] }), RefusedError)
})
