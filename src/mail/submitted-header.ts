/** The header of a message that somebody here sends: what an MSA takes out, puts in and looks at (RFC 6409 §8). @module */
import { parseAddresses } from './addresses.ts'
import { authServIdOf } from './authentication-results.ts'
import { binaryOf, bytesOfBinary } from './bytes.ts'
import { formatDate, parseDate } from './dates.ts'
import { type HeaderField, headerFields, unfold } from './headers.ts'

/** What is put in where the message lacks it. */
export interface MissingFields {
  /** Address for From, and the name before it. */
  readonly address: string
  readonly name: string
  /** With brackets. */
  readonly messageId: string
  /** ms since 1970. */
  readonly at: number
  /** Our name in Authentication-Results (authserv-id): nobody else speaks by it. */
  readonly hostname: string
  /** The header is read and goes through as it came. */
  readonly keep?: boolean
}

/** What a header cannot be. */
export type HeaderFault =
  | 'too-long'
  | 'several-from'
  /** A field whose colon is on another line than its name: to some programs it is one, to others none. */
  | 'folded-name'

/** Octets of a header that are held back until it is whole. */
const MOST_HEADER = 1_048_576
/** Fields that are for the sender's own copy, or that only the last server writes (RFC 5321 §4.4). */
const TAKEN_OUT: ReadonlySet<string> = new Set(['bcc', 'resent-bcc', 'return-path'])
const END = Buffer.from('\r\n\r\n')
const NOTHING = new Uint8Array(0)
const FOLDED_NAME = /^[!-9;-~]+[ \t]*\r\n[ \t]+:/m
// msg-id = "<" id-left "@" id-right ">" (RFC 5322 §3.6.4), as others can use it
const MESSAGE_ID = /^<[^<> \t@]+@[^<> \t]+>$/

/**
 * Holds a message back until its header is whole, and gives it on changed; the body goes through as it is. Its line ends
 * are CRLF.
 */
export class SubmittedHeader {
  readonly #missing: MissingFields
  #held: Buffer = Buffer.alloc(0)
  #length = 0
  #done = false
  #fault: HeaderFault | undefined
  #from: readonly string[] = []
  #sender: readonly string[] = []
  #resentFrom: readonly string[] | undefined
  #bcc: Uint8Array = NOTHING
  #messageId: string
  #automatic = false

  constructor(missing: MissingFields) {
    this.#missing = missing
    this.#messageId = missing.messageId
  }

  /** What cannot be sent at all. */
  get fault(): HeaderFault | undefined {
    return this.#fault
  }

  /** Addresses of From as they are written, `local@domain`. */
  get from(): readonly string[] {
    return this.#from
  }

  /** Addresses of Sender likewise. */
  get sender(): readonly string[] {
    return this.#sender
  }

  /** Addresses of who passes the message on (RFC 5322 §3.6.6), the last one to do so; `undefined`: nobody does. */
  get resentFrom(): readonly string[] | undefined {
    return this.#resentFrom
  }

  /** The Bcc fields that were taken out, CRLF each. */
  get bcc(): Uint8Array {
    return this.#bcc
  }

  /** With brackets. */
  get messageId(): string {
    return this.#messageId
  }

  /** A disposition notification (RFC 8098) or another answer of a program (RFC 3834 §5), which has the null sender. */
  get automatic(): boolean {
    return this.#automatic
  }

  /** @returns what goes on of the message, which may be nothing yet. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#done) return this.#fault === undefined ? chunk : NOTHING
    const from = Math.max(0, this.#length - END.length + 1)
    this.#hold(chunk)
    const bytes = this.#held.subarray(0, this.#length)
    const end = headerEnd(bytes, from)
    if (end === undefined) {
      if (this.#length > MOST_HEADER) this.#refuse('too-long')
      return NOTHING
    }
    return this.#release(bytes, end)
  }

  /** The message is at its end: what is still held back goes on. */
  end(): Uint8Array {
    if (this.#done) return NOTHING
    return this.#release(this.#held.subarray(0, this.#length), this.#length)
  }

  /** The bytes may be reused by whoever gave them. */
  #hold(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length
    if (needed > this.#held.length) {
      const wider = Buffer.allocUnsafe(Math.max(needed, 2 * this.#held.length))
      this.#held.copy(wider, 0, 0, this.#length)
      this.#held = wider
    }
    this.#held.set(chunk, this.#length)
    this.#length = needed
  }

  #refuse(fault: HeaderFault): void {
    this.#fault ??= fault
    this.#done = true
    this.#held = Buffer.alloc(0)
  }

  /** @param end Octets of the header, without its blank line. */
  #release(bytes: Buffer, end: number): Uint8Array {
    this.#done = true
    const block = binaryOf(bytes.subarray(0, end))
    if (FOLDED_NAME.test(block)) this.#fault = 'folded-name'
    const fields = headerFields(block)
    // Text without a header: all of it is the body.
    const additions = this.#additions(fields)
    if (this.#missing.keep === true) return bytes
    if (fields.length === 0 && end > 0) return Buffer.concat([additions, Buffer.from('\r\n'), bytes])
    const kept: Uint8Array[] = []
    let at = 0
    const bcc: Uint8Array[] = []
    for (const field of fields) {
      if (!this.#goes(field)) continue
      kept.push(bytes.subarray(at, field.start))
      at = field.end
      if (field.lowerName === 'bcc') bcc.push(bytes.subarray(field.start, field.end))
    }
    kept.push(bytes.subarray(at, end))
    this.#bcc = Buffer.concat(bcc)
    if (additions.length > 0 && !block.endsWith('\n') && block !== '') kept.push(Buffer.from('\r\n'))
    const rest = end < bytes.length || block.endsWith('\n') || block === '' ? bytes.subarray(end) : NOTHING
    // A header that ends with the message has no blank line of its own.
    return Buffer.concat([...kept, additions, rest])
  }

  #goes({ lowerName, rawValue }: HeaderField): boolean {
    if (TAKEN_OUT.has(lowerName)) return true
    // RFC 8601 §5
    if (lowerName === 'authentication-results')
      return authServIdOf(bytesOfBinary(rawValue)) === this.#missing.hostname.toLowerCase()
    if (lowerName === 'date') return parseDate(unfold(rawValue)) === undefined
    if (lowerName === 'message-id') return !MESSAGE_ID.test(unfold(rawValue))
    return lowerName === 'from' && addressesOf(rawValue).length === 0
  }

  /** Reads what is there, and makes the fields that are not, CRLF each. */
  #additions(fields: readonly HeaderField[]): Buffer {
    const { address, name, at, messageId } = this.#missing
    const there = fields.filter((field) => !this.#goes(field))
    const named = (lowerName: string): readonly HeaderField[] => there.filter((field) => field.lowerName === lowerName)
    const from = named('from')
    if (from.length > 1) this.#fault = 'several-from'
    this.#sender = named('sender').flatMap(({ rawValue }) => addressesOf(rawValue))
    // each who passes it on puts his fields above those before
    const resent = named('resent-from').map(({ rawValue }) => addressesOf(rawValue))
    this.#resentFrom = resent.find((addresses) => addresses.length > 0)
    this.#from = from.length === 0 ? [address] : from.flatMap(({ rawValue }) => addressesOf(rawValue))
    const [id] = named('message-id')
    if (id !== undefined) this.#messageId = unfold(id.rawValue)
    this.#automatic = named('auto-submitted').some(isAutomatic) || named('content-type').some(isDisposition)
    const lines: string[] = []
    if (from.length === 0) lines.push(`From: ${mailbox(name, address)}\r\n`)
    if (named('date').length === 0) lines.push(`Date: ${formatDate(at)}\r\n`)
    if (id === undefined) lines.push(`Message-ID: ${messageId}\r\n`)
    return Buffer.from(lines.join(''), 'utf8')
  }
}

/** Octets of the header without its blank line; `undefined`: it is not whole. */
function headerEnd(bytes: Buffer, from: number): number | undefined {
  if (bytes[0] === 13 && bytes[1] === 10) return 0
  const end = bytes.indexOf(END, from)
  return end < 0 ? undefined : end + 2
}

function addressesOf(rawValue: string): readonly string[] {
  return parseAddresses(unfold(rawValue)).flatMap(({ mailbox: local, host }) =>
    // a group's beginning and end have no host
    local === undefined || host === undefined
      ? []
      : [Buffer.from(`${quoted(local)}@${host}`, 'latin1').toString('utf8')],
  )
}

// dot-atom, RFC 5322 §3.2.3 with UTF-8; anything else was quoted
function quoted(local: string): string {
  return /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\u0080-\u00ff]+$/.test(local) ? local : `"${local.replace(/["\\]/g, '\\$&')}"`
}

// auto-submitted-field: anything but "no" (RFC 3834 §5)
function isAutomatic({ rawValue }: HeaderField): boolean {
  return !/^no\b/i.test(unfold(rawValue))
}

function isDisposition({ rawValue }: HeaderField): boolean {
  const value = unfold(rawValue)
  return /^multipart\/report\b/i.test(value) && /report-type\s*=\s*"?disposition-notification\b/i.test(value)
}

/** `Name <address>`, the name as it must be (RFC 5322 §3.4, RFC 2047). */
function mailbox(name: string, address: string): string {
  if (name === '') return address
  if (/^[\w !#$%&'*+/=?^`{|}~-]+$/.test(name)) return `${name} <${address}>`
  if (/^[\x20-\x7e]*$/.test(name)) return `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`
  const words = encodedWords(name)
  return `${words.join('\r\n ')}${words.length > 1 ? '\r\n' : ''} <${address}>`
}

/** Words of at most 75 characters (RFC 2047 §2). */
function encodedWords(name: string): readonly string[] {
  const words: string[] = []
  let word = ''
  for (const char of name) {
    if (Buffer.byteLength(word + char) > 42) {
      words.push(word)
      word = ''
    }
    word += char
  }
  return [...words, word].map((one) => `=?utf-8?B?${Buffer.from(one, 'utf8').toString('base64')}?=`)
}
