/** What our clients' readers make of a server's bytes, however hostile, and whether that is as it should be. @module */
import { isDeepStrictEqual } from 'node:util'
import type { Random } from '#testing/random.ts'
import { type FrameEvent, ResponseFramer } from '#wire/imap/framer.ts'
import { RESPONSE_LIMITS } from '#wire/imap/limits.ts'
import { parseResponse } from '#wire/imap/response-reader.ts'
import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import { parseCapability } from '#wire/pop3/capabilities.ts'
import { DotUnstuffer } from '#wire/pop3/dot-stuffing.ts'
import { TOLERATED_RESPONSE_OCTETS } from '#wire/pop3/limits.ts'
import { type LineEvent, LineFramer } from '#wire/pop3/line-framer.ts'
import { parseDropListing, parseScanListing, parseUniqueIdListing } from '#wire/pop3/listings.ts'
import { parseStatusLine } from '#wire/pop3/responses.ts'

/** What came of it. */
export interface Reading {
  /** Responses or lines that could be read. */
  readonly read: number
  /** `undefined`: it is as it should be. */
  readonly fault: string | undefined
}

/** Nobody waits longer for one answer of a server to be read, however it is nested. */
const READING_MS = 2_000
/** Literals above this are taken as they come, not kept. */
const KEPT_LITERAL = 65_536

/**
 * IMAP: whole and in pieces the same frames come out, none above its limits; each gives a response or a SyntaxFault.
 */
export function readImap(bytes: Buffer, random: Random): Reading {
  const started = performance.now()
  const events = framed([bytes])
  if (!isDeepStrictEqual(joined(framed(pieces(bytes, random))), joined(events)))
    return { read: 0, fault: 'cut into pieces it gives other frames' }
  let read = 0
  for (const event of events) {
    if (event.kind !== 'frame') continue
    const { text, literals } = event.frame
    if (text.length > RESPONSE_LIMITS.lineBytes || literals.length > RESPONSE_LIMITS.literals)
      return { read, fault: `a frame of ${text.length} octets and ${literals.length} literals` }
    for (const utf8 of [false, true]) {
      try {
        parseResponse(event.frame, { utf8 })
        read += 1
      } catch (error) {
        if (!(error instanceof SyntaxFault)) return { read, fault: `${String(error)} at ${text.slice(0, 300)}` }
      }
    }
  }
  const took = performance.now() - started
  return { read, fault: took > READING_MS ? `read in ${Math.round(took)} ms` : undefined }
}

function framed(chunks: readonly Buffer[]): readonly FrameEvent[] {
  const events: FrameEvent[] = []
  const framer = new ResponseFramer()
  for (const chunk of chunks) {
    framer.push(chunk)
    for (let event = framer.next(); event !== undefined; event = framer.next()) {
      if (event.kind !== 'literal') events.push(event)
      else if (event.size > KEPT_LITERAL) framer.stream()
      else framer.buffer()
    }
  }
  return events
}

/** Chunks of one literal as one: where they are cut is of no account. */
function joined(events: readonly FrameEvent[]): readonly unknown[] {
  const all: unknown[] = []
  let chunk = ''
  for (const event of events) {
    if (event.kind === 'chunk') {
      chunk += Buffer.from(event.bytes).toString('latin1')
      continue
    }
    all.push(chunk, event)
    chunk = ''
  }
  return [...all, chunk]
}

/** POP3: whole and in pieces the same lines and the same body come out; each line gives values or a SyntaxError. */
export function readPop3(bytes: Buffer, random: Random): Reading {
  const started = performance.now()
  const cut = pieces(bytes, random)
  const lines = linesOf([bytes])
  if (!isDeepStrictEqual(linesOf(cut), lines)) return { read: 0, fault: 'cut into pieces it gives other lines' }
  if (unstuffed(cut) !== unstuffed([bytes])) return { read: 0, fault: 'cut into pieces it gives another body' }
  let read = 0
  for (const event of lines) {
    if (event.kind !== 'line') continue
    if (event.text.length > TOLERATED_RESPONSE_OCTETS) return { read, fault: `a line of ${event.text.length} octets` }
    for (const parse of [parseStatusLine, parseCapability, parseDropListing, parseScanListing, parseUniqueIdListing]) {
      try {
        if (parse(event.text) !== undefined) read += 1
      } catch (error) {
        if (!(error instanceof SyntaxError))
          return { read, fault: `${parse.name}: ${String(error)} at ${event.text.slice(0, 300)}` }
      }
    }
  }
  const took = performance.now() - started
  return { read, fault: took > READING_MS ? `read in ${Math.round(took)} ms` : undefined }
}

function linesOf(chunks: readonly Buffer[]): readonly LineEvent[] {
  const events: LineEvent[] = []
  const framer = LineFramer.forResponses()
  for (const chunk of chunks) {
    framer.push(chunk)
    for (let event = framer.next(); event !== undefined; event = framer.next()) events.push(event)
  }
  return events
}

/** The body of a multi-line response and what comes behind it. */
function unstuffed(chunks: readonly Buffer[]): string {
  const unstuffer = new DotUnstuffer()
  let body = ''
  let rest: string | undefined
  for (const chunk of chunks) {
    if (rest !== undefined) {
      rest += chunk.toString('latin1')
      continue
    }
    const out = unstuffer.push(chunk)
    body += Buffer.from(out.body).toString('latin1')
    if (out.rest !== undefined) rest = Buffer.from(out.rest).toString('latin1')
  }
  return JSON.stringify([body, rest])
}

/** The bytes as a network may cut them. */
function pieces(bytes: Buffer, random: Random): readonly Buffer[] {
  const all: Buffer[] = []
  const most = random.pick([1, 7, 1_400, 65_536])
  for (let at = 0; at < bytes.length; ) {
    // by single octets only a part of what is long
    const length = at > 20_000 ? 16_384 : random.between(1, most)
    all.push(bytes.subarray(at, at + length))
    at += length
  }
  return all
}
