/** What FETCH answers (RFC 9051 §7.5.2, RFC 3516 §4.3, RFC 7162 §7, RFC 8474 §5.3, RFC 8514 §5, RFC 8970 §6). @module */
import type { BodyStructure } from '#mail/body-structure.ts'
import type { Envelope } from '#mail/envelope.ts'
import { formatBodyStructure, formatEnvelope } from '#mail/format-structure.ts'
import type { Modseq, Uid } from '#mail/ids.ts'
import { readBodyStructure } from './body-structure-reader.ts'
import { binaryBytes } from './characters.ts'
import type { DateTime } from './date-time.ts'
import type { ElementReader } from './element-reader.ts'
import { readEnvelope } from './envelope-reader.ts'
import { type ExtensionValue, readExtensionValue, writeExtensionValue } from './extension-value.ts'
import { readSection, readSectionBinary, type Section, writeSection } from './fetch-items.ts'
import type { ResponseWriter } from './response-writer.ts'

/** Bytes; `streamed` says how many were handed out while framing; `undefined` is NIL: there is no such part. */
export type FetchedBytes = Uint8Array | { readonly streamed: number } | undefined

export type FetchValue =
  | { readonly kind: 'BODY' | 'BODYSTRUCTURE'; readonly body: BodyStructure }
  /** `origin` is the offset of a partial answer. */
  | {
      readonly kind: 'BODY[]'
      readonly section: Section
      readonly origin: number | undefined
      readonly bytes: FetchedBytes
    }
  | {
      readonly kind: 'BINARY[]'
      readonly part: readonly number[]
      readonly origin: number | undefined
      readonly bytes: FetchedBytes
    }
  | { readonly kind: 'BINARY.SIZE[]'; readonly part: readonly number[]; readonly size: number }
  | { readonly kind: 'EMAILID'; readonly id: string }
  | { readonly kind: 'ENVELOPE'; readonly envelope: Envelope }
  | { readonly kind: 'FLAGS'; readonly flags: readonly string[] }
  | { readonly kind: 'INTERNALDATE'; readonly date: DateTime }
  | { readonly kind: 'MODSEQ'; readonly modseq: Modseq }
  /** Unicode; `undefined` where there is none, or none yet (LAZY). */
  | { readonly kind: 'PREVIEW'; readonly text: string | undefined }
  | { readonly kind: 'RFC822' | 'RFC822.HEADER' | 'RFC822.TEXT'; readonly bytes: FetchedBytes }
  | { readonly kind: 'RFC822.SIZE'; readonly size: number }
  | { readonly kind: 'SAVEDATE'; readonly date: DateTime | undefined }
  | { readonly kind: 'THREADID'; readonly id: string | undefined }
  | { readonly kind: 'UID'; readonly uid: Uid }
  /** Items of other extensions, and known ones whose value cannot be read. */
  | { readonly kind: 'OTHER'; readonly name: string; readonly value: ExtensionValue }

// msg-att = "(" (msg-att-dynamic / msg-att-static) *(SP (msg-att-dynamic / msg-att-static)) ")"
export function readFetchValues(r: ElementReader): readonly FetchValue[] {
  return r.list(() => {
    const name = r.itemName()
    const known = r.attempt(() => readValue(r, name))
    return known ?? { kind: 'OTHER', name, value: readExtensionValue(r.sp()) }
  })
}

function readValue(r: ElementReader, name: string): FetchValue {
  if (name === 'BODY' && r.peek() === '[') {
    const section = readSection(r)
    const origin = readOrigin(r)
    return { kind: 'BODY[]', section, origin, bytes: readBytes(r.sp()) }
  }
  if (name === 'BINARY') {
    const part = readSectionBinary(r)
    const origin = readOrigin(r)
    return { kind: 'BINARY[]', part, origin, bytes: readBytes(r.sp()) }
  }
  if (name === 'BINARY.SIZE') {
    const part = readSectionBinary(r)
    return { kind: 'BINARY.SIZE[]', part, size: r.sp().number64() }
  }
  r.sp()
  switch (name) {
    case 'BODY':
    case 'BODYSTRUCTURE':
      return { kind: name, body: readBodyStructure(r) }
    case 'EMAILID':
      return { kind: name, id: readId(r) }
    case 'ENVELOPE':
      return { kind: name, envelope: readEnvelope(r) }
    case 'FLAGS':
      return { kind: name, flags: r.flagList() }
    case 'INTERNALDATE':
      return { kind: name, date: r.dateTime() }
    case 'MODSEQ': {
      // fetch-mod-resp = "MODSEQ" SP "(" permsg-modsequence ")"
      const modseq = r.expect('(').number64() as Modseq
      r.expect(')')
      return { kind: name, modseq }
    }
    case 'PREVIEW': {
      const binary = r.nstring()
      return { kind: name, text: binary === undefined ? undefined : Buffer.from(binary, 'latin1').toString('utf8') }
    }
    case 'RFC822':
    case 'RFC822.HEADER':
    case 'RFC822.TEXT':
      return { kind: name, bytes: readBytes(r) }
    case 'RFC822.SIZE':
      return { kind: name, size: r.number64() }
    case 'SAVEDATE':
      return { kind: name, date: r.nil() ? undefined : r.dateTime() }
    case 'THREADID':
      return { kind: name, id: r.nil() ? undefined : readId(r) }
    case 'UID':
      return { kind: name, uid: r.uid() }
    default:
      return { kind: 'OTHER', name, value: readExtensionValue(r) }
  }
}

// "(" objectid ")"
function readId(r: ElementReader): string {
  const id = r.expect('(').astring()
  r.expect(')')
  return id
}

// "<" number ">"
function readOrigin(r: ElementReader): number | undefined {
  if (!r.skip('<')) return undefined
  const origin = r.number64()
  r.expect('>')
  return origin
}

// nstring / literal8
function readBytes(r: ElementReader): FetchedBytes {
  if (r.nil()) return undefined
  if (!r.atLiteral) return binaryBytes(r.string())
  const { bytes, size } = r.literal()
  return bytes ?? { streamed: size }
}

/** Values in parentheses. Streamed bytes cannot be written: a TypeError. */
export function writeFetchValues(w: ResponseWriter, values: readonly FetchValue[]): void {
  w.list(values, (value) => writeValue(w, value))
}

function writeValue(w: ResponseWriter, value: FetchValue): void {
  switch (value.kind) {
    case 'BODY':
    case 'BODYSTRUCTURE':
      w.text(`${value.kind} `).raw(formatBodyStructure(value.body, { extended: value.kind === 'BODYSTRUCTURE' }))
      return
    case 'BODY[]':
      w.text('BODY')
      writeSection(w, value.section)
      writeBytes(writeOrigin(w, value.origin), value.bytes)
      return
    case 'BINARY[]':
      w.text(`BINARY[${value.part.join('.')}]`)
      // msg-att-static =/ "BINARY" section-binary SP (nstring / literal8): only this one may hold NUL
      writeBytes(writeOrigin(w, value.origin), value.bytes, true)
      return
    case 'BINARY.SIZE[]':
      w.text(`BINARY.SIZE[${value.part.join('.')}] ${value.size}`)
      return
    case 'EMAILID':
      w.text(`EMAILID (${value.id})`)
      return
    case 'ENVELOPE':
      w.text('ENVELOPE ').raw(formatEnvelope(value.envelope))
      return
    case 'FLAGS':
      w.text('FLAGS ').flagList(value.flags)
      return
    case 'INTERNALDATE':
      w.text('INTERNALDATE ').dateTime(value.date)
      return
    case 'MODSEQ':
      w.text(`MODSEQ (${value.modseq})`)
      return
    case 'PREVIEW':
      w.text('PREVIEW ')
      w.nstring(value.text === undefined ? undefined : Buffer.from(value.text, 'utf8').toString('latin1'))
      return
    case 'RFC822':
    case 'RFC822.HEADER':
    case 'RFC822.TEXT':
      writeBytes(w.text(`${value.kind} `), value.bytes)
      return
    case 'RFC822.SIZE':
      w.text(`RFC822.SIZE ${value.size}`)
      return
    case 'SAVEDATE':
      w.text('SAVEDATE ')
      if (value.date === undefined) w.text('NIL')
      else w.dateTime(value.date)
      return
    case 'THREADID':
      w.text(value.id === undefined ? 'THREADID NIL' : `THREADID (${value.id})`)
      return
    case 'UID':
      w.text(`UID ${value.uid}`)
      return
    case 'OTHER':
      writeExtensionValue(w.text(`${value.name} `), value.value)
  }
}

function writeOrigin(w: ResponseWriter, origin: number | undefined): ResponseWriter {
  return w.text(origin === undefined ? ' ' : `<${origin}> `)
}

function writeBytes(w: ResponseWriter, bytes: FetchedBytes, mayBinary = false): void {
  if (bytes === undefined) w.text('NIL')
  else if (!(bytes instanceof Uint8Array)) throw new TypeError('Bytes that were streamed cannot be written')
  else w.literal(bytes, mayBinary && bytes.includes(0))
}
