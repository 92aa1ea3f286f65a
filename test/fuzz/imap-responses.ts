/**
 * IMAP responses that are nearly right, as a hostile server would send them: the grammar of every kind of response, of
 * response code and of FETCH value that our reader knows, filled with values from the edges. The compiler sees that
 * none is missing. Binary strings without the last line end. @module
 */
import fc, { type Arbitrary } from 'fast-check'
import type { FetchValue } from '#wire/imap/fetch-values.ts'
import type { PlainCode, ResponseCode } from '#wire/imap/response-codes.ts'
import type { Response } from '#wire/imap/responses.ts'
import {
  anyText,
  date,
  dateTime,
  edgeNumber,
  flag,
  join,
  list,
  listed,
  mailbox,
  oneOf,
  optional,
  part,
  quoted,
  section,
  set,
  weighed,
} from './imap-elements.ts'

const atom = oneOf('x', 'FROB', 'NIL', 'INBOX', '\\Seen', '[', ']', '')
/** A server's literal; now and then its size is a lie. */
const literal = fc
  .tuple(anyText, oneOf('', '~'), weighed([8, fc.constant('')], [1, edgeNumber]))
  .map(([text, binary, lie]) => `${binary}{${lie === '' ? text.length : lie}}\r\n${text}`)
const string = weighed([4, quoted], [2, literal])
const nstring = weighed([2, fc.constant('NIL')], [4, string], [1, atom])
const astring = weighed([4, atom], [4, string])
const name = weighed([3, mailbox], [1, string])

/** Values of extensions, and parentheses beyond all depth. */
const value: Arbitrary<string> = weighed(
  [3, astring],
  [2, edgeNumber],
  [1, set],
  [2, listed(astring)],
  [1, fc.integer({ min: 100, max: 20_000 }).map((depth) => `${'('.repeat(depth)}x${')'.repeat(depth)}`)],
  [1, fc.integer({ min: 100, max: 5_000 }).map((depth) => '('.repeat(depth))],
)

const address = join('(', nstring, ' ', nstring, ' ', nstring, ' ', nstring, ')')
const addresses = weighed(
  [3, fc.constant('NIL')],
  [3, fc.array(address, { maxLength: 3 }).map((all) => `(${all.join('')})`)],
  [1, address.map((one) => `(${one.repeat(500)})`)],
)
const nstringThen = join(nstring, ' ')
const addressesThen = join(addresses, ' ')
const envelope = join(
  '(',
  nstringThen,
  nstringThen,
  ...Array.from({ length: 6 }, () => addressesThen),
  nstringThen,
  nstring,
  weighed([5, fc.constant(')')], [1, oneOf('', ' x)', '))')]),
)

const parameters = weighed([2, fc.constant('NIL')], [3, listed(join(nstring, ' ', nstring), 3)], [1, value])
const disposition = weighed([2, fc.constant('NIL')], [2, join('(', string, ' ', parameters, ')')], [1, value])
const extension = optional(
  join(' ', disposition, optional(join(' ', fc.oneof(nstring, listed(string)), optional(join(' ', nstring))))),
)
const leaf = (type: string, ...after: readonly Arbitrary<string>[]): Arbitrary<string> =>
  join('(', type, ' ', string, ' ', parameters, ' NIL NIL ', nstring, ' ', edgeNumber, ...after, extension, ')')
const { body } = fc.letrec<{ body: string }>((tie) => ({
  body: fc.oneof(
    { maxDepth: 5 },
    leaf('"TEXT"', join(' ', edgeNumber)),
    leaf('"APPLICATION"'),
    leaf('"MESSAGE"', join(' ', envelope, ' ', tie('body'), ' ', edgeNumber)),
    join('(', tie('body'), tie('body'), ' "MIXED"', optional(join(' ', parameters)), extension, ')'),
    join('(', tie('body'), ' ', string, ')'),
  ),
}))
const structure = weighed(
  [6, body],
  [1, fc.integer({ min: 150, max: 20_000 }).map((depth) => `${'('.repeat(depth)}"T" "X"${' "MIXED")'.repeat(depth)}`)],
  [1, value],
)

/** Each kind of FETCH value, with its name. */
const VALUES: Readonly<Record<FetchValue['kind'], Arbitrary<string>>> = {
  BODY: join('BODY ', structure),
  BODYSTRUCTURE: join('BODYSTRUCTURE ', structure),
  'BODY[]': join('BODY[', section, ']', optional(join('<', edgeNumber, '>')), ' ', nstring),
  'BINARY[]': join('BINARY[', part, ']', optional(join('<', edgeNumber, '>')), ' ', nstring),
  'BINARY.SIZE[]': join('BINARY.SIZE[', part, '] ', edgeNumber),
  EMAILID: join('EMAILID (', atom, ')'),
  ENVELOPE: join('ENVELOPE ', envelope),
  FLAGS: join('FLAGS ', listed(flag)),
  INTERNALDATE: join('INTERNALDATE ', fc.oneof(dateTime, date)),
  MODSEQ: join('MODSEQ (', edgeNumber, ')'),
  PREVIEW: join('PREVIEW ', nstring),
  RFC822: join('RFC822 ', nstring),
  'RFC822.HEADER': join('RFC822.HEADER ', nstring),
  'RFC822.TEXT': join('RFC822.TEXT ', nstring),
  'RFC822.SIZE': join('RFC822.SIZE ', edgeNumber),
  SAVEDATE: join('SAVEDATE ', fc.oneof(dateTime, fc.constant('NIL'))),
  THREADID: join('THREADID ', oneOf('NIL', '(x)', '()', '(')),
  UID: join('UID ', edgeNumber),
  OTHER: join(oneOf('X-FROB', 'X', 'FLAGS[', 'BODY'), ' ', value),
}
const values = fc
  .array(fc.oneof(...Object.values(VALUES)), { minLength: 1, maxLength: 4 })
  .map((all) => `(${all.join(' ')})`)

/** Codes that have arguments, and one that stands for those that have none. */
const CODES: Readonly<Record<Exclude<ResponseCode['kind'], PlainCode> | 'PLAIN', Arbitrary<string>>> = {
  PLAIN: oneOf('ALERT', 'TRYCREATE', 'READ-ONLY', 'CLOSED', 'alert', 'PARSE x'),
  BADCHARSET: join('BADCHARSET', optional(join(' ', listed(astring)))),
  BADEVENT: join('BADEVENT ', listed(atom)),
  CAPABILITY: join('CAPABILITY ', list(atom)),
  PERMANENTFLAGS: join('PERMANENTFLAGS ', listed(fc.oneof(flag, fc.constant('\\*')))),
  UIDNEXT: join('UIDNEXT ', edgeNumber),
  UIDVALIDITY: join('UIDVALIDITY ', edgeNumber),
  UNSEEN: join('UNSEEN ', edgeNumber),
  HIGHESTMODSEQ: join('HIGHESTMODSEQ ', edgeNumber),
  APPENDUID: join('APPENDUID ', edgeNumber, ' ', set),
  COPYUID: join('COPYUID ', edgeNumber, ' ', set, ' ', set),
  MODIFIED: join('MODIFIED ', set),
  METADATA: join('METADATA ', oneOf('LONGENTRIES ', 'MAXSIZE ', 'TOOMANY', 'NOPRIVATE', 'X '), edgeNumber),
  MAILBOXID: join('MAILBOXID (', astring, ')'),
  MESSAGELIMIT: join('MESSAGELIMIT ', edgeNumber, optional(join(' ', edgeNumber))),
  INPROGRESS: join('INPROGRESS', optional(join(' (', nstring, ' ', edgeNumber, ' ', edgeNumber, ')'))),
  OTHER: join('X-FROB', optional(join(' ', anyText))),
}
const code = fc.oneof(...Object.values(CODES)).map((text) => `[${text}]`)

const condition = join(
  weighed([2, oneOf('*', 'a1', '+', '')], [1, atom]),
  ' ',
  oneOf('OK', 'NO', 'BAD', 'BYE', 'PREAUTH', 'ok', 'OKAY'),
  ' ',
  optional(join(code, oneOf(' ', ''))),
  anyText,
)
const { thread } = fc.letrec<{ thread: string }>((tie) => ({
  thread: fc.oneof(
    { maxDepth: 5 },
    join('(', edgeNumber, ' ', edgeNumber, ')'),
    join('(', edgeNumber, ' ', tie('thread'), tie('thread'), ')'),
    join('(', tie('thread'), ')'),
  ),
}))
const namespaces = weighed(
  [1, fc.constant('NIL')],
  [3, listed(join('(', string, ' ', nstring, optional(join(' ', string, ' ', listed(string))), ')'), 3)],
)
const entry = weighed([5, oneOf('/private/comment', '/shared/vendor/x', '"/private/a b"', '/x', '//')], [1, astring])
const rights = oneOf('lrs', '""', 'lrswipkxtecda', 'Z')

/** Each kind of response. */
export const RESPONSES: Readonly<Record<Response['kind'], Arbitrary<string>>> = {
  CONDITION: condition,
  CONTINUATION: join('+', optional(join(' ', anyText))),
  CAPABILITY: join('* CAPABILITY ', list(atom)),
  ENABLED: join('* ENABLED ', list(atom)),
  LIST: join(
    '* LIST ',
    listed(flag),
    ' ',
    nstring,
    ' ',
    name,
    optional(join(' ', listed(join(oneOf('CHILDINFO', '"OLDNAME"', 'X'), ' ', value)))),
  ),
  LSUB: join('* LSUB ', listed(flag), ' ', nstring, ' ', name),
  STATUS: join(
    '* STATUS ',
    name,
    ' ',
    listed(
      join(oneOf('MESSAGES', 'UIDNEXT', 'MAILBOXID', 'APPENDLIMIT', 'SIZE', 'X'), ' ', fc.oneof(edgeNumber, value)),
    ),
  ),
  SEARCH: join('* SEARCH ', list(edgeNumber, 20), optional(join(' (MODSEQ ', edgeNumber, ')'))),
  SORT: join('* SORT ', list(edgeNumber, 20)),
  THREAD: join(
    '* THREAD ',
    weighed(
      [5, fc.array(thread, { maxLength: 4 }).map((all) => all.join(''))],
      [1, fc.integer({ min: 100, max: 30_000 }).map((depth) => `${'(1 '.repeat(depth)}2${')'.repeat(depth)}`)],
      [1, fc.integer({ min: 100, max: 30_000 }).map((depth) => '('.repeat(depth))],
    ),
  ),
  ESEARCH: join(
    '* ESEARCH ',
    optional(join('(TAG ', string, optional(join(' MAILBOX ', name, ' UIDVALIDITY ', edgeNumber)), ') ')),
    oneOf('', 'UID '),
    list(
      fc.oneof(
        join(oneOf('MIN ', 'MAX ', 'COUNT ', 'MODSEQ '), edgeNumber),
        join('ALL ', set),
        join('PARTIAL (1:10 ', fc.oneof(set, fc.constant('NIL')), ')'),
        join('RELEVANCY ', listed(edgeNumber)),
        join('X ', value),
      ),
    ),
  ),
  FLAGS: join('* FLAGS ', listed(flag, 300)),
  EXISTS: join('* ', edgeNumber, ' EXISTS'),
  RECENT: join('* ', edgeNumber, ' RECENT'),
  EXPUNGE: join('* ', edgeNumber, ' EXPUNGE'),
  VANISHED: join('* VANISHED ', oneOf('(EARLIER) ', ''), set),
  FETCH: join('* ', edgeNumber, ' FETCH ', values),
  UIDFETCH: join('* ', edgeNumber, ' UIDFETCH ', values),
  UIDBATCHES: join('* UIDBATCHES ', optional(join('(TAG ', string, ') ')), set),
  LANGUAGE: join('* LANGUAGE ', listed(astring)),
  ID: join('* ID ', weighed([1, fc.constant('NIL')], [3, listed(join(string, ' ', nstring), 40)])),
  NAMESPACE: join('* NAMESPACE ', namespaces, ' ', namespaces, ' ', namespaces),
  QUOTA: join('* QUOTA ', astring, ' ', listed(join(atom, ' ', edgeNumber, ' ', edgeNumber), 3)),
  QUOTAROOT: join('* QUOTAROOT ', name, optional(join(' ', list(astring)))),
  METADATA: join('* METADATA ', name, ' ', fc.oneof(listed(join(entry, ' ', nstring)), list(entry))),
  ACL: join('* ACL ', name, optional(join(' ', list(join(astring, ' ', rights), 3)))),
  LISTRIGHTS: join('* LISTRIGHTS ', name, ' ', astring, ' ', list(rights)),
  MYRIGHTS: join('* MYRIGHTS ', name, ' ', rights),
  UNKNOWN: join('* ', oneOf('FROB ', '7 FROB ', '* ', ''), value),
}

/** One response of any kind. */
export const imapResponse: Arbitrary<string> = fc.oneof(...Object.values(RESPONSES))
