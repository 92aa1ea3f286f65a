/** The elements that commands and responses are made of, the other way: the mirror of element-reader.ts. @module */
import { binaryBytes, EIGHT_BIT, fromBinary, toBinary, UNQUOTABLE, WHOLE_ASTRING } from './characters.ts'
import { type CalendarDate, type DateTime, formatDate, formatDateTime } from './date-time.ts'
import { formatFlags } from './flags.ts'
import { QUOTED_BYTES } from './limits.ts'
import { encodeMailboxName } from './mailbox-name.ts'
import { formatMessageSet, type MessageSet } from './message-set.ts'

/** Strings are binary (one char a byte) unless a method says Unicode. */
export abstract class ElementWriter {
  /** Strings and mailbox names may be UTF-8: UTF8=ACCEPT or IMAP4rev2 is enabled. */
  utf8: boolean

  constructor(utf8 = false) {
    this.utf8 = utf8
  }

  /** Text as it is, no checks. */
  abstract text(text: string): this

  /** A literal with its bytes. */
  abstract literal(bytes: Uint8Array, binary?: boolean): this

  sp(): this {
    return this.text(' ')
  }

  number(value: number): this {
    return this.text(String(value))
  }

  /** Quoted or literal, whichever the string needs. */
  string(value: string): this {
    const quotable = value.length <= QUOTED_BYTES && !UNQUOTABLE.test(value)
    if (!quotable || (EIGHT_BIT.test(value) && !(this.utf8 && fromBinary(value) !== undefined)))
      return this.literal(binaryBytes(value), value.includes('\0'))
    return this.text(/["\\]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`)
  }

  /** `undefined` is NIL. */
  nstring(value: string | undefined): this {
    return value === undefined ? this.text('NIL') : this.string(value)
  }

  /** Atom, quoted or literal. */
  astring(value: string): this {
    // NIL as an atom could be taken for no string at all.
    const atom = value.length <= QUOTED_BYTES && WHOLE_ASTRING.test(value) && !/^nil$/i.test(value)
    return atom ? this.text(value) : this.string(value)
  }

  /** Unicode as an astring of UTF-8. */
  utf8String(value: string): this {
    return this.astring(toBinary(value))
  }

  /** Unicode name, encoded for the session. */
  mailbox(name: string): this {
    return this.astring(encodeMailboxName(name, this.utf8))
  }

  /** Like `mailbox`, never as an atom: NAMESPACE wants a string. */
  mailboxString(name: string): this {
    return this.string(encodeMailboxName(name, this.utf8))
  }

  /** Unicode pattern with `*` and `%`, encoded for the session. */
  listMailbox(pattern: string): this {
    const wire = encodeMailboxName(pattern, this.utf8)
    return /^[!#$%&'*+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+$/.test(wire) ? this.text(wire) : this.string(wire)
  }

  messageSet(set: MessageSet): this {
    return this.text(formatMessageSet(set))
  }

  flagList(flags: readonly string[]): this {
    return this.text(formatFlags(flags))
  }

  dateTime(date: DateTime): this {
    return this.text(`"${formatDateTime(date)}"`)
  }

  date(date: CalendarDate): this {
    return this.text(formatDate(date))
  }

  /** Items in parentheses, one space between. */
  list<T>(items: Iterable<T>, write: (item: T) => unknown): this {
    this.text('(')
    let first = true
    for (const item of items) {
      if (!first) this.text(' ')
      first = false
      write(item)
    }
    return this.text(')')
  }
}
