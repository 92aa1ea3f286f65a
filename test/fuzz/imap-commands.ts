/**
 * IMAP commands that are nearly right: the grammar of each command of the registry, filled with values from the edges.
 * Binary strings, one char a byte, without tag and last line end. @module
 */
import fc, { type Arbitrary } from 'fast-check'
import { commands } from '#imap/commands/index.ts'
import { NOTIFY_EVENTS } from '#wire/imap/notify-request.ts'
import {
  appended,
  astring,
  date,
  edgeNumber,
  flags,
  join,
  list,
  listed,
  literal,
  mailbox,
  oneOf,
  optional,
  part,
  partial,
  quoted,
  section,
  set,
  weighed,
} from './imap-elements.ts'

const modseqList = oneOf(
  ' (CHANGEDSINCE 0)',
  ' (CHANGEDSINCE 1 VANISHED)',
  ' (CHANGEDSINCE 9223372036854775808)',
  ' (PARTIAL -1:-3)',
  ' (PARTIAL 1:4294967295 CHANGEDSINCE 1)',
  ' (FROB 1)',
)

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
  [
    4,
    oneOf(
      'ALL',
      'SEEN',
      'UNSEEN',
      'RECENT',
      'NEW',
      'OLD',
      'DRAFT',
      'UNANSWERED',
      'FLAGGED',
      'DELETED',
      'SAVEDATESUPPORTED',
      '$',
    ),
  ],
  [4, join(oneOf('SUBJECT ', 'BODY ', 'TEXT ', 'FROM ', 'TO ', 'CC ', 'BCC ', 'KEYWORD ', 'UNKEYWORD '), astring)],
  [2, join('HEADER ', astring, ' ', astring)],
  [
    2,
    join(
      oneOf(
        'BEFORE ',
        'ON ',
        'SINCE ',
        'SENTBEFORE ',
        'SENTON ',
        'SENTSINCE ',
        'SAVEDBEFORE ',
        'SAVEDON ',
        'SAVEDSINCE ',
      ),
      date,
    ),
  ],
  [2, join(oneOf('LARGER ', 'SMALLER ', 'OLDER ', 'YOUNGER ', 'MODSEQ '), edgeNumber)],
  [1, join('MODSEQ "/flags/\\\\Seen" ', oneOf('all ', 'priv ', 'shared ', 'x '), edgeNumber)],
  [1, join(oneOf('EMAILID ', 'THREADID '), astring)],
  [2, set],
  [1, join('UID ', set)],
  [1, join(oneOf('UIDAFTER ', 'UIDBEFORE '), edgeNumber)],
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
    listed(oneOf('MIN', 'MAX', 'ALL', 'COUNT', 'SAVE', 'PARTIAL 1:10', 'PARTIAL -1:-9', 'RELEVANCY', 'UPDATE', 'FROB')),
    ' ',
  ),
)
const sortKeys = listed(
  oneOf(
    'SUBJECT',
    'REVERSE DATE',
    'ARRIVAL',
    'FROM',
    'SIZE',
    'REVERSE',
    'DISPLAYFROM',
    'DISPLAYTO',
    'CC',
    'TO',
    'FROB',
  ),
)
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
    'APPENDLIMIT',
    'DELETED-STORAGE',
    'FROB',
  ),
)
const base64 = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64'))
const rights = oneOf('lrs', '+a', '-x', '""', 'lrswipkxtea', 'ZZZ')
const entry = weighed(
  [
    5,
    oneOf('/private/comment', '/shared/comment', '/private/x', '/shared/vendor/x/y', '"/shared/"', '//', '/private/*'),
  ],
  [1, astring],
  [1, fc.integer({ min: 2, max: 400 }).map((depth) => '/private'.concat('/d'.repeat(depth)))],
)
const entryValue = join(entry, ' ', weighed([2, quoted], [1, literal], [1, fc.constant('NIL')]))
const oneOrMore = fc.oneof(mailbox, listed(mailbox))
const mailboxes = weighed(
  [4, oneOf('selected', 'inboxes', 'personal', 'subscribed', 'frob')],
  [2, join(oneOf('subtree ', 'subtree-one ', 'mailboxes '), oneOrMore)],
)
const fetchItems = weighed([4, listed(fetchItem)], [2, fetchItem], [1, oneOf('ALL', 'FAST', 'FULL')])
const event = weighed([5, oneOf(...NOTIFY_EVENTS, 'FrobChange')], [2, join('MessageNew ', listed(fetchItem))])
const eventGroup = join(
  '(',
  fc.oneof(mailboxes, oneOf('selected-delayed')),
  ' ',
  weighed([5, listed(event)], [1, oneOf('NONE', '(MessageNew MessageExpunge)', '(')]),
  ')',
)
/** Nearly always nothing, as the grammar has it. */
const nothing = weighed([6, fc.constant('')], [1, oneOf(' ', ' x', ' (', ' {3+}\r\nabc', '  ')])
const tagged = oneOf(' en', ' fr', ' "*"', ' i-default', ' "fr-CA"', ' x-frob')

/** Arguments of one command, the space in front of them included. */
const ARGUMENTS: Readonly<Record<string, Arbitrary<string>>> = {
  APPEND: fc.oneof(join(' ', mailbox, ' ', appended), join(' ', mailbox, ' ', appended, ' ', appended)),
  AUTHENTICATE: join(
    ' ',
    oneOf('PLAIN', 'SCRAM-SHA-256', 'LOGIN', 'EXTERNAL', 'FROB'),
    optional(join(' ', base64)),
    '\r\n',
    base64,
    // LOGIN asks twice: without this the next command would be its answer
    '\r\n*',
  ),
  COPY: join(' ', set, ' ', mailbox),
  CREATE: join(' ', mailbox, optional(join(' (USE ', listed(oneOf('\\Sent', '\\Drafts', '\\All', '\\Frob')), ')'))),
  DELETE: join(' ', mailbox),
  DELETEACL: join(' ', mailbox, ' ', astring),
  ENABLE: join(' ', list(oneOf('CONDSTORE', 'QRESYNC', 'IMAP4rev2', 'UTF8=ACCEPT', 'UIDONLY', 'X-FROB'))),
  ESEARCH: join(' ', optional(join('IN (', list(mailboxes, 3), ') ')), returns, program),
  EXAMINE: join(' ', mailbox, optional(oneOf(' (CONDSTORE)', ' (FROB)'))),
  EXPUNGE: nothing,
  FETCH: join(' ', set, ' ', fetchItems, optional(modseqList)),
  GETACL: join(' ', mailbox),
  GETMETADATA: join(
    ' ',
    optional(oneOf('(DEPTH infinity) ', '(MAXSIZE 10) ', '(DEPTH 2) ')),
    mailbox,
    ' ',
    fc.oneof(entry, listed(entry)),
  ),
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
        list(
          fc.oneof(
            oneOf('SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE', 'MYRIGHTS'),
            join('STATUS ', statusItems),
            join('METADATA ', listed(entry)),
          ),
        ),
        ')',
      ),
    ),
  ),
  LISTRIGHTS: join(' ', mailbox, ' ', astring),
  LOGIN: join(' ', astring, ' ', astring),
  LSUB: join(' "" ', pattern),
  MOVE: join(' ', set, ' ', mailbox),
  MYRIGHTS: join(' ', mailbox),
  NOTIFY: weighed(
    [1, fc.constant(' NONE')],
    [5, join(' SET ', optional(fc.constant('STATUS ')), list(eventGroup, 5))],
    [1, eventGroup.map((group) => ` SET ${`${group} `.repeat(200)}`)],
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
  SETMETADATA: join(' ', mailbox, ' ', listed(entryValue)),
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
  CANCELUPDATE: fc
    .array(fc.oneof(quoted, astring), { maxLength: 4 })
    .map((all) => all.map((tag) => ` ${tag}`).join('')),
  CAPABILITY: nothing,
  CHECK: nothing,
  CLOSE: nothing,
  COMPRESS: oneOf(' DEFLATE', ' FROB', '', ' DEFLATE x'),
  LANGUAGE: weighed(
    [1, nothing],
    [
      4,
      fc
        .array(
          fc.oneof(
            tagged,
            quoted.map((text) => ` ${text}`),
          ),
        )
        .map((all) => all.join('')),
    ],
  ),
  LOGOUT: nothing,
  NAMESPACE: nothing,
  NOOP: nothing,
  STARTTLS: nothing,
  UIDBATCHES: join(' ', edgeNumber, optional(join(' ', edgeNumber, ':', edgeNumber))),
  UNAUTHENTICATE: nothing,
  UNSELECT: nothing,
}
/** What no command is. */
const UNKNOWN = join(
  weighed([3, oneOf('FROB', 'X', 'UID', 'UID FROB', 'UID  FETCH', 'uid fetch', 'FETCHX', '')], [1, astring]),
  weighed(
    [2, fc.constant('')],
    [3, fc.array(fc.oneof(astring, set, flags, mailbox)).map((all) => ` ${all.join(' ')}`)],
  ),
)

/** They end the conversation, or make it another one: seldom, so that others have their turn. */
const SELDOM: ReadonlySet<string> = new Set(['STARTTLS', 'COMPRESS', 'LOGOUT', 'UNAUTHENTICATE'])

/** The grammar of one command. */
function argumentsOf(name: string): Arbitrary<string> | undefined {
  return ARGUMENTS[name] ?? ARGUMENTS[name.replace(/^UID /, '')]
}

/** Every command of the registry, by name; `undefined` where nobody has written its grammar here. */
export const FUZZED: ReadonlyMap<string, Arbitrary<string> | undefined> = new Map(
  Array.from(commands.keys(), (name) => {
    const args = argumentsOf(name)
    return [name, args === undefined ? undefined : join(name, args)]
  }),
)

/** One command without tag. */
export const imapCommand: Arbitrary<string> = fc.oneof(
  ...Array.from(FUZZED, ([name, command]) => ({ arbitrary: command ?? UNKNOWN, weight: SELDOM.has(name) ? 1 : 5 })),
  { arbitrary: UNKNOWN, weight: 5 },
)
