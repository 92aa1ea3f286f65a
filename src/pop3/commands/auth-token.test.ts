import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokenFor } from '#testing/fake-registry.ts'
import { TestPop3Server, type TestServerOptions } from '#testing/pop3-server.ts'
import { pop3Transcript } from '#testing/pop3-transcript.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const xoauth2 = (name: string, token: string) => base64(`user=${name}\x01auth=Bearer ${token}\x01\x01`)
const bearer = (name: string, token: string) => base64(`n,a=${name},\x01auth=Bearer ${token}\x01\x01`)
const ann = tokenFor('ann@example.org')
const oauth = { scopes: {}, configuration: undefined }

async function play(text: string, options: TestServerOptions = {}): Promise<void> {
  await using server = await TestPop3Server.start({ messages: ['a: b\r\n\r\n'], ...options })
  await pop3Transcript(text, server)
}

test("XOAUTH2 is taken in Microsoft's two lines", () =>
  play(
    `
    S: +OK mail.example.org POP3 ready
    C: AUTH XOAUTH2
    S: + ${''}
    C: ${xoauth2('ann@example.org', ann)}
    S: +OK 1 message (8 octets)
    `,
    { oauth },
  ))

test('OAUTHBEARER and XOAUTH2 are taken in one line, and several spaces too', () =>
  play(
    `
    S: +OK mail.example.org POP3 ready
    C: AUTH OAUTHBEARER ${bearer('ann@example.org', 'nonsense')}
    S: + ${base64('{"status":"invalid_token"}')}
    C: AQ==
    S: -ERR [AUTH] Wrong login name or password
    C: AUTH XOAUTH2  ${xoauth2('imap-only@example.org', tokenFor('imap-only@example.org'))}
    S: + ${base64('{"status":"403","schemes":"bearer"}')}
    C:
    S: -ERR [SYS/PERM] POP3 is not allowed for this account
    C: AUTH  OAUTHBEARER  ${bearer('ann@example.org', ann)}
    S: +OK 1 message (8 octets)
    `,
    { oauth },
  ))

test('CAPA names tokens only where an issuer is configured', async () => {
  for (const options of [{ oauth }, {}]) {
    await using server = await TestPop3Server.start(options)
    const socket = await server.connect()
    socket.end('CAPA\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    assert.equal(/^SASL .*OAUTHBEARER XOAUTH2 PLAIN/m.test(text), options.oauth !== undefined, text)
  }
})
