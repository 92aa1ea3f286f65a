/** Bytes to Unicode by the name of a charset. Never throws: what cannot be known is guessed. @module */
import { isAscii } from 'node:buffer'
import { createRequire } from 'node:module'
import type Iconv from 'iconv-lite'
import { bufferOf } from './bytes.ts'

/** Decodes text that comes in pieces, which may cut characters. */
export interface CharsetDecoder {
  push(bytes: Uint8Array): string
  end(): string
}

type IconvLite = typeof Iconv

const require = createRequire(import.meta.url)
let iconv: IconvLite | undefined

/** Loaded at the first charset that needs it: 60 ms and megabytes of tables that most processes never use. */
function iconvLite(): IconvLite {
  iconv ??= require('iconv-lite') as IconvLite
  return iconv
}

/** Names that the WHATWG encodings (TextDecoder) lack and real mail has; empty: guess. */
const ALIASES: Readonly<Record<string, string>> = {
  'us-ascii': '',
  ascii: '',
  'ansi_x3.4-1968': '',
  '7bit': '',
  '8bit': '',
  unknown: '',
  'unknown-8bit': '',
  'x-unknown': '',
  default: '',
  default_charset: '',
  utf: 'utf-8',
  'utf-8-bom': 'utf-8',
  utf8mb4: 'utf-8',
  'latin-1': 'windows-1252',
  cp936: 'gbk',
  cp949: 'euc-kr',
  cp932: 'shift_jis',
  'iso-2022-jp-2': 'iso-2022-jp',
  'x-mac-roman': 'macintosh',
}

/** Codecs of iconv-lite that are no charsets. */
const NOT_CHARSETS = /^(hex|base64|binary)$/

/** Charsets without 8-bit bytes: where there are some, a gateway has converted the text and not its label. */
const SEVEN_BIT = /^iso-2022-/

type Way = { readonly by: 'guess' } | { readonly by: 'whatwg' | 'iconv'; readonly name: string }

const ways = new Map<string, Way>()

function wayOf(charset: string): Way {
  const known = ways.get(charset)
  if (known !== undefined) return known
  const way = chooseWay(charset)
  // Names come from mail: a bounded cache, or a stranger fills our memory.
  if (ways.size < 500) ways.set(charset, way)
  return way
}

function chooseWay(charset: string): Way {
  if (charset.length > 60) return { by: 'guess' }
  const plain = charset.replace(/["'\s]/g, '').toLowerCase()
  // RFC 2231 §5: charset*language
  const name = ALIASES[plain.replace(/\*.*$/, '')] ?? plain.replace(/\*.*$/, '')
  if (name === '' || NOT_CHARSETS.test(name)) return { by: 'guess' }
  try {
    return { by: 'whatwg', name: new TextDecoder(name).encoding }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  return iconvLite().encodingExists(name) ? { by: 'iconv', name } : { by: 'guess' }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
const western = new TextDecoder('windows-1252')

/** Decodes bytes. An unknown charset (or US-ASCII with 8-bit bytes) is UTF-8 where that fits, else Windows-1252. */
export function decodeCharset(bytes: Uint8Array, charset: string): string {
  const way = wayOf(charset)
  switch (way.by) {
    case 'guess':
      return guess(bytes)
    case 'whatwg':
      return SEVEN_BIT.test(way.name) && !isAscii(bytes) ? guess(bytes) : new TextDecoder(way.name).decode(bytes)
    case 'iconv':
      return iconvLite().decode(bufferOf(bytes), way.name)
  }
}

function guess(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return western.decode(bytes)
  }
}

/** Decodes text in pieces; guessing an unknown charset, it stays with what the first 8-bit bytes say. */
export function charsetDecoder(charset: string): CharsetDecoder {
  const way = wayOf(charset)
  switch (way.by) {
    case 'guess':
      return new GuessingDecoder()
    case 'whatwg': {
      const decoder = new TextDecoder(way.name)
      if (SEVEN_BIT.test(way.name)) return new SevenBitDecoder(decoder)
      return { push: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() }
    }
    case 'iconv': {
      if (/^(unicode11)?utf-?7/.test(way.name)) return new WholeDecoder(way.name)
      const decoder = iconvLite().getDecoder(way.name)
      return { push: (bytes) => decoder.write(bufferOf(bytes)), end: () => decoder.end() ?? '' }
    }
  }
}

/** Decodes a 7-bit charset up to the first piece that has 8-bit bytes; from there on it guesses. */
class SevenBitDecoder implements CharsetDecoder {
  readonly #decoder: TextDecoder
  #guessing: GuessingDecoder | undefined

  constructor(decoder: TextDecoder) {
    this.#decoder = decoder
  }

  push(bytes: Uint8Array): string {
    if (this.#guessing === undefined && isAscii(bytes)) return this.#decoder.decode(bytes, { stream: true })
    this.#guessing ??= new GuessingDecoder()
    return this.#guessing.push(bytes)
  }

  end(): string {
    return this.#guessing?.end() ?? this.#decoder.decode()
  }
}

/** Decodes at the end only: iconv-lite loses its place in UTF-7 that is cut. */
class WholeDecoder implements CharsetDecoder {
  readonly #charset: string
  readonly #pieces: Uint8Array[] = []

  constructor(charset: string) {
    this.#charset = charset
  }

  push(bytes: Uint8Array): string {
    this.#pieces.push(Uint8Array.from(bytes))
    return ''
  }

  end(): string {
    return iconvLite().decode(Buffer.concat(this.#pieces), this.#charset)
  }
}

class GuessingDecoder implements CharsetDecoder {
  #utf8: TextDecoder | undefined = new TextDecoder('utf-8', { fatal: true })
  /** What the decoder may still hold back of a cut character. */
  #tail: Uint8Array = new Uint8Array(0)

  push(bytes: Uint8Array): string {
    return this.#decode(bytes, true)
  }

  end(): string {
    return this.#decode(new Uint8Array(0), false)
  }

  #decode(bytes: Uint8Array, stream: boolean): string {
    if (this.#utf8 === undefined) return western.decode(bytes)
    try {
      const text = this.#utf8.decode(bytes, { stream })
      this.#tail = cutCharacter(this.#tail.length === 0 ? bytes : Buffer.concat([this.#tail, bytes]))
      return text
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      this.#utf8 = undefined
      return western.decode(Buffer.concat([this.#tail, bytes]))
    }
  }
}

/** The beginning of a UTF-8 character that the last bytes leave unfinished. */
function cutCharacter(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) break
    if (byte < 0xc0) continue
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return size > back ? Uint8Array.from(bytes.subarray(bytes.length - back)) : new Uint8Array(0)
  }
  return new Uint8Array(0)
}
