import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Uid } from '#mail/ids.ts'
import type { AccountRef } from '#store/types.ts'
import { MemoryOutbox } from '#testing/memory-outbox.ts'
import { type SmtpClient, TestSmtpServer } from '#testing/smtp-server.ts'

const TEXT =
  'From: eve@else.example\r\nDate: Sat, 28 Nov 2026 10:00:00 +0000\r\nMessage-ID: <a@else.example>\r\n\r\ntext'
const EVE = '<eve@else.example>'
const LIST = '<list@example.org>'

type Work = (client: SmtpClient, outbox: MemoryOutbox, server: TestSmtpServer) => Promise<void>

/** `list@` leads to bob here and to ben elsewhere. */
async function talking(work: Work, role: 'mx' | 'lmtp' = 'mx'): Promise<void> {
  const outbox = new MemoryOutbox()
  await using server = await TestSmtpServer.start({ outbox, role })
  await server.accounts.setAlias('list@example.org', ['bob@example.org', 'ben@home.example'])
  const client = await server.connect()
  try {
    await client.reply()
    await client.say(role === 'lmtp' ? 'LHLO mx.else.example' : 'EHLO mx.else.example')
    await work(client, outbox, server)
    assert.equal(outbox.open, 0, 'a stage was left open')
    assert.equal(outbox.bodies.size, outbox.messages.length, 'bytes of nobody were left')
  } finally {
    client.close()
  }
}

async function send(client: SmtpClient, text = TEXT, from = EVE, ...to: readonly string[]): Promise<string> {
  assert.match(await client.say(`MAIL FROM:${from}`), /^250 /)
  for (const one of to.length === 0 ? [LIST] : to) assert.match(await client.say(`RCPT TO:${one}`), /^250 /)
  await client.say('DATA')
  client.send(`${text}\r\n.\r\n`)
  return client.reply()
}

/** As it is when the queue takes nothing, or the server dies between the commits: here, and nowhere else. */
async function sendInVain(client: SmtpClient, outbox: MemoryOutbox, text?: string): Promise<void> {
  outbox.refusal = { kind: 'unavailable' }
  assert.match(await send(client, text), /^451 4\.3\.\d /)
  outbox.refusal = undefined
}

test('a message that the queue did not take comes again: who has it here does not get it twice', () =>
  talking(async (client, outbox, server) => {
    for (let time = 0; time < 3; time += 1) await sendInVain(client, outbox)
    assert.match(await send(client), /^250 /)
    assert.equal(await server.messages(server.bob), 1)
    assert.equal(outbox.messages.length, 1)
    assert.ok(server.log.lines.some(({ fields }) => 'keptBefore' in fields && fields.keptBefore === 1))
  }))

test('the same over LMTP, where each recipient has an answer', () =>
  talking(async (client, outbox, server) => {
    outbox.refusal = { kind: 'unavailable' }
    assert.match(await send(client, TEXT, EVE, LIST, '<ann@example.org>'), /^451 /)
    assert.match(await client.reply(), /^250 /)
    outbox.refusal = undefined
    assert.match(await send(client), /^250 /)
    assert.deepEqual([await server.messages(server.bob), await server.messages(server.ann)], [1, 1])
  }, 'lmtp'))

test('what the person has moved or deleted meanwhile does not come again', () =>
  talking(async (client, outbox, server) => {
    const account = server.bob
    assert.ok(account)
    const inbox = await server.store.mailboxByName(account, 'INBOX')
    assert.ok(inbox)
    for (const text of [TEXT, TEXT.replace('<a@', '<b@')]) await sendInVain(client, outbox, text)
    const trash = await server.store.write('createMailbox', { account, by: 'c', name: 'Away', specialUse: undefined })
    assert.ok(trash.ok)
    const uids = (uid: number): readonly (readonly [Uid, Uid])[] => [[uid as Uid, uid as Uid]]
    const target = trash.value.mailbox.key
    assert.ok((await server.store.write('move', { account, by: 'c', mailbox: inbox.key, uids: uids(1), target })).ok)
    const gone = { account, by: 'c', mailbox: inbox.key, uids: uids(2), which: 'any' } as const
    assert.ok((await server.store.write('expunge', gone)).ok)
    for (const text of [TEXT, TEXT.replace('<a@', '<b@')]) assert.match(await send(client, text), /^250 /)
    assert.equal(await server.messages(account), 0)
    assert.equal(outbox.messages.length, 2)
  }))

for (const [what, text, from, ...to] of [
  ['of other octets', TEXT.replace('text', 'Text'), EVE, LIST],
  ['of another sender', TEXT, '<adam@else.example>', LIST],
  ['for another recipient', TEXT, EVE, '<bob@example.org>', LIST],
] as const)
  test(`another message with the same Message-ID is kept: ${what}`, () =>
    talking(async (client, outbox, server) => {
      await sendInVain(client, outbox)
      assert.match(await send(client, text, from, ...to), /^250 /)
      assert.equal(await server.messages(server.bob), 2)
    }))

test('without a Message-ID nobody can tell, and mail for people here alone is not compared', () =>
  talking(async (client, outbox, server) => {
    const text = TEXT.replace('Message-ID', 'X-Nothing')
    await sendInVain(client, outbox, text)
    await send(client, text)
    for (let time = 0; time < 2; time += 1) await send(client, TEXT, EVE, '<ann@example.org>')
    assert.deepEqual([await server.messages(server.bob), await server.messages(server.ann)], [2, 2])
  }))

test('mail that goes elsewhere, too, is compared with the newest alone', () =>
  talking(async (client, _, server) => {
    const asked: (number | undefined)[] = []
    const { store } = server
    const real = store.emailsByMessageId.bind(store)
    store.emailsByMessageId = (account: AccountRef, id: string, newest?: number) => {
      asked.push(newest)
      return real(account, id, newest)
    }
    assert.match(await send(client), /^250 /)
    assert.deepEqual(asked, [200])
  }))
