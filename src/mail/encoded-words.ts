/** Header text to Unicode (RFC 2047, RFC 6532). @module */
import { decodeCharset } from './charset.ts'
import { unfold } from './headers.ts'

// encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="; spaces inside are tolerated
const ENCODED_WORD = /=\?([^?\s]+)\?([bBqQ])\?([^?]*)\?=/g

/** Encoded words that stand side by side in one charset. */
interface Run {
  readonly charset: string
  readonly bytes: Buffer[]
}

/**
 * Decodes a field's value: unfolded, encoded words decoded, raw 8-bit bytes read as UTF-8, else as Windows-1252.
 * Neighbouring words of one charset are joined before decoding, as some programs cut characters between words.
 */
export function decodeHeaderText(raw: string): string {
  const text = unfold(raw)
  if (!text.includes('=?')) return decodeRaw(text)
  let out = ''
  let run: Run | undefined
  const flush = (): void => {
    if (run !== undefined) out += decodeCharset(Buffer.concat(run.bytes), run.charset)
  }
  let last = 0
  for (const match of text.matchAll(ENCODED_WORD)) {
    const [word, charset = '', encoding = '', payload = ''] = match
    const between = text.slice(last, match.index)
    const bytes = encoding.toLowerCase() === 'b' ? Buffer.from(payload, 'base64') : decodeQ(payload)
    // White space between two encoded words is not shown (RFC 2047 §6.2).
    const adjoins = run !== undefined && /^[ \t]*$/.test(between)
    if (run !== undefined && adjoins && run.charset === charset.toLowerCase()) {
      run.bytes.push(bytes)
    } else {
      flush()
      if (!adjoins) out += decodeRaw(between)
      run = { charset: charset.toLowerCase(), bytes: [bytes] }
    }
    last = match.index + word.length
  }
  flush()
  return out + decodeRaw(text.slice(last))
}

/** The Q encoding (RFC 2047 §4.2): quoted-printable with `_` for a space. */
function decodeQ(payload: string): Buffer {
  const text = payload
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(text, 'latin1')
}

/** Text without encoded words: a binary string to Unicode. */
export function decodeRaw(text: string): string {
  return /[^\x00-\x7f]/.test(text) ? decodeCharset(Buffer.from(text, 'latin1'), '') : text
}
