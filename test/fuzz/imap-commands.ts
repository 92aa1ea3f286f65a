/**
 * IMAP commands that are nearly right: the grammar of each command of the registry, filled with values from the edges.
 * Binary strings, one char a byte, without tag and last line end. @module
 */
import fc, { type Arbitrary } from 'fast-check'
import { commands } from '#imap/commands/index.ts'

const join = (...parts: readonly (string | Arbitrary<string>)[]): Arbitrary<string> =>
  fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((texts) => texts.join(''))
const oneOf = (...texts: readonly string[]): Arbitrary<string> => fc.constantFrom(...texts)
const optional = (part: Arbitrary<string>): Arbitrary<string> => fc.oneof(fc.constant(''), part)
const list = (item: Arbitrary<string>, most = 8): Arbitrary<string> =>
  fc.array(item, { maxLength: most }).map((items) => items.join(' '))
const listed = (item: Arbitrary<string>, most = 8): Arbitrary<string> => list(item, most).map((items) => `(${items})`)
const weighed = (...pairs: readonly (readonly [number, Arbitrary<string>])[]): Arbitrary<string> =>
  fc.oneof(...pairs.map(([weight, arbitrary]) => ({ weight, arbitrary })))

/** Numbers at which something overflows. */
export const edgeNumber: Arbitrary<string> = weighed(
  [3, fc.integer({ min: 1, max: 12 }).map(String)],
  [
    2,
    oneOf(
      '0',
      '4294967295',
      '4294967296',
      '9223372036854775807',
      '9223372036854775808',
      '18446744073709551616',
      '99999999999999999999999999',
      '-1',
      '007',
      '1e3',
      '0x10',
    ),
  ],
)

const sequenceItem = weighed(
  [4, fc.integer({ min: 1, max: 12 }).map(String)],
  [3, join(edgeNumber, ':', edgeNumber)],
  [2, oneOf('*', '1:*', '*:1', '*:*', '4294967295:*')],
  [1, edgeNumber],
)
/** A sequence set, now and then one of thousands of numbers. */
export const set: Arbitrary<string> = weighed(
  [8, fc.array(sequenceItem, { minLength: 1, maxLength: 6 }).map((items) => items.join(','))],
  [
    1,
    fc.integer({ min: 100, max: 9_000 }).map((count) => Array.from({ length: count }, (_, n) => n * 2 + 1).join(',')),
  ],
  [1, oneOf('$', '', ',', '1,,2', ':', '1:2:3', '1:', '$,1')],
)

const anyText = weighed(
  [4, fc.string({ maxLength: 12 })],
  [2, fc.string({ unit: 'binary', maxLength: 12 }).map((text) => Buffer.from(text).toString('latin1'))],
  [1, fc.integer({ min: 1, max: 5_000 }).map((length) => 'x'.repeat(length))],
  [1, oneOf('', 'NIL', '\0', '\x7f', '"', '\\', '%', '*', '{3}', '=?utf-8?q?=?=', '\xff\xfe', '(', ')')],
)
const quoted = anyText.map((text) => `"${text.replace(/[\r\n\0]/g, '').replace(/["\\]/g, '\\$&')}"`)
const literal = fc.tuple(anyText, oneOf('', '~')).map(([text, binary]) => `${binary}{${text.length}+}\r\n${text}`)
const atom = weighed(
  [5, fc.stringMatching(/^[A-Za-z0-9.\-_/]{1,10}$/)],
  [1, oneOf('NIL', 'INBOX', '\\Seen', '[', ']', '')],
)
/** An astring in each of its forms. */
export const astring: Arbitrary<string> = weighed([4, atom], [3, quoted], [2, literal])

/** Names that exist half of the time. */
export const mailbox: Arbitrary<string> = weighed(
  [8, oneOf('INBOX', 'inbox', 'Kept', 'a', 'a/b', 'a/b/c', 'Sent', 'Trash', '"a/b"')],
  [2, oneOf('"Entw&APw-rfe"', '"&"', '"&AAA"', '"&-&"', '"a&b"', 'a//b', '/', '""', '"a/"', '&2AA-')],
  [2, astring],
  [1, fc.integer({ min: 2, max: 800 }).map((depth) => Array.from({ length: depth }, () => 'd').join('/'))],
)

const flag = weighed(
  [5, oneOf('\\Seen', '\\Deleted', '\\Flagged', '\\Answered', '\\Draft', '$Forwarded', '$Junk', 'word')],
  [2, oneOf('\\Recent', '\\*', '\\', '\\Frob', '$', '(', '*', 'k\xe9')],
  [2, atom],
)
const flags = weighed([5, listed(flag)], [1, list(flag)], [1, listed(flag, 300)])
const date = weighed(
  [4, oneOf('1-Jan-2024', '"29-Feb-2023"', '31-Dec-9999', '01-Jan-0000', '30-feb-2024', '99-Foo-1', '"14-Nov-2023"')],
  [1, astring],
)
const dateTime = weighed(
  [4, oneOf('"14-Nov-2023 22:13:20 +0000"', '" 1-Jan-1970 00:00:00 -2359"', '"31-Dec-9999 23:59:60 +9999"', '"x"')],
  [1, quoted],
)
const modseqList = oneOf(
  ' (CHANGEDSINCE 0)',
  ' (CHANGEDSINCE 1 VANISHED)',
  ' (CHANGEDSINCE 9223372036854775808)',
  ' (FROB 1)',
)

const fields = listed(weighed([5, oneOf('From', 'SUBJECT', 'X-None', 'Received')], [2, astring]))
const part = weighed(
  [5, fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }).map((numbers) => numbers.join('.'))],
  [1, fc.integer({ min: 50, max: 3_000 }).map((depth) => Array.from({ length: depth }, () => '1').join('.'))],
  [1, edgeNumber],
)
const section = weighed(
  [3, oneOf('', 'HEADER', 'TEXT', 'MIME', 'FROB', '.', '1.', '.1')],
  [2, join(oneOf('HEADER.FIELDS ', 'HEADER.FIELDS.NOT '), fields)],
  [3, join(part, oneOf('', '.MIME', '.TEXT', '.HEADER', '.FROB'))],
  [1, join(part, oneOf('.HEADER.FIELDS ', '.HEADER.FIELDS.NOT '), fields)],
)
const partial = optional(join('<', edgeNumber, oneOf('', '.', '.0', '.4294967295', '.5'), '>'))
const fetchItem = weighed(
  [
    6,
    oneOf(
      'FLAGS',
      'UID',
      'ENVELOPE',
      'BODY',
      'BODYSTRUCTURE',
      'INTERNALDATE',
      'RFC822',
      'RFC822.SIZE',
      'RFC822.HEADER',
      'RFC822.TEXT',
      'MODSEQ',
      'EMAILID',
      'THREADID',
      'SAVEDATE',
      'PREVIEW',
      'PREVIEW (LAZY)',
      'FROB',
    ),
  ],
  [4, join(oneOf('BODY[', 'BODY.PEEK['), section, ']', partial)],
  [2, join(oneOf('BINARY[', 'BINARY.PEEK[', 'BINARY.SIZE['), weighed([3, part], [1, section]), ']', partial)],
)

const searchLeaf = weighed(
  [4, oneOf('ALL', 'SEEN', 'UNSEEN', 'RECENT', 'NEW', 'OLD', 'DRAFT', 'DELETED', 'SAVEDATESUPPORTED', '$')],
  [4, join(oneOf('SUBJECT ', 'BODY ', 'TEXT ', 'FROM ', 'TO ', 'CC ', 'BCC ', 'KEYWORD ', 'UNKEYWORD '), astring)],
  [2, join('HEADER ', astring, ' ', astring)],
  [2, join(oneOf('BEFORE ', 'ON ', 'SINCE ', 'SENTBEFORE ', 'SENTON ', 'SENTSINCE ', 'SAVEDBEFORE '), date)],
  [2, join(oneOf('LARGER ', 'SMALLER ', 'OLDER ', 'YOUNGER ', 'MODSEQ '), edgeNumber)],
  [1, join('MODSEQ "/flags/\\\\Seen" ', oneOf('all ', 'priv ', 'shared ', 'x '), edgeNumber)],
  [1, join(oneOf('EMAILID ', 'THREADID '), astring)],
  [2, set],
  [1, join('UID ', set)],
  [1, join('FUZZY SUBJECT ', astring)],
)
const searchKey: Arbitrary<string> = fc.letrec<{ key: string }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    searchLeaf,
    join('NOT ', tie('key')),
    join('OR ', tie('key'), ' ', tie('key')),
    join('(', tie('key'), ' ', tie('key'), ')'),
  ),
})).key
const deepKey = fc
  .tuple(fc.integer({ min: 10, max: 5_000 }), oneOf('NOT ', 'OR ALL ', '(', '(OR 1 '))
  .map(([depth, step]) => `${step.repeat(depth)}ALL${step.startsWith('(') ? ')'.repeat(depth) : ''}`)
const program = join(
  optional(oneOf('CHARSET UTF-8 ', 'CHARSET US-ASCII ', 'CHARSET koi8-r ', 'CHARSET ')),
  weighed([8, fc.array(searchKey, { minLength: 1, maxLength: 4 }).map((keys) => keys.join(' '))], [1, deepKey]),
)
const returns = optional(
  join(
    'RETURN ',
    listed(oneOf('MIN', 'MAX', 'ALL', 'COUNT', 'SAVE', 'PARTIAL 1:10', 'PARTIAL -1:-9', 'UPDATE', 'FROB')),
    ' ',
  ),
)
const sortKeys = listed(oneOf('SUBJECT', 'REVERSE DATE', 'ARRIVAL', 'FROM', 'SIZE', 'REVERSE', 'DISPLAYFROM', 'FROB'))
const pattern = weighed(
  [4, oneOf('*', '%', '""', '"a/%"', 'INBOX')],
  [1, mailbox],
  [1, oneOf('"*%*%*%*%*%*x"', '"%/%/%"')],
)
const statusItems = listed(
  oneOf(
    'MESSAGES',
    'UIDNEXT',
    'UIDVALIDITY',
    'UNSEEN',
    'RECENT',
    'DELETED',
    'SIZE',
    'HIGHESTMODSEQ',
    'MAILBOXID',
    'FROB',
  ),
)
const message = weighed(
  [3, fc.constant('From: a@example.net\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nbody\r\n')],
  [1, fc.constant(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(20)}--b--\r\n`)],
  [1, fc.integer({ min: 1, max: 60 }).map(nestedMultipart)],
  [2, anyText],
)
/** Multiparts in each other. */
export function nestedMultipart(depth: number): string {
  const heads = Array.from(
    { length: depth },
    (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`,
  )
  return `${heads.join('')}Content-Type: text/plain\r\n\r\nat the bottom\r\n`
}
const appended = join(
  optional(join(flags, ' ')),
  optional(join(dateTime, ' ')),
  fc.tuple(message, oneOf('', '~')).map(([text, binary]) => `${binary}{${text.length}+}\r\n${text}`),
)
const base64 = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64'))
const rights = oneOf('lrs', '+a', '-x', '""', 'lrswipkxtea', 'ZZZ')
const entries = oneOf('/private/comment', '/shared/comment', '/private/x', '"/shared/"', '//', '/private/*')

/** Arguments of one command, the space in front of them included. */
const ARGUMENTS: Readonly<Record<string, Arbitrary<string>>> = {
  APPEND: fc.oneof(join(' ', mailbox, ' ', appended), join(' ', mailbox, ' ', appended, ' ', appended)),
  AUTHENTICATE: join(
    ' ',
    oneOf('PLAIN', 'SCRAM-SHA-256', 'LOGIN', 'EXTERNAL', 'FROB'),
    optional(join(' ', base64)),
    '\r\n',
    base64,
  ),
  COPY: join(' ', set, ' ', mailbox),
  CREATE: join(' ', mailbox, optional(join(' (USE ', listed(oneOf('\\Sent', '\\Drafts', '\\All', '\\Frob')), ')'))),
  DELETE: join(' ', mailbox),
  DELETEACL: join(' ', mailbox, ' ', astring),
  ENABLE: join(' ', list(oneOf('CONDSTORE', 'QRESYNC', 'IMAP4rev2', 'UTF8=ACCEPT', 'UIDONLY', 'X-FROB'))),
  ESEARCH: join(
    ' ',
    optional(join('IN (', oneOf('personal', 'inboxes', 'subtree a', 'mailboxes INBOX', 'frob'), ') ')),
    returns,
    program,
  ),
  EXAMINE: join(' ', mailbox, optional(oneOf(' (CONDSTORE)', ' (FROB)'))),
  EXPUNGE: fc.constant(''),
  FETCH: join(
    ' ',
    set,
    ' ',
    weighed([4, listed(fetchItem)], [2, fetchItem], [1, oneOf('ALL', 'FAST', 'FULL')]),
    optional(modseqList),
  ),
  GETACL: join(' ', mailbox),
  GETMETADATA: join(' ', optional(oneOf('(DEPTH infinity) ', '(MAXSIZE 10) ')), mailbox, ' ', entries),
  GETQUOTA: join(' ', astring),
  GETQUOTAROOT: join(' ', mailbox),
  ID: join(' ', weighed([1, fc.constant('NIL')], [3, listed(quoted, 12)])),
  IDLE: oneOf('\r\nDONE', '\r\ndone', '\r\nNOOP', '\r\nDONE\r\nDONE', ' x'),
  LIST: join(
    ' ',
    optional(join(listed(oneOf('SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE', 'FROB')), ' ')),
    fc.oneof(oneOf('""', 'a/'), mailbox),
    ' ',
    fc.oneof(pattern, listed(pattern)),
    optional(
      join(
        ' RETURN (',
        list(fc.oneof(oneOf('SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE', 'MYRIGHTS'), join('STATUS ', statusItems))),
        ')',
      ),
    ),
  ),
  LISTRIGHTS: join(' ', mailbox, ' ', astring),
  LOGIN: join(' ', astring, ' ', astring),
  LSUB: join(' "" ', pattern),
  MOVE: join(' ', set, ' ', mailbox),
  MYRIGHTS: join(' ', mailbox),
  NOTIFY: oneOf(
    ' NONE',
    ' SET (PERSONAL (MessageNew MessageExpunge))',
    ' SET STATUS (SELECTED NONE)',
    ' SET (FROB)',
    ' SET (',
  ),
  RENAME: join(' ', mailbox, ' ', mailbox),
  REPLACE: join(' ', edgeNumber, ' ', mailbox, ' ', appended),
  SEARCH: join(' ', returns, program),
  SELECT: join(
    ' ',
    mailbox,
    optional(
      fc.oneof(oneOf(' (CONDSTORE)', ' (FROB)'), join(' (QRESYNC (', edgeNumber, ' ', edgeNumber, ' ', set, '))')),
    ),
  ),
  SETACL: join(' ', mailbox, ' ', astring, ' ', rights),
  SETMETADATA: join(' ', mailbox, ' (', entries, ' ', weighed([2, quoted], [1, literal], [1, fc.constant('NIL')]), ')'),
  SETQUOTA: join(' ', astring, ' (STORAGE ', edgeNumber, ')'),
  SORT: join(' ', returns, sortKeys, ' ', oneOf('UTF-8', 'US-ASCII', 'x'), ' ', searchKey),
  STATUS: join(' ', mailbox, ' ', statusItems),
  STORE: join(
    ' ',
    set,
    optional(join(' (UNCHANGEDSINCE ', edgeNumber, ')')),
    ' ',
    oneOf('FLAGS', '+FLAGS', '-FLAGS', 'FLAGS.SILENT', '+flags.silent', 'X'),
    ' ',
    flags,
  ),
  SUBSCRIBE: join(' ', mailbox),
  THREAD: join(
    ' ',
    oneOf('REFERENCES', 'ORDEREDSUBJECT', 'REFS', 'X'),
    ' ',
    oneOf('UTF-8', 'US-ASCII'),
    ' ',
    searchKey,
  ),
  UNSUBSCRIBE: join(' ', mailbox),
  'UID EXPUNGE': join(' ', set),
}
/** For commands that this file does not know: words of all kinds. */
const ANYTHING = weighed(
  [2, fc.constant('')],
  [3, fc.array(fc.oneof(astring, set, flags, mailbox)).map((all) => ` ${all.join(' ')}`)],
)

/** They change what passes on the connection altogether; what they are sent is a conversation of its own. */
const NOT_HERE: ReadonlySet<string> = new Set(['STARTTLS', 'COMPRESS', 'LOGOUT', 'UNAUTHENTICATE'])

/** Names of all commands that are fuzzed: those of the registry, and those of RFCs besides. */
export const FUZZED: readonly string[] = [...new Set([...commands.keys(), ...Object.keys(ARGUMENTS)])].filter(
  (name) => !NOT_HERE.has(name),
)

/** One command without tag. */
export const imapCommand: Arbitrary<string> = fc.oneof(
  ...FUZZED.map((name) => join(name, ARGUMENTS[name] ?? ARGUMENTS[name.replace('UID ', '')] ?? ANYTHING)),
  fc.constantFrom('STARTTLS', 'COMPRESS', 'COMPRESS FROB', 'COMPRESS DEFLATE x', 'LOGOUT x', 'UNAUTHENTICATE x'),
)
