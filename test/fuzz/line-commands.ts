/** POP3, SMTP and LMTP commands that are nearly right. Binary strings without the last line end. @module */
import fc, { type Arbitrary } from 'fast-check'
import { COMMANDS } from '#pop3/commands/index.ts'
import { edgeNumber, nestedMultipart } from './imap-elements.ts'

const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }).map((value) => Buffer.from(value).toString('latin1')),
  fc.integer({ min: 1, max: 3_000 }).map((length) => 'x'.repeat(length)),
)
const number = fc.oneof(edgeNumber, text)
const base64 = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64'))
const mechanism = fc.constantFrom('PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS', 'XOAUTH2', 'FROB', '')

function words(...parts: readonly (string | Arbitrary<string>)[]): Arbitrary<string> {
  return fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((texts) => texts.join(' '))
}

/** Nearly always nothing, as the grammar has it. */
const nothing = fc.oneof({ arbitrary: fc.constant(''), weight: 5 }, { arbitrary: number, weight: 1 })
const auth = fc.oneof(
  words('', mechanism, base64),
  fc.tuple(mechanism, base64).map(([name, answer]) => ` ${name}\r\n${answer}`),
  fc.constant(''),
)

/** Arguments of each, the space in front of them included where there are any. */
const POP3_ARGUMENTS: Readonly<Record<string, Arbitrary<string>>> = {
  AUTH: auth,
  CAPA: nothing,
  DELE: words('', number),
  LANG: fc.oneof(nothing, words('', fc.constantFrom('en', 'fr', '*', 'i-default', 'x')), words('', text)),
  LIST: fc.oneof(nothing, words('', number)),
  NOOP: nothing,
  PASS: words('', text),
  QUIT: nothing,
  RETR: words('', number),
  RSET: nothing,
  STAT: nothing,
  STLS: nothing,
  TOP: words('', number, number),
  UIDL: fc.oneof(nothing, words('', number)),
  USER: words('', text),
  UTF8: nothing,
}
/** They end the conversation, or make it another one. */
const POP3_SELDOM: ReadonlySet<string> = new Set(['QUIT', 'STLS'])

/** Every command of the registry, by name; `undefined` where nobody has written its grammar here. */
export const POP3_FUZZED: ReadonlyMap<string, Arbitrary<string> | undefined> = new Map(
  Array.from(COMMANDS.keys(), (name) => {
    const args = POP3_ARGUMENTS[name]
    return [
      name,
      args === undefined
        ? undefined
        : fc.tuple(fc.constantFrom(name, name.toLowerCase()), args).map(([said, rest]) => said + rest),
    ]
  }),
)

/** One POP3 command of any kind, the ones of the authorization too. */
export const pop3Command: Arbitrary<string> = fc.oneof(
  ...Array.from(POP3_FUZZED, ([name, command]) => ({
    arbitrary: command ?? text,
    weight: POP3_SELDOM.has(name) ? 1 : 5,
  })),
  { arbitrary: words(fc.constantFrom('APOP', 'FROB', 'LAST', 'XTND XMIT', ''), text), weight: 5 },
  { arbitrary: text, weight: 5 },
)

const address = fc.oneof(
  fc.constantFrom('ann@example.org', 'bob@example.org', 'nobody@example.org', 'x@example.net', '', 'a@[127.0.0.1]'),
  fc.constantFrom(
    '@a,@b:c@d',
    '"a b"@example.org',
    '"@example.org',
    'a@b@c',
    'ann@',
    '@example.org',
    'caf\xc3\xa9@example.org',
  ),
  text,
)
const parameter = fc.oneof(
  words('', fc.constantFrom('SIZE=100', 'SIZE=99999999999999999999', 'BODY=8BITMIME', 'SMTPUTF8', 'BODY=X', 'SIZE=-1')),
  words('', fc.constantFrom('RET=HDRS', 'ENVID=+ZZ', 'NOTIFY=NEVER,FAILURE', 'ORCPT=rfc822;x', 'AUTH=<>', '=')),
  fc.constant(''),
)
const angled = address.map((value) => `<${value}>`)
const body = fc.oneof(
  fc.constantFrom('Subject: x\r\n\r\nbody', '.leading', '', 'no header at all', '..\r\n.x', 'a\nb', 'a\r\0'),
  text,
  fc.integer({ min: 1, max: 60 }).map(nestedMultipart),
  fc.integer({ min: 1, max: 2_000 }).map((count) => 'X-H: y\r\n'.repeat(count)),
)

const from = fc.tuple(angled, parameter).map(([who, more]) => ` FROM:${who}${more}`)
const to = fc.tuple(angled, parameter).map(([who, more]) => ` TO:${who}${more}`)
const badly = fc.oneof(
  words('', text),
  fc.constantFrom('', ' ', ' FROM', ' TO:', ' FROM:<', ' TO: <ann@example.org> x'),
)

/** Arguments of each command that the engine or we know. */
const SMTP_ARGUMENTS: Readonly<Record<string, Arbitrary<string>>> = {
  AUTH: auth,
  DATA: fc.oneof(
    nothing,
    body.map((bytes) => `\r\n${bytes}\r\n.`),
  ),
  EHLO: words('', text),
  EXPN: words('', text),
  HELO: words('', text),
  HELP: badly,
  LHLO: words('', text),
  MAIL: fc.oneof({ arbitrary: from, weight: 5 }, { arbitrary: badly, weight: 1 }),
  NOOP: badly,
  QUIT: nothing,
  RCPT: fc.oneof({ arbitrary: to, weight: 5 }, { arbitrary: badly, weight: 1 }),
  RSET: nothing,
  STARTTLS: nothing,
  VRFY: words('', angled),
  WIZ: nothing,
  SHELL: nothing,
  KILL: nothing,
  XCLIENT: fc.oneof(badly, fc.constantFrom(' ADDR=1.2.3.4', ' NAME=[UNAVAILABLE]', ' LOGIN=ann@example.org')),
  XFORWARD: fc.oneof(badly, fc.constantFrom(' NAME=x', ' ADDR=1.2.3.4 SOURCE=LOCAL')),
}
const SMTP_SELDOM: ReadonlySet<string> = new Set(['QUIT', 'STARTTLS'])

/** Names of the commands that are fuzzed. */
export const SMTP_FUZZED: readonly string[] = Object.keys(SMTP_ARGUMENTS)

/** Commands of SMTP and LMTP; transactions with DATA among them. */
export const smtpCommand: Arbitrary<string> = fc.oneof(
  ...Object.entries(SMTP_ARGUMENTS).map(([name, args]) => ({
    arbitrary: fc.tuple(fc.constantFrom(name, name.toLowerCase()), args).map(([said, rest]) => said + rest),
    weight: SMTP_SELDOM.has(name) ? 1 : 5,
  })),
  { arbitrary: words(fc.constantFrom('ETRN', 'FROB', 'BDAT 5 LAST', 'BDAT 99999999999', 'TURN', ''), text), weight: 5 },
  {
    arbitrary: fc
      .tuple(angled, angled, body)
      .map(([who, whom, bytes]) => `RSET\r\nMAIL FROM:${who}\r\nRCPT TO:${whom}\r\nDATA\r\n${bytes}\r\n.`),
    weight: 10,
  },
  {
    arbitrary: body.map(
      (bytes) => `RSET\r\nMAIL FROM:<x@example.net>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n${bytes}\r\n.`,
    ),
    weight: 10,
  },
)
