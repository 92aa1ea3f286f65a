import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PASSWORD, type SmtpClient, type SmtpServerOptions, TestSmtpServer } from '#testing/smtp-server.ts'

const EVERYWHERE = ['8BITMIME', 'ENHANCEDSTATUSCODES', 'PIPELINING', 'SIZE 50000000', 'SMTPUTF8']
const LOGINS = 'AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN'
const LOGINS_IN_THE_CLEAR = 'AUTH SCRAM-SHA-256 PLAIN LOGIN'

async function keywords(client: SmtpClient, hello = 'EHLO laptop'): Promise<readonly string[]> {
  const [first, ...rest] = (await client.say(hello)).split('\n')
  assert.match(first ?? '', /^250-mail\.example\.org/)
  return rest.map((line) => line.slice(4)).toSorted()
}

async function talk(options: SmtpServerOptions, work: (client: SmtpClient) => Promise<void>): Promise<void> {
  await using server = await TestSmtpServer.start(options)
  const client = await server.connect()
  try {
    await client.reply()
    await work(client)
  } finally {
    client.close()
  }
}

const logIn = (client: SmtpClient) =>
  client.say(`AUTH PLAIN ${Buffer.from(`\0ann@example.org\0${PASSWORD}`).toString('base64')}`)

test('submission without TLS offers no login, over TLS it does, and after the login no more (RFC 4954 §4)', () =>
  talk({ role: 'submission' }, async (client) => {
    assert.deepEqual(await keywords(client), [...EVERYWHERE, 'DSN', 'STARTTLS'].toSorted())
    await client.say('STARTTLS')
    await client.startTls()
    assert.deepEqual(await keywords(client), [...EVERYWHERE, 'DSN', LOGINS].toSorted())
    assert.match(await logIn(client), /^235 /)
    assert.deepEqual(await keywords(client), [...EVERYWHERE, 'DSN'].toSorted())
  }))

test('submission with plaintext allowed offers both', () =>
  talk({ role: 'submission', allowPlaintext: true }, async (client) => {
    assert.deepEqual(await keywords(client), [...EVERYWHERE, 'DSN', LOGINS_IN_THE_CLEAR, 'STARTTLS'].toSorted())
    assert.match(await logIn(client), /^235 /)
    assert.deepEqual(await keywords(client), [...EVERYWHERE, 'DSN', 'STARTTLS'].toSorted())
  }))

for (const [role, hello] of [
  ['mx', 'EHLO mx.example.net'],
  ['lmtp', 'LHLO mta.example.org'],
] as const)
  test(`${role} offers neither logins nor DSN, and STARTTLS until it is on`, () =>
    talk({ role, allowPlaintext: true }, async (client) => {
      assert.deepEqual(await keywords(client, hello), [...EVERYWHERE, 'STARTTLS'].toSorted())
      await client.say('STARTTLS')
      await client.startTls()
      assert.deepEqual(await keywords(client, hello), EVERYWHERE)
    }))

test('AUTH takes two spaces before the initial response', () =>
  talk({ role: 'submission', allowPlaintext: true }, async (client) => {
    await client.say('EHLO phone')
    const token = Buffer.from(`\0ann@example.org\0${PASSWORD}`).toString('base64')
    assert.match(await client.say(`AUTH PLAIN  ${token}`), /^235 /)
  }))
