/** Builds the MIME tree out of what the scanner meets, line by line. @module */

import { envelopeOf } from './build-envelope.ts'
import { binaryOf, trimBinaryEnd } from './bytes.ts'
import { contentFacts, NO_CONTENT } from './content-facts.ts'
import { type Delimiter, Delimiters } from './delimiters.ts'
import type { Envelope } from './envelope.ts'
import { GrowingBuffer } from './growing-buffer.ts'
import { headerFields } from './headers.ts'
import {
  MAX_DELIMITER_LINE,
  MAX_DEPTH,
  MAX_FIELDS,
  MAX_HTML_BEGINNING,
  MAX_INNER_HEADERS,
  MAX_MESSAGE_HEADER,
  MAX_PART_HEADER,
  MAX_PARTS,
  MAX_PLAIN_BEGINNING,
} from './limits.ts'
import { parameter } from './parameters.ts'
import type { ContentFacts, ScannedMessage, ScannedPart, TextBeginning } from './scanned.ts'

/** A place in the message: octets and LFs before it. */
interface Place {
  readonly start: number
  readonly lines: number
}

interface OpenPart {
  readonly headerStart: number
  readonly isMessageRoot: boolean
  readonly inDigest: boolean
  kind: ScannedPart['kind']
  bodyStart: number
  bodyEnd: number
  linesBefore: number
  lines: number
  content: ContentFacts
  envelope: Envelope | undefined
  readonly children: OpenPart[]
  /** Of a multipart: whether one of its delimiters came. */
  delimited: boolean
}

/** The parts that are open form a path from the root; the last one is where bytes go. */
export class TreeBuilder {
  /** Boundaries of the multiparts on the path that may still have parts. */
  readonly delimiters: Delimiters<OpenPart> = new Delimiters()
  /** Whether the next line belongs to a header. */
  inHeader = true
  readonly #root: OpenPart = openPart(0, true, false)
  readonly #path: OpenPart[] = [this.#root]
  #parts = 1
  readonly #header = new GrowingBuffer(MAX_MESSAGE_HEADER)
  #outerHeader: Uint8Array = new Uint8Array(0)
  #innerHeadersLeft = MAX_INNER_HEADERS
  readonly #beginnings: { content: ContentFacts; bytes: GrowingBuffer }[] = []
  #beginning: GrowingBuffer | undefined

  /** Bytes of the header that is open. */
  keepHeader(bytes: Buffer, start: number, end: number): void {
    if (end > start) this.#header.append(bytes, start, end)
  }

  /** Bytes of the body that is open. */
  keepBody(bytes: Buffer, start: number, end: number): void {
    if (this.#beginning?.append(bytes, start, end) === false) this.#beginning = undefined
  }

  /** The blank line is over, or there is none and the part ends here. */
  headerEnds(start: number, lines: number): void {
    const part = this.#top()
    const header = this.#header.bytes()
    if (part === this.#root) this.#outerHeader = Uint8Array.from(header)
    else this.#innerHeadersLeft = Math.max(0, this.#innerHeadersLeft - header.length)
    const fields = headerFields(binaryOf(header), MAX_FIELDS)
    part.content = contentFacts(fields, part.inDigest)
    if (part.isMessageRoot) part.envelope = envelopeOf(fields)
    part.bodyStart = start
    part.linesBefore = lines
    this.inHeader = false
    this.#openBody(part, start)
  }

  #openBody(part: OpenPart, start: number): void {
    const type = part.content.type.toLowerCase()
    const isContainer = type === 'multipart' || (type === 'message' && isMessage(part.content.subtype))
    if (isContainer && (this.#path.length >= MAX_DEPTH || this.#parts >= MAX_PARTS)) {
      part.content = { ...part.content, type: 'APPLICATION', subtype: 'OCTET-STREAM' }
      part.kind = 'basic'
    } else if (type === 'multipart') this.#openMultipart(part)
    else if (isContainer) {
      part.kind = 'message'
      this.#openPart(start, true, false)
    } else {
      part.kind = type === 'text' ? 'text' : 'basic'
      this.#openLeaf(part)
    }
    if (this.#parts >= MAX_PARTS) this.delimiters.clear()
  }

  /** Without a boundary it cannot be one: RFC 2045 §5.2 makes it text/plain, so that a person can read it. */
  #openMultipart(part: OpenPart): void {
    const boundary = trimBinaryEnd(parameter(part.content.parameters, 'boundary') ?? '')
    if (boundary === '' || boundary.length > MAX_DELIMITER_LINE - 20) {
      part.content = { ...part.content, type: 'TEXT', subtype: 'PLAIN', parameters: [] }
      part.kind = 'text'
      this.#openLeaf(part)
    } else {
      part.kind = 'multipart'
      this.delimiters.push(boundary, part)
    }
  }

  /** Keeps the beginning of the first plain text and of the first HTML that are no attachments. */
  #openLeaf(part: OpenPart): void {
    const { subtype, disposition } = part.content
    if (part.kind !== 'text' || disposition?.type.toLowerCase() === 'attachment') return
    const isHtml = subtype.toLowerCase() === 'html'
    // A second part of the kind is looked at only where the first had nothing in it.
    const same = this.#beginnings.filter((each) => (each.content.subtype.toLowerCase() === 'html') === isHtml)
    if (same.length >= 3 || same.some((each) => each.bytes.bytes().length > 200)) return
    this.#beginning = new GrowingBuffer(isHtml ? MAX_HTML_BEGINNING : MAX_PLAIN_BEGINNING)
    this.#beginnings.push({ content: part.content, bytes: this.#beginning })
  }

  #openPart(start: number, isMessageRoot: boolean, inDigest: boolean): void {
    const part = openPart(start, isMessageRoot, inDigest)
    this.#top().children.push(part)
    this.#path.push(part)
    this.#parts += 1
    this.inHeader = true
    this.#header.reset(Math.min(this.#innerHeadersLeft, isMessageRoot ? MAX_MESSAGE_HEADER : MAX_PART_HEADER))
  }

  /**
   * A delimiter line.
   * @param line Where it begins, and how many octets the line end before it has: they belong to the delimiter.
   * @param after Where the next line begins.
   */
  delimiter(found: Delimiter<OpenPart>, line: Place & { readonly lineEnd: number }, after: Place): void {
    const owner = found.owner
    this.#closeInside(owner, line.start, line.lines, line.lineEnd)
    if (!owner.delimited) {
      owner.delimited = true
      this.#beginning = undefined
    }
    if (found.closes) {
      this.delimiters.removeFrom(owner)
      this.inHeader = false
      return
    }
    this.#openPart(after.start, false, owner.content.subtype.toLowerCase() === 'digest')
  }

  /** Closes all that is open inside the owner; without one, everything. */
  #closeInside(owner: OpenPart | undefined, at: number, lines: number, lineEnd: number): void {
    // A header that ends here may open a message inside, whose header ends here too.
    while (this.#path.at(-1) !== owner && this.inHeader) this.#cutHeader(at, lines, lineEnd)
    this.#beginning = undefined
    let end = at - lineEnd
    for (let part = this.#path.at(-1); part !== undefined && part !== owner; part = this.#path.at(-1)) {
      end = Math.max(end, part.bodyStart)
      part.bodyEnd = end
      part.lines = Math.max(0, lines - (end < at ? 1 : 0) - part.linesBefore)
      if (part.kind === 'multipart') {
        this.delimiters.removeFrom(part)
        if (part.children.length === 0) part.children.push(onlyChild(part))
      }
      this.#path.pop()
    }
  }

  /**
   * A header without its blank line. The line end before the delimiter is its last field's in a part's own header, but
   * not in the header of a message inside: all of that is the body of a part.
   */
  #cutHeader(at: number, lines: number, lineEnd: number): void {
    const { isMessageRoot, headerStart } = this.#top()
    const shorter = isMessageRoot && lineEnd > 0 && at - lineEnd >= headerStart
    this.headerEnds(shorter ? at - lineEnd : at, shorter ? lines - 1 : lines)
  }

  end(size: number, lines: number): Pick<ScannedMessage, 'root' | 'header' | 'beginnings'> {
    this.#closeInside(undefined, size, lines, 0)
    const beginnings = this.#beginnings.map(({ content, bytes }): TextBeginning => ({ content, bytes: bytes.bytes() }))
    return { root: scannedPart(this.#root), header: this.#outerHeader, beginnings }
  }

  #top(): OpenPart {
    return this.#path.at(-1) ?? this.#root
  }
}

function openPart(headerStart: number, isMessageRoot: boolean, inDigest: boolean): OpenPart {
  return {
    headerStart,
    isMessageRoot,
    inDigest,
    kind: 'text',
    bodyStart: headerStart,
    bodyEnd: headerStart,
    linesBefore: 0,
    lines: 0,
    content: NO_CONTENT,
    envelope: undefined,
    children: [],
    delimited: false,
  }
}

/**
 * What a multipart without any part has instead, as IMAP cannot say "none": an empty text, as Dovecot and Cyrus do;
 * where its boundary never came the text is all of the body, so that a person can still read it.
 */
function onlyChild(part: OpenPart): OpenPart {
  const start = part.delimited ? part.bodyEnd : part.bodyStart
  const child = openPart(start, false, false)
  child.bodyEnd = part.bodyEnd
  child.lines = part.delimited ? 0 : part.lines
  return child
}

function isMessage(subtype: string): boolean {
  const lower = subtype.toLowerCase()
  return lower === 'rfc822' || lower === 'global'
}

function scannedPart(part: OpenPart): ScannedPart {
  const { kind, headerStart, bodyStart, bodyEnd, lines, content, envelope } = part
  return { kind, headerStart, bodyStart, bodyEnd, lines, content, envelope, children: part.children.map(scannedPart) }
}
