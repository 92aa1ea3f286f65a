/**
 * A message made 7-bit, so that every server takes it (RFC 6152 §3, RFC 6522 §3): texts become quoted-printable, other
 * parts base64, headers what {@link downgradeHeader} makes of them. What is ASCII stays as it is, octet for octet.
 * Signatures over the message do not survive it.
 * @module
 */
import { downgradeHeader } from './downgrade-header.ts'
import { hasEightBit, quotedPrintable } from './quoted-printable.ts'
import type { ScannedPart } from './scanned.ts'
import { scanMessage } from './scanner.ts'
import { normaliseEncoding } from './transfer-decoding.ts'

const EIGHT_BIT = /[\x80-\xff]/
const ENCODING_FIELD = /^content-transfer-encoding[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*/gim
/** Not what the tree takes it for: nested too deeply, or without a boundary; or a type that allows no encoding. */
const CONTAINER = /^content-type[ \t]*:[ \t\r\n]*(?:multipart|message)[ \t\r\n]*\//im

/** There is no such form of it. */
class NotConvertible extends Error {}

/**
 * @param message Lines end in CRLF.
 * @returns `undefined` where that cannot be done without guessing: parts without a header, delimiters with 8-bit octets.
 */
export function sevenBitMessage(message: Uint8Array): Uint8Array | undefined {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length)
  if (!hasEightBit(bytes)) return bytes
  const pieces: Uint8Array[] = []
  try {
    writePart(scanMessage(bytes).root, bytes, pieces)
  } catch (error) {
    if (error instanceof NotConvertible) return undefined
    throw error
  }
  return Buffer.concat(pieces)
}

function writePart(part: ScannedPart, bytes: Buffer, pieces: Uint8Array[]): void {
  const { headerStart, bodyStart, bodyEnd, children } = part
  const body = bytes.subarray(bodyStart, bodyEnd)
  const header = bytes.toString('latin1', headerStart, bodyStart)
  if (!hasEightBit(bytes.subarray(headerStart, bodyEnd))) {
    pieces.push(bytes.subarray(headerStart, bodyEnd))
  } else if (children.length > 0) {
    pieces.push(headerOf(part, header, hasEightBit(body) ? '7bit' : undefined))
    let at = bodyStart
    for (const child of children) {
      pieces.push(between(bytes.subarray(at, child.headerStart)))
      writePart(child, bytes, pieces)
      at = child.bodyEnd
    }
    pieces.push(between(bytes.subarray(at, bodyEnd)))
  } else writeLeaf(part, header, body, pieces)
}

function writeLeaf(part: ScannedPart, header: string, body: Buffer, pieces: Uint8Array[]): void {
  if (!hasEightBit(body)) pieces.push(headerOf(part, header, undefined), body)
  else if (header === '' || CONTAINER.test(header)) throw new NotConvertible()
  else {
    const encoding = normaliseEncoding(part.content.encoding)
    switch (encoding) {
      case '7bit':
      case '8bit':
      case 'binary':
        if (part.kind === 'text') {
          pieces.push(headerOf(part, header, 'quoted-printable'), Buffer.from(quotedPrintable(body), 'latin1'))
        } else pieces.push(headerOf(part, header, 'base64'), base64(body))
        break
      case 'quoted-printable':
        // an octet that should have been encoded
        pieces.push(headerOf(part, header, undefined), replaced(body, hex))
        break
      default:
        // garbage, which decoders skip
        pieces.push(
          headerOf(part, header, undefined),
          replaced(body, () => '?'),
        )
    }
  }
}

/** @param encoding To be said in place of what it says; absent: that stays. */
function headerOf({ content, envelope }: ScannedPart, header: string, encoding: string | undefined): Uint8Array {
  if (content.parameters.some(([name, value]) => name.toLowerCase() === 'boundary' && EIGHT_BIT.test(value))) {
    throw new NotConvertible()
  }
  let fields = downgradeHeader(header)
  const others = fields.replace(ENCODING_FIELD, '')
  if (encoding !== undefined && (encoding !== '7bit' || others !== fields)) {
    fields = others
    const blank = /\r?\n$/.exec(fields)?.index ?? fields.length
    // only the root of a message has an envelope
    const version = envelope !== undefined && !/^mime-version[ \t]*:/im.test(fields) ? 'MIME-Version: 1.0\r\n' : ''
    fields = `${fields.slice(0, blank)}${version}Content-Transfer-Encoding: ${encoding}\r\n${fields.slice(blank)}`
  }
  return Buffer.from(fields, 'latin1')
}

/** Delimiters, and what stands before the first and behind the last, for nobody to read. */
function between(bytes: Buffer): Uint8Array {
  return hasEightBit(bytes) ? replaced(bytes, () => '?') : bytes
}

function replaced(bytes: Buffer, by: (octet: string) => string): Uint8Array {
  return Buffer.from(bytes.toString('latin1').replace(/[\x80-\xff]/g, by), 'latin1')
}

function hex(octet: string): string {
  return `=${octet.charCodeAt(0).toString(16).toUpperCase()}`
}

function base64(bytes: Buffer): Uint8Array {
  return Buffer.from(bytes.toString('base64').replace(/.{76}(?=.)/g, '$&\r\n'), 'latin1')
}
