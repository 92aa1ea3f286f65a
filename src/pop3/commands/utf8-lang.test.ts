import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { TestPop3Server, type TestServerOptions } from '#testing/pop3-server.ts'
import { pop3Transcript } from '#testing/pop3-transcript.ts'
import { languageFor, syntaxWords } from '../words.ts'

const GREETING = 'S: +OK mail.example.org POP3 ready\n'

async function play(text: string, options: TestServerOptions = {}): Promise<void> {
  await using server = await TestPop3Server.start(options)
  await pop3Transcript(GREETING + text, server)
}

test('UTF8 comes before the login, and STLS not behind it (RFC 6856 §2.1)', () =>
  play(
    `
    C: UTF8 on
    S: -ERR UTF8 wants no argument
    C: UTF8
    S: +OK UTF-8 from here on
    C: STLS
    S: -ERR STLS comes before UTF8
    C: USER ann@example.org
    C: PASS secret
    S: +OK Now the password
    S: +OK 0 messages (0 octets)
    C: UTF8
    S: -ERR You are logged in already
    `,
    { tls: true },
  ))

test('USER and PASS are UTF-8 without UTF8 too, prepared, and nothing else (RFC 6856 §2.2)', async () => {
  await using server = await TestPop3Server.start()
  const text = `
    C: USER J\\xc3\\xb6rg@example.org
    C: PASS \\xc3\\xa9t\\xc3\\xa9
    S: +OK Now the password
    S: -ERR [AUTH] Wrong login name or password
    C: USER a\\xc2\\xadnn@example.org
    C: PASS secret\\xef\\xbf\\xbd
    S: +OK Now the password
    S: -ERR [AUTH] Characters in it are not allowed
    C: USER ann\\xef\\xbf\\xbd@example.org
    S: -ERR [AUTH] Characters in it are not allowed
    C: USER J\\xf6rg@example.org
    S: -ERR That is not UTF-8
    C: USER a\\xc2\\xadnn@example.org
    C: PASS secret
    S: +OK Now the password
    S: +OK 0 messages (0 octets)
    `
  await pop3Transcript(GREETING + text, server)
  assert.deepEqual(server.registry.attempts, ['Jörg@example.org', 'ann@example.org'])
})

test('LANG lists languages, changes to one, and keeps it when another is not spoken (RFC 6856 §3)', () =>
  play(
    `
    C: LANG
    S: +OK Languages follow
    S: en English
    S: fr Fran\\xc3\\xa7ais
    S: .
    C: LANG de
    S: -ERR That language is not spoken here
    C: LANG fr-CA
    S: +OK fr Langue chang\\xc3\\xa9e
    C: LANG
    S: +OK Voici les langues
    S: en English
    S: fr Fran\\xc3\\xa7ais
    S: .
    C: LANG MUL
    S: -ERR Langue inconnue ici
    C: FROB
    S: -ERR Commande inconnue
    C: USER ann@example.org
    C: PASS wrong
    S: +OK \\xc3\\x80 pr\\xc3\\xa9sent le mot de passe
    S: -ERR [AUTH] Nom ou mot de passe incorrect
    C: USER ann@example.org
    C: PASS secret
    S: +OK ...
    S: +OK 1 message (19 octets)
    C: DELE 1
    S: +OK Supprim\\xc3\\xa9 au moment de QUIT
    C: LANG EN
    S: +OK en Language changed
    C: QUIT
    S: +OK Bye, 1 deleted
    `,
    { messages: ['Subject: one\r\n\r\n1\r\n'] },
  ))

test('LANG * gives the language of the house', () =>
  play(
    `
    C: LANG *
    S: +OK fr Langue chang\\xc3\\xa9e
    `,
    { pop3: { markSeen: false, language: 'fr' } },
  ))

test('a new language is forgotten with all else at STLS', () =>
  play(
    `
    C: LANG fr
    S: +OK fr Langue chang\\xc3\\xa9e
    C: STLS
    S: +OK Commencez la n\\xc3\\xa9gociation TLS
    C: <tls>
    C: FROB
    S: -ERR Unknown command
    `,
    { tls: true },
  ))

test('APOP is refused, and no greeting invites to it', () =>
  play(`
    C: APOP ann@example.org c4c9334bac560ecc979e58001b3e22fb
    S: -ERR APOP is not offered here
    `))

for (const [range, language] of [
  ['fr', 'fr'],
  ['FR-ca-x-a', 'fr'],
  ['en-GB', 'en'],
  ['de', undefined],
  ['e', undefined],
  ['', undefined],
  ['fr--ca', undefined],
] as const)
  test(`languageFor(${JSON.stringify(range)})`, () => assert.equal(languageFor(range), language))

test('every mistake that the grammar finds has words in French', () => {
  const grammar = path.join(import.meta.dirname, '..', '..', 'wire', 'pop3', 'commands.ts')
  const messages = Array.from(readFileSync(grammar, 'utf8').matchAll(/new SyntaxFault\('([^']+)'/g), ([, text]) => text)
  assert.ok(messages.length > 5)
  for (const message of [...messages, 'NOOP wants no argument']) {
    const { en, fr } = syntaxWords(message ?? '')
    assert.equal(en, message)
    assert.notEqual(fr, en)
  }
})

test('words without LANG are ASCII (RFC 1939 §3)', () => {
  const folder = path.join(import.meta.dirname, '..')
  for (const file of ['refusals.ts', 'session.ts', 'message.ts', 'commands/user.ts', 'commands/quit.ts']) {
    const text = readFileSync(path.join(folder, file), 'utf8')
    const english = Array.from(text.matchAll(/words\(\s*['`]([^'`]+)['`]/g), ([, one]) => one ?? '')
    assert.ok(english.length > 0, file)
    for (const one of english) assert.match(one, /^[\x20-\x7e]+$/)
  }
})
