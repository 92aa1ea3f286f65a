import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImapLines } from '#testing/imap-client.ts'
import { TestImapServer } from '#testing/imap-server.ts'
import { connected, transcript } from '#testing/transcript.ts'
import { channelBindings } from '#wire/sasl/channel-binding.ts'
import { createSaslClient } from '#wire/sasl/client.ts'
import { encodeBase64 } from '#wire/sasl/lines.ts'

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

test('AUTHENTICATE refuses bad grammar and what is not offered', () =>
  transcript(
    `
    S: ...
    C: a AUTHENTICATE
    S: a BAD An argument is missing (at position 15)
    C: b AUTHENTICATE GSSAPI
    S: b NO [CANNOT] The mechanism is not offered
    C: c AUTHENTICATE PLAIN !!!
    S: c BAD ...
    `,
    connected(),
  ))

test('AUTHENTICATE PLAIN takes an initial response or asks for one', () =>
  transcript(
    `
    S: ...
    C: a AUTHENTICATE PLAIN ${base64('\0ann@example.org\0wrong')}
    S: a NO [AUTHENTICATIONFAILED] Name or password is wrong
    C: b AUTHENTICATE PLAIN
    S: +
    C: *
    S: b BAD Cancelled
    C: c AUTHENTICATE PLAIN
    S: +
    C: not base64
    S: c BAD The answer cannot be read
    C: d NOOP
    S: d OK Nothing done
    C: e AUTHENTICATE PLAIN ${base64('bob@example.org\0ann@example.org\0secret')}
    S: e NO [AUTHORIZATIONFAILED] You cannot be somebody else
    C: f authenticate plain
    C: ${base64('\0ann@example.org\0secret')}
    C: g NOOP
    S: +
    S: f OK [CAPABILITY ...] Logged in
    S: g OK Nothing done
    `,
    connected(),
  ))

test('AUTHENTICATE LOGIN asks for name and password', () =>
  transcript(
    `
    S: ...
    C: a AUTHENTICATE LOGIN
    S: + ${base64('Username:')}
    C: ${base64('ann@example.org')}
    S: + ${base64('Password:')}
    C: ${base64('secret')}
    S: a OK [CAPABILITY ...] Logged in
    `,
    connected(),
  ))

interface ScramTry {
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS'
  readonly password: string
  readonly binding?: 'wrong'
}

/** Logs in over TLS and gives the tagged answer. */
async function scram({ mechanism, password, binding }: ScramTry): Promise<string> {
  await using server = await TestImapServer.start({ tls: true, allowPlaintext: false })
  const lines = new ImapLines(await server.connect())
  await lines.line()
  await lines.command('s STARTTLS')
  const socket = await lines.secure()
  const bindings = binding === 'wrong' ? () => Buffer.alloc(32, 7) : channelBindings(socket, 'client')
  const client = createSaslClient({
    offered: [mechanism],
    credentials: { login: 'ann@example.org', password, authorizeAs: '' },
    bindings: mechanism === 'SCRAM-SHA-256' ? undefined : bindings,
    plaintext: false,
  })
  assert.equal(client?.mechanism, mechanism)
  const first = await client.respond(undefined)
  assert.ok(first.kind === 'response')
  lines.send(`a AUTHENTICATE ${mechanism} ${encodeBase64(first.data)}\r\n`)
  let line = (await lines.line()) ?? ''
  while (line.startsWith('+ ')) {
    const answer = await client.respond(Buffer.from(line.slice(2), 'base64'))
    lines.send(answer.kind === 'response' ? `${encodeBase64(answer.data)}\r\n` : '*\r\n')
    line = (await lines.line()) ?? ''
  }
  assert.equal(client.complete, line.startsWith('a OK'), 'the server must prove itself')
  lines.reset()
  return line
}

for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'] as const) {
  test(`AUTHENTICATE ${mechanism} logs in`, async () => {
    assert.match(await scram({ mechanism, password: 'secret' }), /^a OK \[CAPABILITY .*\] Logged in$/)
  })
  test(`AUTHENTICATE ${mechanism} refuses a wrong password`, async () => {
    const answer = await scram({ mechanism, password: 'wrong' })
    assert.equal(answer, 'a NO [AUTHENTICATIONFAILED] Name or password is wrong')
  })
}

test('AUTHENTICATE SCRAM-SHA-256-PLUS refuses a wrong channel binding', async () => {
  const answer = await scram({ mechanism: 'SCRAM-SHA-256-PLUS', password: 'secret', binding: 'wrong' })
  assert.equal(answer, 'a NO [AUTHENTICATIONFAILED] The channel binding is wrong')
})

test('SCRAM is not listed where it works with app passwords only, and done all the same', () =>
  transcript(
    `
    S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE LANGUAGE AUTH=PLAIN AUTH=LOGIN] ...
    C: a AUTHENTICATE SCRAM-SHA-256 ${base64('n,,n=ann@example.org,r=abc')}
    S: + ...
    C: *
    S: a BAD Cancelled
    `,
    connected({ scramForPasswords: false }),
  ))
