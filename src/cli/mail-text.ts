/**
 * Text of mail on its way to a terminal. Whoever writes mail must not move the cursor, set the title, or make text run
 * backwards: control characters and what overrides the direction of text never get there.
 * @module
 */
import { Buffer } from 'node:buffer'
import type { BodyLeaf } from '#mail/body-structure.ts'
import { charsetDecoder } from '#mail/charset.ts'
import { decodeHeaderText } from '#mail/encoded-words.ts'
import type { EnvelopeAddress } from '#mail/envelope.ts'
import { HtmlText } from '#mail/html-text.ts'
import { decodedParameter } from '#mail/parameters.ts'
import { transferDecoder } from '#mail/transfer-decoding.ts'

/** Controls of C0 and C1, DEL, and half surrogates. */
const CONTROL = /[\p{Cc}\p{Cs}]/gu
/** What overrides or isolates the direction of text, and separators that some terminals break lines at. */
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]/g

/** Marks upon marks, which would grow over the lines above; no language has so many. */
const PILED = /(\p{M}{6})\p{M}+/gu

/** One line: anything that is no character becomes a space, several spaces one. */
export function oneLine(text: string): string {
  return text.replace(DIRECTION, '').replace(PILED, '$1').replace(CONTROL, ' ').replace(/\s+/g, ' ').trim()
}

/** Lines: line ends and tabs stay, all other controls become U+FFFD, so that one sees that something was there. */
export function manyLines(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(DIRECTION, (char) => (char === '\u2028' || char === '\u2029' ? '\n' : ''))
    .replace(PILED, '$1')
    .replace(CONTROL, (char) => (char === '\n' || char === '\t' ? char : '\ufffd'))
}

/** A person or group in a header. */
export interface Person {
  /** Empty where there is none. */
  readonly name: string
  /** Empty for the name of a group. */
  readonly address: string
}

/** Addresses of an envelope; the end of a group is left out. */
export function people(addresses: readonly EnvelopeAddress[] | undefined): readonly Person[] {
  return (addresses ?? []).flatMap(({ name, mailbox, host }): Person[] => {
    if (mailbox === undefined) return []
    if (host === undefined) return [{ name: oneLine(decodeHeaderText(mailbox)), address: '' }]
    const address = oneLine(decodeHeaderText(`${mailbox}@${host}`))
    return [{ name: name === undefined ? '' : oneLine(decodeHeaderText(name)), address }]
  })
}

/** `Ann <ann@example.org>`. */
export function fullName({ name, address }: Person): string {
  if (name === '') return address
  return address === '' ? `${name}:` : `${name} <${address}>`
}

/** The file name of a part, decoded, as it was written; not to be used as a name of a file. */
export function partName(part: BodyLeaf): string | undefined {
  return (
    decodedParameter(part.disposition?.parameters ?? [], 'filename') ??
    decodedParameter(part.parameters, 'name') ??
    undefined
  )
}

/** The text of a part, from its bytes as transferred; HTML without its tags. */
export function partText(part: BodyLeaf, bytes: Uint8Array): string {
  const transfer = transferDecoder(part.encoding)
  if (transfer === undefined) return ''
  const charset = charsetDecoder(decodedParameter(part.parameters, 'charset') ?? '')
  const decoded = charset.push(Buffer.concat([transfer.push(bytes), transfer.end()])) + charset.end()
  if (part.subtype.toLowerCase() !== 'html') return manyLines(decoded)
  const html = new HtmlText({ withTitle: false })
  // lines of the source mean nothing in HTML, those that its elements make do
  const text = html.push(decoded.replace(/[^\S\u00a0]+/g, ' ')) + html.end()
  const lines = manyLines(text)
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}
