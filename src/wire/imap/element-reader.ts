/** The elements that commands and responses are made of (RFC 9051 §4, §9). @module */
import type { Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import { ASTRING, ATOM, DIGITS, EIGHT_BIT, fromBinary, ITEM_NAME, LIST_CHARS, latin1, TAG } from './characters.ts'
import { type CalendarDate, type DateTime, parseDate, parseDateTime } from './date-time.ts'
import { canonicalFlag } from './flags.ts'
import { type Frame, type FrameLiteral, LITERAL_MARK } from './frame.ts'
import { LIST_ITEMS } from './limits.ts'
import { decodeMailboxName } from './mailbox-name.ts'
import { type MessageSet, parseMessageSet, parseOrderedUids, parseUidSet } from './message-set.ts'
import { SyntaxFault } from './syntax-fault.ts'

export interface ReaderOptions {
  /** UTF8=ACCEPT or IMAP4rev2 is enabled: mailbox names are UTF-8 rather than modified UTF-7. */
  readonly utf8?: boolean
  /** Where to begin in the text: `position` of an earlier reader over the same command. */
  readonly from?: number
  /** Takes bytes that are not UTF-8 in quoted strings, as servers send them in ENVELOPE. */
  readonly lenient?: boolean
}

/** Reads elements from left to right. Every method throws a SyntaxFault where the text is not what it reads. */
export class ElementReader {
  readonly utf8: boolean
  readonly #text: string
  readonly #literals: readonly FrameLiteral[]
  readonly #lenient: boolean
  #at: number
  #literal: number

  constructor(frame: Frame, options: ReaderOptions = {}) {
    this.#text = frame.text
    this.#literals = frame.literals
    this.utf8 = options.utf8 ?? false
    this.#lenient = options.lenient ?? false
    this.#at = options.from ?? 0
    this.#literal = this.#at === 0 ? 0 : frame.text.slice(0, this.#at).split(LITERAL_MARK).length - 1
  }

  /** Offset in the text, each literal counting one. */
  get position(): number {
    return this.#at
  }

  /** Whether nothing is left. */
  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** Throws a SyntaxFault here, or at `offset`. The message never repeats what was read. */
  fault(message: string, offset: number = this.#at): never {
    throw new SyntaxFault(message, offset)
  }

  /** The next char, empty at the end. */
  peek(): string {
    return this.#text.charAt(this.#at)
  }

  /** Whether the text goes on like this, letters in any case; takes nothing. */
  looksAt(text: string): boolean {
    return this.#text.slice(this.#at, this.#at + text.length).toUpperCase() === text
  }

  /** Takes the text if it comes next, letters in any case. */
  skip(text: string): boolean {
    if (!this.looksAt(text)) return false
    this.#at += text.length
    return true
  }

  /** Takes the text, which must come next. */
  expect(text: string): this {
    if (!this.skip(text)) this.fault(`"${text}" is expected`)
    return this
  }

  /** One space; more of them are tolerated (quirks.ts: extra-spaces). */
  sp(): this {
    if (!this.spaces()) this.fault(this.atEnd ? 'An argument is missing' : 'A space is expected')
    return this
  }

  /** Takes spaces, if there are any. */
  spaces(): boolean {
    const start = this.#at
    while (this.#text.charAt(this.#at) === ' ') this.#at += 1
    return this.#at > start
  }

  /** End of the text; trailing spaces are tolerated (quirks.ts: trailing-spaces). */
  end(): void {
    this.spaces()
    if (!this.atEnd) this.fault('Nothing more is expected')
  }

  /** Whether nothing but spaces is left; takes nothing. */
  get onlySpacesLeft(): boolean {
    SPACES_TO_END.lastIndex = this.#at
    return SPACES_TO_END.test(this.#text)
  }

  /** What `read` gives, or `undefined` with nothing taken where it throws a SyntaxFault. */
  attempt<T>(read: () => T): T | undefined {
    const at = this.#at
    const literal = this.#literal
    try {
      return read()
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error
      this.#at = at
      this.#literal = literal
      return undefined
    }
  }

  /** What is left, as it is. */
  rest(): string {
    const rest = this.#text.slice(this.#at)
    this.#at = this.#text.length
    return rest
  }

  /** Takes what a sticky pattern matches here; empty when it does not. */
  match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  tag(): string {
    return this.match(TAG) || this.fault('A tag is expected')
  }

  atom(): string {
    return this.match(ATOM) || this.fault('An atom is expected')
  }

  /** An atom in upper case. */
  keyword(): string {
    return this.atom().toUpperCase()
  }

  /** Letters, digits, dots and hyphens in upper case: names of FETCH items and sections. */
  itemName(): string {
    return (this.match(ITEM_NAME) || this.fault('A name is expected')).toUpperCase()
  }

  /** 0 to 2^32 - 1. */
  number(): number {
    const start = this.#at
    const digits = this.match(DIGITS) || this.fault('A number is expected')
    const number = digits.length <= 20 ? Number(digits) : Number.NaN
    return number <= 4_294_967_295 ? number : this.fault('The number is too large', start)
  }

  /** 1 to 2^32 - 1. */
  nzNumber(): number {
    const start = this.#at
    if (this.peek() === '0') this.fault('A number from 1 on is expected')
    const number = this.number()
    return number > 0 ? number : this.fault('A number from 1 on is expected', start)
  }

  /** 0 to 2^63 - 1; above 2^53 - 1 it becomes that, which here is as good as infinite. */
  number64(): number {
    const start = this.#at
    const digits = this.match(DIGITS) || this.fault('A number is expected')
    if (digits.length > 20 || (digits.length >= 19 && BigInt(digits) >= 1n << 63n))
      this.fault('The number is too large', start)
    return Math.min(Number(digits), Number.MAX_SAFE_INTEGER)
  }

  /** Whether a literal comes next. */
  get atLiteral(): boolean {
    return this.peek() === LITERAL_MARK
  }

  /** The literal that comes next. */
  literal(): FrameLiteral {
    const literal = this.atLiteral ? this.#literals[this.#literal] : undefined
    if (literal === undefined) this.fault('A literal is expected')
    this.#at += 1
    this.#literal += 1
    return literal
  }

  /** Quoted or literal; binary string. */
  string(): string {
    if (this.peek() === '"') return this.#quoted()
    if (this.atLiteral) return this.#literalText()
    this.fault('A string is expected')
  }

  /** Like `string`; NIL is `undefined`. */
  nstring(): string | undefined {
    return this.nil() ? undefined : this.string()
  }

  /** Takes NIL, if it comes next. */
  nil(): boolean {
    if (!this.looksAt('NIL')) return false
    const start = this.#at
    if (this.match(ASTRING).length === 3) return true
    this.#at = start
    return false
  }

  /** Atom, quoted or literal; binary string. */
  astring(): string {
    return this.match(ASTRING) || this.string()
  }

  /** Like `astring`, decoded from UTF-8. For user names, passwords. */
  utf8String(): string {
    const start = this.#at
    return fromBinary(this.astring()) ?? this.fault('The string is not UTF-8', start)
  }

  /** Mailbox name as Unicode; INBOX in any case is `INBOX`. */
  mailbox(): string {
    const start = this.#at
    // A literal counts one and a quote shifts by one: the place is near enough for a person.
    return decodeMailboxName(this.astring(), this.utf8, start)
  }

  /** Mailbox pattern as Unicode, with `*` and `%`. */
  listMailbox(): string {
    const start = this.#at
    return decodeMailboxName(this.match(LIST_CHARS) || this.string(), this.utf8, start)
  }

  messageSet(): MessageSet {
    const start = this.#at
    return parseMessageSet(this.match(SET_CHARS)) ?? this.fault('A set of message numbers is expected', start)
  }

  /** UIDs without `*` and `$`; sorted and merged. */
  uidSet(): UidSet {
    const start = this.#at
    return parseUidSet(this.match(SET_CHARS)) ?? this.fault('A set of UIDs is expected', start)
  }

  /** UIDs without `*` and `$`; ranges as written. */
  orderedUids(): UidSet {
    const start = this.#at
    return parseOrderedUids(this.match(SET_CHARS)) ?? this.fault('A set of UIDs is expected', start)
  }

  uid(): Uid {
    return this.nzNumber() as Uid
  }

  /** System flags in the case of the RFC, keywords as written. */
  flag(): string {
    const slash = this.skip('\\') ? '\\' : ''
    return canonicalFlag(slash + (this.match(ATOM) || this.fault('A flag is expected')))
  }

  /** Flags, or `\*`, which stands for new keywords (RFC 9051 §7.1 PERMANENTFLAGS). */
  flagPerm(): string {
    return this.skip('\\*') ? '\\*' : this.flag()
  }

  /** Flags in parentheses. */
  flagList(): readonly string[] {
    return this.list(() => this.flag())
  }

  /** What stands in parentheses, one space between; spaces before the closing one are tolerated. */
  list<T>(read: () => T, least = 0): T[] {
    const start = this.#at
    this.expect('(').spaces()
    const items: T[] = []
    while (!this.skip(')')) {
      if (items.length > 0 && this.#text.charAt(this.#at - 1) !== ' ') this.fault('A space or ")" is expected')
      if (items.length === LIST_ITEMS) this.fault(`The list is longer than ${LIST_ITEMS}`, start)
      items.push(read())
      this.spaces()
    }
    if (items.length < least) this.fault('The list must not be empty', start)
    return items
  }

  /** `"17-Jul-1996 02:44:25 -0700"`. */
  dateTime(): DateTime {
    const start = this.#at
    return parseDateTime(this.#quoted()) ?? this.fault('A date and time is expected', start)
  }

  /** `1-Feb-1994`, with or without quotes. */
  date(): CalendarDate {
    const start = this.#at
    const text = this.peek() === '"' ? this.#quoted() : this.match(ATOM)
    return parseDate(text) ?? this.fault('A date is expected', start)
  }

  // quoted = DQUOTE *QUOTED-CHAR DQUOTE
  #quoted(): string {
    const start = this.#at
    this.expect('"')
    let value = ''
    let close = -1
    for (;;) {
      // Looked for again only when the one found was escaped, so that a run of backslashes stays linear.
      if (close < this.#at) close = this.#text.indexOf('"', this.#at)
      if (close < 0) this.fault('The quoted string has no end', start)
      const escape = this.#text.slice(this.#at, close).indexOf('\\')
      if (escape < 0) {
        value += this.#text.slice(this.#at, close)
        this.#at = close + 1
        break
      }
      const escaped = this.#text.charAt(this.#at + escape + 1)
      value += this.#text.slice(this.#at, this.#at + escape)
      if (escaped !== '"' && escaped !== '\\') {
        if (!this.#lenient) this.fault('Only " and \\ may follow \\', this.#at + escape)
        value += '\\'
      }
      value += escaped
      this.#at += escape + 2
    }
    const bad = value.search(NOT_QUOTED)
    if (bad >= 0) this.fault('CR, NUL and literals cannot be in a quoted string', start + 1 + bad)
    // RFC 9051 has UTF-8 here, RFC 3501 only ASCII: see quirks.ts, utf8-in-quoted.
    if (!this.#lenient && EIGHT_BIT.test(value) && fromBinary(value) === undefined)
      this.fault('The quoted string is not UTF-8', start)
    return value
  }

  #literalText(): string {
    const start = this.#at
    const { bytes, binary } = this.literal()
    if (bytes === undefined) this.fault('The literal was not kept', start)
    if (binary && !this.#lenient) this.fault('literal8 is not allowed here', start)
    const text = latin1(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    if (!this.#lenient && text.includes('\0')) this.fault('NUL is not allowed in this literal', start)
    return text
  }
}

const SPACES_TO_END = / *$/y
const SET_CHARS = /[0-9*:,$]+/y
const NOT_QUOTED = new RegExp(`[\\0\\r\\n${LITERAL_MARK}]`)
