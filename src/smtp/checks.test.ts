/** What becomes of a message on port 25 by the verdict of the checks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checksLogged,
  type InboundChecks,
  type MessageQuestion,
  NOT_NOW,
  type RecipientQuestion,
  type Verdict,
} from '#services/inbound-checks.ts'
import { originOfTrace } from '#services/trace-lines.ts'
import type { SmtpRole } from '#smtp/service.ts'
import { wholeMessages } from '#testing/messages-in.ts'
import { type SmtpClient, TestSmtpServer } from '#testing/smtp-server.ts'

const RESULTS = 'Authentication-Results: mail.example.org;\r\n\tspf=pass smtp.mailfrom=a@example.net\r\n'
const ACCEPT: Verdict = {
  disposition: 'accept',
  headerLines: RESULTS,
  facts: { results: [{ method: 'spf', result: 'pass', properties: {} }], reverseName: 'mx.example.net' },
}

class Scripted implements InboundChecks {
  readonly questions: MessageQuestion[] = []
  readonly named: RecipientQuestion[] = []
  readonly #verdict: Verdict
  asksAtRecipient = true

  constructor(verdict: Verdict) {
    this.#verdict = verdict
  }

  concerns(address: string): boolean {
    return address === '127.0.0.1'
  }

  recipient(question: RecipientQuestion) {
    this.named.push(question)
    const refused = question.recipient.startsWith('bob')
    return Promise.resolve(refused ? { code: 451, text: '4.7.1 Come again' } : undefined)
  }

  check(question: MessageQuestion) {
    this.questions.push(question)
    return Promise.resolve(this.#verdict)
  }
}

const MESSAGE = `Authentication-Results: MAIL.example.org; dkim=pass\r\nFrom: a@example.net\r\nAuthentication-Results: other.example; none\r\n\r\nhi\r\n`
const KEPT = `From: a@example.net\r\nAuthentication-Results: other.example; none\r\n\r\nhi\r\n`

async function send(client: SmtpClient, role: SmtpRole, to: string, message = MESSAGE): Promise<string> {
  await client.reply()
  await client.say(role === 'lmtp' ? 'LHLO mx.example.net' : 'EHLO mx.example.net')
  await client.say('MAIL FROM:<a@example.net>')
  const answer = await client.say(`RCPT TO:<${to}>`)
  if (!answer.startsWith('250')) return answer
  await client.say('DATA')
  client.send(`${message}.\r\n`)
  return client.reply()
}

async function talk(
  role: SmtpRole,
  verdict: Verdict,
  work: (server: TestSmtpServer, client: SmtpClient, checks: Scripted) => Promise<void>,
) {
  const checks = new Scripted(verdict)
  await using server = await TestSmtpServer.start({ role, checks })
  const client = await server.connect()
  try {
    await work(server, client, checks)
  } finally {
    client.close()
  }
}

test('port 25 keeps an accepted message below the results, without those that claim to be ours', () =>
  talk('mx', ACCEPT, async (server, client, checks) => {
    assert.match(await send(client, 'mx', 'ann@example.org'), /^250 2\.0\.0 Kept as c1\.1$/)
    const [asked] = checks.questions
    assert.equal(asked?.body.kind === 'bytes' && Buffer.from(asked.body.bytes).toString(), KEPT)
    assert.deepEqual(
      { ...asked, body: undefined },
      {
        ...asked,
        body: undefined,
        id: 'c1.1',
        remoteAddress: '127.0.0.1',
        helo: 'mx.example.net',
        sender: 'a@example.net',
        recipients: ['ann@example.org'],
      },
    )
    const [message] = await wholeMessages(server.store, server.ann, 'INBOX')
    assert.ok(message)
    assert.ok(message.text.startsWith(`${RESULTS}Return-Path: <a@example.net>\r\n`), message?.text)
    assert.ok(message.text.includes('Received: from mx.example.net (mx.example.net [127.0.0.1])\r\n'), message.text)
    assert.ok(message.text.endsWith(`\r\n${KEPT}`), message.text)
    const origin = originOfTrace(message.trace)
    assert.equal(origin?.reverseName, 'mx.example.net')
    assert.equal(origin.results?.[0]?.result, 'pass')
    const line = server.log.lines.find(({ message: text }) => text === 'message in')
    assert.deepEqual(line?.fields, {
      ...line?.fields,
      checks: 'spf=pass',
      disposition: 'accept',
      reverseName: 'mx.example.net',
    })
  }))

test('port 25 puts unwanted mail in the mailbox for it, which is made when it is missing', () =>
  talk('mx', { ...ACCEPT, disposition: 'junk' }, async (server, client) => {
    const { store, ann } = server
    assert.ok(ann)
    const inJunk = async (name: string): Promise<void> => {
      const another = await server.connect()
      assert.match(await send(another, 'mx', 'ann+lists@example.org'), /^250 /)
      another.close()
      assert.equal((await wholeMessages(store, ann, name)).length, 1)
    }
    client.close()
    await inJunk('Junk')
    await store.write('renameMailbox', { account: ann, by: 'test', from: 'Junk', to: 'Spam' })
    const spam = await store.mailboxByName(ann, 'Spam')
    assert.ok(spam)
    await store.write('deleteMailbox', { account: ann, by: 'test', mailbox: spam.key })
    await inJunk('Junk')
    const junk = await store.mailboxByName(ann, 'Junk')
    assert.equal(junk?.specialUse, 'Junk')
    assert.ok((await store.subscriptions(ann)).includes('Junk'))
    await store.write('renameMailbox', { account: ann, by: 'test', from: 'Junk', to: 'Rubbish' })
    const again = await server.connect()
    assert.match(await send(again, 'mx', 'ann@example.org'), /^250 /)
    again.close()
    assert.equal((await wholeMessages(store, ann, 'Rubbish')).length, 2)
    assert.equal(await server.messages(ann), 0)
  }))

test('port 25 gives the reply of a verdict and keeps nothing', async () => {
  const reply = { code: 550, text: '5.7.1 example.net asks to refuse this (DMARC)' }
  await talk('mx', { ...ACCEPT, disposition: 'reject', reply }, async (server, client) => {
    assert.equal(await send(client, 'mx', 'ann@example.org'), '550 5.7.1 example.net asks to refuse this (DMARC)')
    assert.equal(await server.messages(server.ann), 0)
  })
  await talk('mx', NOT_NOW, async (server, client) => {
    assert.match(await send(client, 'mx', 'ann@example.org'), /^451 4\.7\.0 /)
    assert.equal(await server.messages(server.ann), 0)
    assert.deepEqual(checksLogged(NOT_NOW), {
      disposition: 'defer',
      checks: '',
      reverseName: undefined,
      reason: 'checks-unavailable',
    })
  })
})

test('port 25 gives the reply of the checks at RCPT', () =>
  talk('mx', ACCEPT, async (_server, client, checks) => {
    assert.equal(await send(client, 'mx', 'bob@example.org'), '451 4.7.1 Come again')
    assert.equal(checks.named[0]?.recipient, 'bob@example.org')
    assert.equal(checks.named[0].sender, 'a@example.net')
  }))

test('LMTP asks nothing and keeps every octet', () =>
  talk('lmtp', NOT_NOW, async (server, client, checks) => {
    assert.match(await send(client, 'lmtp', 'bob@example.org'), /^250 /)
    assert.deepEqual([checks.questions, checks.named], [[], []])
    const [message] = await wholeMessages(server.store, server.bob, 'INBOX')
    assert.ok(message?.text.endsWith(`\r\n${MESSAGE}`))
  }))

test('a message of more than 1 MB is checked too, and its offsets are right without what was taken out', () =>
  talk('mx', ACCEPT, async (server, client, checks) => {
    const long = `${MESSAGE}${'0123456789abcdef\r\n'.repeat(70_000)}`
    assert.match(await send(client, 'mx', 'ann@example.org', long), /^250 /)
    assert.equal(checks.questions[0]?.body.kind, 'bytes')
    const [message] = await wholeMessages(server.store, server.ann, 'INBOX')
    assert.equal(message?.size, message?.text.length)
    assert.ok(message?.text.endsWith(`\r\n${KEPT}${'0123456789abcdef\r\n'.repeat(70_000)}`))
  }))
