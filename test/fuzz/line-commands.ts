/** POP3, SMTP and LMTP commands that are nearly right. Binary strings without the last line end. @module */
import fc, { type Arbitrary } from 'fast-check'
import { edgeNumber, nestedMultipart } from './imap-commands.ts'

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

/** One POP3 command of any kind, the ones of the authorization too. */
export const pop3Command: Arbitrary<string> = fc.oneof(
  fc.constantFrom('STAT', 'LIST', 'UIDL', 'NOOP', 'RSET', 'CAPA', 'UTF8', 'LANG', 'LAST', 'stat', 'XTND XMIT'),
  words(fc.constantFrom('LIST', 'UIDL', 'RETR', 'DELE', 'retr', 'NOOP', 'STAT', 'LANG'), number),
  words('TOP', number, number),
  words(fc.constantFrom('USER', 'PASS', 'APOP', 'FROB'), text),
  words('AUTH', mechanism, base64),
  fc.tuple(mechanism, base64).map(([name, answer]) => `AUTH ${name}\r\n${answer}`),
  text,
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

/** Commands of SMTP and LMTP; transactions with DATA among them. */
export const smtpCommand: Arbitrary<string> = fc.oneof(
  words(
    fc.constantFrom('HELO', 'EHLO', 'LHLO', 'VRFY', 'EXPN', 'HELP', 'NOOP', 'RSET', 'ETRN', 'FROB', 'BDAT 5 LAST'),
    text,
  ),
  words(
    'MAIL',
    fc.tuple(angled, parameter).map(([who, more]) => `FROM:${who}${more}`),
  ),
  words(
    'RCPT',
    fc.tuple(angled, parameter).map(([who, more]) => `TO:${who}${more}`),
  ),
  words('AUTH', mechanism, base64),
  fc.constantFrom('DATA', 'RSET', 'XCLIENT ADDR=1.2.3.4', 'XFORWARD NAME=x', 'MAIL FROM', 'RCPT TO:', 'DATA x'),
  fc
    .tuple(angled, angled, body)
    .map(([from, to, bytes]) => `RSET\r\nMAIL FROM:${from}\r\nRCPT TO:${to}\r\nDATA\r\n${bytes}\r\n.`),
  fc.constant('RSET\r\nMAIL FROM:<x@example.net>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\nSubject: x\r\n\r\nbody\r\n.'),
)
