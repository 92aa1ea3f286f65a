/** Commands that are outside the grammar, each with the place where reading fails. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertLinear } from '#testing/growth.ts'
import { type Frame, textFrame } from './frame.ts'
import { CommandFramer } from './framer.ts'
import { SEARCH_DEPTH } from './limits.ts'
import { CommandReader } from './reader.ts'
import { parseResponse } from './response-reader.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** Reads any command by its name, as a session would. */
function read(frame: Frame, utf8 = false): void {
  const r = new CommandReader(frame, { utf8 })
  r.tag()
  const name = r.sp().commandName()
  ARGUMENTS[name.replace(/^UID /, '')]?.(r)
  r.end()
}

const ARGUMENTS: Readonly<Record<string, (r: CommandReader) => unknown>> = {
  APPEND(r) {
    r.sp().mailbox()
    let more = true
    while (more) more = r.appendMore(r.appendMessage())
  },
  AUTHENTICATE(r) {
    r.sp().keyword()
    r.initialResponse()
  },
  COPY: (r) => [r.sp().messageSet(), r.sp().mailbox()],
  CREATE: (r) => [r.sp().mailbox(), r.createUse()],
  ENABLE: (r) => r.names(),
  EXPUNGE: (r) => r.sp().messageSet(),
  FETCH: (r) => [r.sp().messageSet(), r.sp().fetchRequest()],
  ID: (r) => r.sp().idParams(),
  LIST: (r) => r.sp().listRequest(),
  LOGIN: (r) => [r.sp().utf8String(), r.sp().utf8String()],
  NOTIFY: (r) => r.sp().notifyRequest(),
  SEARCH: (r) => r.sp().searchProgram(),
  SORT: (r) => r.sp().sortProgram(),
  THREAD: (r) => r.sp().threadRequest(),
  ESEARCH: (r) => r.sp().esearchRequest(),
  SELECT: (r) => [r.sp().mailbox(), r.selectParams()],
  GETMETADATA: (r) => r.sp().metadataRequest(),
  SETMETADATA: (r) => [r.sp().mailbox(), r.sp().metadataValues()],
  SETQUOTA: (r) => [r.sp().astring(), r.sp().quotaLimits()],
  STATUS: (r) => [r.sp().mailbox(), r.sp().statusItems()],
  STORE: (r) => [r.sp().messageSet(), r.sp().storeRequest()],
}

/** `|` stands where reading fails. */
const REFUSED = [
  'a SEARCH RETURN |(PARTIAL 1:2 ALL) ALL',
  'a SEARCH RETURN (PARTIAL |0:2) ALL',
  'a SEARCH RETURN (PARTIAL 1|) ALL',
  'a SEARCH RETURN (PARTIAL -1|:2) ALL',
  'a SEARCH RETURN (PARTIAL 1:|*) ALL',
  'a SEARCH RETURN (PARTIAL 1:2 |PARTIAL 1:2) ALL',
  'a SEARCH FUZZY|',
  'a SORT |DATE UTF-8 ALL',
  'a SORT |() UTF-8 ALL',
  'a SORT (|REVERSED) UTF-8 ALL',
  'a SORT (REVERSE|) UTF-8 ALL',
  'a SORT (DATE)|',
  'a SORT (DATE) UTF-8|',
  'a SORT (DATE) UTF-8 |DATE',
  'a THREAD REFERENCES|',
  'a THREAD REFERENCES UTF-8|',
  'a ESEARCH IN |() ALL',
  'a ESEARCH IN (|selected-delayed) ALL',
  'a ESEARCH IN (mailboxes|) ALL',
  'a ESEARCH IN (subtree |()) ALL',
  '|',
  '|+ NOOP',
  '|(a NOOP',
  '|\xe9 NOOP',
  'a|',
  'a |',
  'a NOOP |x',
  'a NO|\xe9P',
  'a NOOP|\tx',
  'a UID|',
  'a LOGIN|',
  'a LOGIN x|',
  'a LOGIN x |',
  'a LOGIN x y |z',
  'a LOGIN |(x) y',
  'a LOGIN |"x y',
  'a LOGIN "x|\\n" y',
  'a LOGIN "x"|y',
  'a LOGIN "x|\ry" y',
  'a LOGIN |\xc3\xa9 y',
  'a LOGIN |"\xe9" y',
  'a LOGIN x|{5 y',
  'a SELECT |&',
  'a SELECT a|&AOk',
  'a SELECT x |()x',
  'a SELECT x (|',
  'a SELECT x (|NEW)',
  'a SELECT x (QRESYNC |)',
  'a SELECT x (QRESYNC (1|))',
  'a SELECT x (QRESYNC (1 |0))',
  'a SELECT x (QRESYNC (|0 1))',
  'a SELECT x (QRESYNC (1 1 |1:*))',
  'a SELECT x (QRESYNC (1 1 1:5 |(1,2 5)))',
  'a CREATE x (|NEW)',
  'a CREATE x (USE (|Sent))',
  'a FETCH |0 FLAGS',
  'a FETCH |1, FLAGS',
  'a FETCH |4294967296 FLAGS',
  'a FETCH 1|',
  'a FETCH 1 |',
  'a FETCH 1 |()',
  'a FETCH 1 |NEW',
  'a FETCH 1 (FLAGS|',
  'a FETCH 1 (FLAGS|;UID)',
  'a FETCH 1 FLAGS |UID',
  'a FETCH 1 BODY[|NEW]',
  'a FETCH 1 BODY[|MIME]',
  'a FETCH 1 BODY[|0]',
  'a FETCH 1 BODY[1.|]',
  'a FETCH 1 BODY[1.|0]',
  'a FETCH 1 BODY[1|TEXT]',
  'a FETCH 1 BODY[TEXT|',
  'a FETCH 1 BODY[HEADER.FIELDS|]',
  'a FETCH 1 BODY[HEADER.FIELDS |()]',
  'a FETCH 1 BODY[HEADER.FIELDS (a|(b))]',
  'a FETCH 1 BODY[]<|>',
  'a FETCH 1 BODY[]<0|>',
  'a FETCH 1 BODY[]<0.|0>',
  'a FETCH 1 BODY[]<0.|9223372036854775808>',
  'a FETCH 1 BINARY[1.|HEADER]',
  'a FETCH 1 |BINARY',
  'a FETCH 1 RFC822.SIZE|[]',
  'a FETCH 1 FLAGS (|NEW)',
  'a FETCH 1 FLAGS (CHANGEDSINCE |x)',
  'a FETCH 1 FLAGS| (VANISHED)',
  'a NOTIFY |',
  'a NOTIFY |SOME',
  'a NOTIFY NONE |x',
  'a NOTIFY SET|',
  'a NOTIFY SET |',
  'a NOTIFY SET STATUS|',
  'a NOTIFY SET (|)',
  'a NOTIFY SET (|others (FlagChange))',
  'a NOTIFY SET (personal|)',
  'a NOTIFY SET (personal |())',
  'a NOTIFY SET (personal |MessageNew)',
  'a NOTIFY SET (personal NONE|',
  'a NOTIFY SET (personal NONE) |x',
  'a NOTIFY SET (personal NONE)|(personal NONE)',
  'a NOTIFY SET (subtree |() NONE)',
  'a NOTIFY SET (selected (|MailboxName))',
  'a NOTIFY SET (selected NONE) |(selected-delayed NONE)',
  'a NOTIFY SET (personal (MessageNew| (UID) MessageExpunge))',
  'a NOTIFY SET (selected (MessageNew |() MessageExpunge))',
  'a NOTIFY SET (selected (MessageNew (|NEW) MessageExpunge))',
  'a STORE 1 |NEW (x)',
  'a STORE 1 FLAGS|',
  'a STORE 1 FLAGS|.QUIET (x)',
  'a STORE 1 +FLAGS (|%)',
  'a STORE 1 +FLAGS (\\Seen|',
  'a STORE 1 +FLAGS (\\Seen|\\Draft)',
  'a STORE 1 (|NEW 1) FLAGS (x)',
  'a SEARCH |',
  'a SEARCH |NEWER',
  'a SEARCH |()',
  'a SEARCH NOT|',
  'a SEARCH NOT |',
  'a SEARCH OR SEEN|',
  'a SEARCH FROM|',
  'a SEARCH SINCE |yesterday',
  'a SEARCH SINCE |"1-Feb-2020',
  'a SEARCH SINCE |32-Jan-2020',
  'a SEARCH LARGER |x',
  'a SEARCH OLDER |0',
  'a SEARCH KEYWORD |\\Seen',
  'a SEARCH UID |x',
  'a SEARCH MODSEQ "/flags/x" |some 1',
  'a SEARCH RETURN (|NEW) ALL',
  'a SEARCH CHARSET UTF-8|',
  'a SEARCH (SEEN|',
  'a SEARCH SEEN|)',
  'a LIST ""|',
  'a LIST "" |()',
  'a LIST (|NEW) "" *',
  'a LIST |(RECURSIVEMATCH) "" *',
  'a LIST |(REMOTE RECURSIVEMATCH) "" *',
  'a LIST "" * |NEW',
  'a LIST "" * RETURN (|NEW)',
  'a LIST "" * RETURN (STATUS |())',
  'a STATUS x |()',
  'a STATUS x (|NEW)',
  'a ID (|x y)',
  'a ID ("x"|)',
  'a ID |"x"',
  'a ENABLE|',
  'a ENABLE x |(y)',
  'a GETMETADATA|',
  'a GETMETADATA x|',
  'a GETMETADATA x |()',
  'a GETMETADATA x |comment',
  'a GETMETADATA x |/public/comment',
  'a GETMETADATA x |/shared/',
  'a GETMETADATA x |/shared//x',
  'a GETMETADATA x |"/shared/a*"',
  'a GETMETADATA x |"/shared/a%"',
  'a GETMETADATA x |"/shared/\xc3\xa9"',
  'a GETMETADATA x |"/shared/\t"',
  'a GETMETADATA x |/sharedcomment',
  'a GETMETADATA x (DEPTH |2) /shared/a',
  'a GETMETADATA x (MAXSIZE |x) /shared/a',
  'a GETMETADATA (|NEW 2) x /shared/a',
  'a SETMETADATA x |/shared/a',
  'a SETMETADATA x |()',
  'a SETMETADATA x (/shared/a|)',
  'a SETMETADATA x (/shared/a |b)',
  'a SETQUOTA "" (STORAGE |x)',
  'a AUTHENTICATE PLAIN |abc',
  'a AUTHENTICATE PLAIN |a=bc',
  'a APPEND x|',
  'a APPEND x |text',
  'a APPEND x (\\Seen)|"1-Jan-2020 00:00:00 +0000"',
  'a APPEND x |"1-Jan-2020"',
]

for (const marked of REFUSED)
  test(`the reader refuses ${JSON.stringify(marked)}`, () => {
    const at = marked.indexOf('|')
    const text = marked.slice(0, at) + marked.slice(at + 1)
    assert.throws(
      () => read(textFrame(text)),
      (error: unknown) => {
        assert.ok(error instanceof SyntaxFault)
        assert.equal(
          error.offset,
          at,
          `at ${text.slice(0, error.offset)}|${text.slice(error.offset)}: ${error.message}`,
        )
        assert.doesNotMatch(error.message, /\.$/)
        return true
      },
    )
  })

test('8-bit text is UTF-8 in names when it is enabled, and a fault before', () => {
  assert.throws(() => read(textFrame('a SELECT "\xc3\xa9"')), SyntaxFault)
  read(textFrame('a SELECT "\xc3\xa9"'), true)
})

test('literals that are not text are refused where text belongs', () => {
  const bytes = Buffer.from('x\0y')
  const frame = (binary: boolean): Frame => ({
    text: 'a SELECT \uE000',
    literals: [{ size: 3, binary, bytes }],
  })
  assert.throws(() => read(frame(false)), SyntaxFault)
  assert.throws(() => read(frame(true)), SyntaxFault)
  assert.throws(
    () => read({ text: 'a SELECT \uE000', literals: [{ size: 3, binary: false, bytes: undefined }] }),
    SyntaxFault,
  )
})

test('searches are nested as deep as the limit and no deeper', () => {
  read(textFrame(`a SEARCH ${'NOT '.repeat(SEARCH_DEPTH - 1)}SEEN`))
  for (const deep of ['NOT '.repeat(SEARCH_DEPTH), '('.repeat(60_000), 'OR SEEN '.repeat(7_000), 'OR '.repeat(20_000)])
    assert.throws(() => read(textFrame(`a SEARCH ${deep}`)), SyntaxFault)
})

test('hostile commands as long as a line may be take linear time', () => {
  const hostile = (n: number) => [
    `a LOGIN "${'\\\\'.repeat(n / 2)}" x`,
    `a LOGIN "${'\\"'.repeat(n / 2)}`,
    `a LOGIN ${' '.repeat(n)}`,
    `a FETCH ${'1,'.repeat(n / 2)}1 FLAGS`,
    `a FETCH ${'1'.repeat(n)} FLAGS`,
    `a FETCH 1 (${'FLAGS '.repeat(n / 6)})`,
    `a FETCH 1 BODY[${'1.'.repeat(n / 2)}]`,
    `a FETCH 1 BODY[HEADER.FIELDS (${'"a" '.repeat(n / 4)})]`,
    `a SEARCH ${'SEEN '.repeat(n / 5)}`,
    `a SEARCH ${'FROM "" '.repeat(n / 8)}`,
    `a LIST "" (${'* '.repeat(n / 2)})`,
    `a SELECT ${'&AOk-a'.repeat(n / 6)}`,
    `a SELECT ${'&'.repeat(n)}`,
    `a SELECT &${'AOkA'.repeat(n / 4)}-`,
    `a STORE 1 FLAGS ${'x '.repeat(n / 2)}`,
    `a ENABLE ${'x '.repeat(n / 2)}`,
    `a ID (${'"" NIL '.repeat(n / 7)})`,
    `a AUTHENTICATE PLAIN ${'='.repeat(n)}`,
  ]
  for (const [index, example] of hostile(100).entries())
    assertLinear(
      (size) => {
        const frame = textFrame(hostile(size)[index] ?? assert.fail())
        return () => {
          try {
            read(frame)
          } catch (error) {
            assert.ok(error instanceof SyntaxFault)
          }
        }
      },
      16_250,
      example.slice(0, 30),
    )
})

const words = fc.constantFrom(
  ...' (){}[]<>"\\*%$,:.-+&=~\0\r\n\xe9\xc3'.split(''),
  '1',
  '0',
  '99999999999999999999',
  'NIL',
  'UID ',
  'BODY',
  '.PEEK',
  'HEADER.FIELDS',
  'SEARCH ',
  'a FETCH 1 ',
  'a SEARCH ',
  'a LIST ',
  'a STORE 1 ',
  'a SELECT x ',
  'a APPEND x ',
  'a ID ',
  '{1+}\r\nx',
  '~{0+}\r\n',
  'RETURN ',
  'OR ',
  'NOT ',
  '* 1 FETCH (',
  '* LIST ',
  '* OK [',
  'BODYSTRUCTURE ',
  'ENVELOPE ',
  '* ESEARCH ',
  '* NAMESPACE ',
  '* STATUS ',
  '* VANISHED ',
  'FLAGS ',
  '+ ',
)

test('random bytes give values or SyntaxFaults, as commands and as responses', () => {
  const input = fc.array(fc.oneof({ weight: 4, arbitrary: words }, { weight: 1, arbitrary: fc.string() }), {
    maxLength: 25,
    size: 'max',
  })
  fc.assert(
    fc.property(input, (pieces) => {
      const framer = new CommandFramer()
      framer.push(Buffer.from(`${pieces.join('')}\r\n`, 'latin1'))
      for (let event = framer.next(); event !== undefined; event = framer.next()) {
        if (event.kind === 'literal') framer.buffer()
        if (event.kind !== 'frame') continue
        const { frame } = event
        for (const attempt of [() => read(frame), () => read(frame, true), () => parseResponse(frame)])
          try {
            attempt()
          } catch (error) {
            if (!(error instanceof SyntaxFault)) throw error
          }
      }
    }),
    { numRuns: 3000 },
  )
})
