/**
 * mbox files, read and written as mboxrd: a line `From ` in a message is quoted with `>`, and so is every quoted one.
 * Files with trustworthy Content-Length fields (mboxcl2) are read by them, and nothing is unquoted there.
 * @module
 */
import { type FileHandle, open } from 'node:fs/promises'
import { formatMboxDate } from '#mail/dates.ts'
import { ANSWERED, DELETED, DRAFT, FLAGGED, type Flags, flagsOf, SEEN } from '#store/flags.ts'
import { type SourceItem, storedLineEnds } from './source-message.ts'

const LF = 10
const CHUNK = 256 * 1024
/** A header that is longer is no header. */
const MOST_HEADER = 1024 * 1024

/** The messages of an mbox file, one at a time; larger ones than `limitBytes` are reported and skipped. */
export async function* readMbox(file: string, limitBytes: number): AsyncGenerator<SourceItem, void, void> {
  await using handle = await open(file, 'r')
  const lines = new LineSource(handle)
  await lines.skipByteOrderMark()
  let line = await lines.next()
  while (line !== undefined && isBlank(line.bytes)) line = await lines.next()
  if (line === undefined) return
  if (!latin1(line.bytes.subarray(0, 5)).startsWith('From ')) {
    yield { kind: 'problem', origin: file, problem: 'unreadable', detail: 'does not begin with a "From " line' }
    return
  }
  while (line !== undefined) {
    const origin: string = `${file}:${line.offset}`
    const date = fromLineDate(line.bytes)
    const read: ReadMessage = await readMessage(lines, handle, limitBytes)
    line = read.next
    if (read.bytes === undefined) {
      yield { kind: 'problem', origin, problem: 'too-large', detail: `is larger than ${limitBytes} octets` }
      continue
    }
    const { flags, bytes } = takeStatus(storedLineEnds(read.bytes))
    yield { kind: 'message', message: { mailbox: '', bytes, flags, date, origin } }
  }
}

interface Line {
  /** With its line end. */
  readonly bytes: Uint8Array
  readonly offset: number
}

interface ReadMessage {
  /** `undefined`: too large. */
  readonly bytes: Uint8Array | undefined
  /** The next message's `From ` line. */
  readonly next: Line | undefined
}

async function readMessage(lines: LineSource, handle: FileHandle, limitBytes: number): Promise<ReadMessage> {
  const kept: Uint8Array[] = []
  let size = 0
  let headerEnded = false
  let afterBlank = false
  let blank: Uint8Array | undefined
  for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
    if (await separates(line.bytes, afterBlank, lines)) return { bytes: joined(kept, size, limitBytes), next: line }
    if (blank !== undefined) {
      size += blank.length
      if (size <= limitBytes) kept.push(blank)
      blank = undefined
    }
    afterBlank = isBlank(line.bytes)
    if (afterBlank && headerEnded) {
      // The blank line before a "From " line is the separator's; kept back until the next line is known.
      blank = line.bytes
      continue
    }
    const bytes = headerEnded ? unquoted(line.bytes) : line.bytes
    size += bytes.length
    if (size <= limitBytes) kept.push(bytes)
    const plain = headerEnded ? lines.plain() : undefined
    if (plain !== undefined) {
      afterBlank = false
      size += plain.length
      if (size <= limitBytes) kept.push(plain)
    }
    if (afterBlank && !headerEnded) {
      headerEnded = true
      const length = contentLength(kept)
      const end = lines.offset + (length ?? 0)
      if (length !== undefined && size + length <= limitBytes && (await endsMessage(handle, end, lines))) {
        kept.push(await lines.take(length))
        let next = await lines.next()
        while (next !== undefined && isBlank(next.bytes)) next = await lines.next()
        return { bytes: joined(kept, size + length, limitBytes), next }
      }
    }
    if (!headerEnded && size > MOST_HEADER) headerEnded = true
  }
  return { bytes: joined(kept, size, limitBytes), next: undefined }
}

function joined(chunks: readonly Uint8Array[], size: number, limitBytes: number): Uint8Array | undefined {
  return size > limitBytes ? undefined : Buffer.concat(chunks)
}

/** Whether a message that ends here ends where the file does or another one begins. */
async function endsMessage(handle: FileHandle, end: number, lines: LineSource): Promise<boolean> {
  const { size } = await handle.stat()
  if (end === size) return true
  if (end > size || lines.offset > end) return false
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(9), 0, 9, end)
  return /^(?:\r?\n){0,2}(?:From |$)/.test(buffer.toString('latin1', 0, bytesRead))
}

function contentLength(header: readonly Uint8Array[]): number | undefined {
  for (const line of header) {
    const match = /^content-length:[ \t]*(\d{1,12})[ \t]*\r?\n$/i.exec(latin1(line))
    if (match !== null) return Number(match[1])
  }
  return undefined
}

function isBlank(line: Uint8Array): boolean {
  return line[0] === LF || (line[0] === 13 && line[1] === LF)
}

/**
 * Whether a `From ` line begins a message: with a time and a year behind a blank line, or in Mozilla's form `From -`,
 * which may stand right behind the last line of a message but is followed by a header field.
 */
async function separates(line: Uint8Array, afterBlank: boolean, lines: LineSource): Promise<boolean> {
  if (line[0] !== 0x46) return false
  const text = latin1(line.subarray(0, 200))
  if (afterBlank && /^From \S.*\d{1,2}:\d{2}(?::\d{2})?\b.*\d{4}/.test(text)) return true
  if (!/^From -(?: .*)?\r?\n$/.test(text)) return false
  const next = await lines.peek()
  return next !== undefined && /^[!-9;-~]+[ \t]*:/.test(latin1(next.subarray(0, 200)))
}

function fromLineDate(line: Uint8Array): number | undefined {
  const text = latin1(line.subarray(0, 200)).trim()
  const match = /(\w{3}) +(\d{1,2}) +(\d{1,2}):(\d{2})(?::(\d{2}))?(?: +\S+)? +(\d{4})(?: +([+-]\d{4}))?$/.exec(text)
  if (match === null) return undefined
  const [, month, day, hour, minute, second, year, zone] = match
  const date = Date.parse(`${day} ${month} ${year} ${hour}:${minute}:${second ?? '00'} ${zone ?? '+0000'}`)
  return Number.isNaN(date) ? undefined : date
}

/** `>From ` and `>>From ` lose one `>`. */
function unquoted(line: Uint8Array): Uint8Array {
  if (line[0] !== 0x3e) return line
  return /^>+From /.test(latin1(line.subarray(0, 64))) ? line.subarray(1) : line
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** How lines begin that are looked at one by one: blank, `From `, `>From `; and the end of what is at hand. */
const SPECIAL: ReadonlySet<number | undefined> = new Set([LF, 13, 0x46, 0x3e, undefined])

/** Lines of a file with their offsets. */
class LineSource {
  readonly #handle: FileHandle
  #rest: Buffer = Buffer.alloc(0)
  #position = 0
  /** Offset of the next line. */
  offset = 0

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** The next line with its LF; the last one may lack it. */
  async next(): Promise<Line | undefined> {
    const length = await this.#lineLength()
    return length === 0 ? undefined : this.#cut(length)
  }

  /** The same without going on. */
  async peek(): Promise<Uint8Array | undefined> {
    const length = await this.#lineLength()
    return length === 0 ? undefined : this.#rest.subarray(0, length)
  }

  /** Whole lines that are at hand and are neither blank nor quoted nor `From ` lines: most of a body, in one piece. */
  plain(): Uint8Array | undefined {
    let end = 0
    while (!SPECIAL.has(this.#rest[end])) {
      const lf = this.#rest.indexOf(LF, end)
      if (lf < 0) break
      end = lf + 1
    }
    return end === 0 ? undefined : this.#cut(end).bytes
  }

  /** Some programs write one at the start of a file. */
  async skipByteOrderMark(): Promise<void> {
    const line = await this.peek()
    if (line !== undefined && line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) this.#cut(3)
  }

  async #lineLength(): Promise<number> {
    let searched = 0
    for (;;) {
      const end = this.#rest.indexOf(LF, searched)
      if (end >= 0) return end + 1
      searched = this.#rest.length
      if (!(await this.#fill())) return this.#rest.length
    }
  }

  /** The next `length` octets, whatever they are. */
  async take(length: number): Promise<Uint8Array> {
    while (this.#rest.length < length && (await this.#fill()));
    return this.#cut(Math.min(length, this.#rest.length)).bytes
  }

  #cut(length: number): Line {
    const line = { bytes: this.#rest.subarray(0, length), offset: this.offset }
    this.#rest = this.#rest.subarray(length)
    this.offset += length
    return line
  }

  async #fill(): Promise<boolean> {
    const { buffer, bytesRead } = await this.#handle.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, this.#position)
    this.#position += bytesRead
    if (bytesRead > 0) this.#rest = Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)])
    return bytesRead > 0
  }
}

const STATUS_FLAGS: readonly (readonly [field: 'status' | 'x-status', letter: string, bit: number])[] = [
  ['status', 'R', SEEN],
  ['x-status', 'A', ANSWERED],
  ['x-status', 'F', FLAGGED],
  ['x-status', 'T', DRAFT],
  ['x-status', 'D', DELETED],
]

/**
 * Flags from `Status`, `X-Status` and `X-Keywords` fields, as mail programs keep them in an mbox. Where they stand
 * before all others, {@link statusLines} wrote them, and they are taken off; elsewhere they are part of the message.
 */
function takeStatus(bytes: Uint8Array): { readonly flags: Flags; readonly bytes: Uint8Array } {
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf('\r\n\r\n')
  const header = latin1(bytes.subarray(0, end < 0 ? Math.min(bytes.length, MOST_HEADER) : end + 2))
  const ours = /^Status: [^\r\n]*\r\n(?:X-Status: [^\r\n]*\r\n)?(?:X-Keywords: [^\r\n]*\r\n)?/.exec(header)?.[0] ?? ''
  let system = 0
  const values = {
    status: /^status:(.*)$/im.exec(header)?.[1] ?? '',
    'x-status': /^x-status:(.*)$/im.exec(header)?.[1] ?? '',
  }
  for (const [field, letter, bit] of STATUS_FLAGS) if (values[field].includes(letter)) system |= bit
  const words =
    /^x-keywords:(.*)$/im
      .exec(header)?.[1]
      ?.trim()
      .split(/[\s,]+/) ?? []
  const { keywords } = flagsOf(words.filter((word) => word !== ''))
  return { flags: { system, keywords }, bytes: bytes.subarray(ours.length) }
}

/** The lines that keep a message's flags in an mbox, LF at their ends; see {@link takeStatus}. */
function statusLines(flags: Flags): string {
  const letters = (field: 'status' | 'x-status') =>
    STATUS_FLAGS.filter(([name, , bit]) => name === field && (flags.system & bit) !== 0)
      .map(([, letter]) => letter)
      .join('')
  const other = letters('x-status')
  return (
    `Status: ${letters('status')}O\n` +
    (other === '' ? '' : `X-Status: ${other}\n`) +
    (flags.keywords.length === 0 ? '' : `X-Keywords: ${flags.keywords.join(' ')}\n`)
  )
}

/**
 * A message as it goes into an mbox: `From ` line, flags, quoted text, a blank line.
 * @param bytes The message with the line ends of the file.
 */
export function formatMboxMessage(bytes: Uint8Array, flags: Flags, date: number): Uint8Array {
  const crlf = bytes.includes(13) && latin1(bytes).includes('\r\n')
  const eol = crlf ? '\r\n' : '\n'
  const quoted = latin1(bytes).replace(/(^|\n)(>*From )/g, '$1>$2')
  const end = quoted.endsWith('\n') ? eol : `${eol}${eol}`
  return Buffer.from(
    `From MAILER-DAEMON ${formatMboxDate(date)}\n${statusLines(flags).replaceAll('\n', eol)}${quoted}${end}`,
    'latin1',
  )
}
