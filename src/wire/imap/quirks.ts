/** Where the readers take more than the grammar allows, for whom, and an example that a test tries. @module */

export interface Quirk {
  readonly name: string
  /** Who sends it. */
  readonly whom: string
  /** What is taken although the grammar (RFC 9051 §9) has no room for it. */
  readonly tolerated: string
  /** A whole command (`C: `) or response (`S: `), line end included, and the one it is read as. */
  readonly example: readonly [sent: string, readAs: string]
}

/** All of them: a tolerance that is not here is a fault. */
export const QUIRKS: readonly Quirk[] = [
  {
    name: 'bare-lf',
    whom: 'people with netcat, shell scripts, some embedded devices',
    tolerated: 'LF without CR ends a line',
    example: ['C: a LOGIN x y\n', 'C: a LOGIN x y\r\n'],
  },
  {
    name: 'trailing-spaces',
    whom: 'old phones and hand-written clients',
    tolerated: 'spaces before the end of a command',
    example: ['C: a LOGIN x y  \r\n', 'C: a LOGIN x y\r\n'],
  },
  {
    name: 'extra-spaces',
    whom: 'clients that leave an optional argument empty',
    tolerated: 'several spaces where one belongs',
    example: ['C: a FETCH  1  (FLAGS  UID)\r\n', 'C: a FETCH 1 (FLAGS UID)\r\n'],
  },
  {
    name: 'spaces-in-list',
    whom: 'clients that write a space after each item of a list',
    tolerated: 'spaces after "(" and before ")"',
    example: ['C: a FETCH 1 ( FLAGS UID )\r\n', 'C: a FETCH 1 (FLAGS UID)\r\n'],
  },
  {
    name: 'macro-in-list',
    whom: 'clients that put every FETCH request in parentheses',
    tolerated: 'ALL, FAST and FULL inside a list',
    example: ['C: a FETCH 1 (FAST)\r\n', 'C: a FETCH 1 FAST\r\n'],
  },
  {
    name: 'utf8-in-quoted',
    whom: 'clients that send UTF-8 passwords and search text without ENABLE; RFC 9051 §4.3 allows it, RFC 3501 does not',
    tolerated: 'UTF-8 in quoted strings in every mode',
    example: ['C: a LOGIN x "\xc3\xa9"\r\n', 'C: a LOGIN x {2+}\r\n\xc3\xa9\r\n'],
  },
  {
    name: 'short-day',
    whom: 'clients that format the date of APPEND without the leading space',
    tolerated: 'a day of one digit in date-time',
    example: [
      'C: a APPEND x "1-Feb-1994 00:00:00 +0000" {1+}\r\ny\r\n',
      'C: a APPEND x " 1-Feb-1994 00:00:00 +0000" {1+}\r\ny\r\n',
    ],
  },
  {
    name: 'metadata-options-behind',
    whom: 'clients that follow the examples of RFC 5464 §4.2 instead of its grammar',
    tolerated: 'options of GETMETADATA behind the mailbox',
    example: ['C: a GETMETADATA x (DEPTH 1) /private/a\r\n', 'C: a GETMETADATA (DEPTH 1) x /private/a\r\n'],
  },
  {
    name: 'changedsince-zero',
    whom: 'clients that begin at 0 because they have seen no MODSEQ yet; RFC 7162 §7 has numbers from 1 on',
    tolerated: 'CHANGEDSINCE 0, which gives everything',
    example: ['C: a FETCH 1 FLAGS (CHANGEDSINCE 0)\r\n', 'C: a FETCH 1 FLAGS (CHANGEDSINCE 1)\r\n'],
  },
  {
    name: 'bare-plus',
    whom: 'servers that continue with "+" alone',
    tolerated: 'no space and no text after "+"',
    example: ['S: +\r\n', 'S: + \r\n'],
  },
  {
    name: 'eight-bit-in-responses',
    whom: 'servers that copy header fields into ENVELOPE as they stand',
    tolerated: 'any bytes but NUL, CR and LF in quoted strings of responses',
    example: ['S: * 1 FETCH (PREVIEW "\xc3\xa9")\r\n', 'S: * 1 FETCH (PREVIEW {2}\r\n\xc3\xa9)\r\n'],
  },
  {
    name: 'lone-backslash',
    whom: 'servers that do not escape "\\" in quoted strings',
    tolerated: '"\\" before any other char in quoted strings of responses',
    example: ['S: * QUOTAROOT x "a\\b"\r\n', 'S: * QUOTAROOT x "a\\\\b"\r\n'],
  },
  {
    name: 'wrong-utf7',
    whom: 'servers whose mailbox names were never checked',
    tolerated: 'names in LIST and STATUS that are not modified UTF-7: kept as they are, with `wireName`',
    example: ['S: * LIST () "/" R&D\r\n', 'S: * LIST () "/" "R&D"\r\n'],
  },
  {
    name: 'spaced-addresses',
    whom: 'servers that write spaces between the addresses of an ENVELOPE or the parts of a multipart',
    tolerated: 'spaces between parentheses where none belong',
    example: [
      'S: * 1 FETCH (ENVELOPE (NIL NIL ((NIL NIL "a" "b") (NIL NIL "c" "d")) NIL NIL NIL NIL NIL NIL NIL))\r\n',
      'S: * 1 FETCH (ENVELOPE (NIL NIL ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL NIL NIL NIL))\r\n',
    ],
  },
]
