/** METADATA (RFC 5464 §5), and what LIST may return of it (RFC 9590). @module */
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'
import { METADATA_NAME } from './limits.ts'

/** How far below each entry GETMETADATA looks. */
export type MetadataDepth = '0' | '1' | 'infinity'

/** Everything after GETMETADATA. */
export interface MetadataRequest {
  /** Unicode; empty: the server. */
  readonly mailbox: string
  /** Octets; larger values are not sent, but told of. */
  readonly maxSize: number | undefined
  readonly depth: MetadataDepth
  /** Lower case, at least one. */
  readonly entries: readonly string[]
}

/** One entry with its value. */
export interface MetadataValue {
  /** Lower case. */
  readonly name: string
  /** Binary string; `undefined` (NIL) where there is none. */
  readonly value: string | undefined
}

/** Values, or only the names of entries that have changed (RFC 5464 §4.4). */
export interface MetadataResponse {
  readonly kind: 'METADATA'
  /** Unicode; empty: the server. */
  readonly mailbox: string
  readonly content:
    | { readonly kind: 'values'; readonly values: readonly MetadataValue[] }
    | { readonly kind: 'names'; readonly names: readonly string[] }
}

/** An entry's name in lower case (RFC 5464 §3.2: names have no case). */
export function readMetadataName(r: ElementReader): string {
  const start = r.position
  const name = r.astring().toLowerCase()
  if (!ENTRY.test(name) || name.length > METADATA_NAME) r.fault('An entry of /private or /shared is expected', start)
  return name
}

// "MUST NOT contain two consecutive "/" […] MUST NOT end with a "/" […] asterisk or percent […] non-ASCII […] 0x00 to 0x19"
// biome-ignore lint/suspicious/noControlCharactersInRegex: the RFC names octets
const ENTRY = /^\/(?:private|shared)(?:\/[\x1a-$&-)+-.0-~]+)*$/

// getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
/**
 * Everything after GETMETADATA and its space. Options are taken before the mailbox, as the grammar has them, and behind
 * it, as every example of the RFC has them (quirks.ts: metadata-options-behind).
 */
export function readMetadataRequest(r: ElementReader): MetadataRequest {
  const options: Options = { maxSize: undefined, depth: '0' }
  const first = r.peek() === '('
  if (first) {
    readOptions(r, options)
    r.sp()
  }
  const mailbox = r.mailbox()
  r.sp()
  if (!first && r.peek() === '(' && (r.looksAt('(MAXSIZE') || r.looksAt('(DEPTH'))) {
    readOptions(r, options)
    r.sp()
  }
  return { mailbox, ...options, entries: readMetadataNames(r) }
}

// entries = entry / "(" entry *(SP entry) ")"
function readMetadataNames(r: ElementReader): readonly string[] {
  return r.peek() === '(' ? r.list(() => readMetadataName(r), 1) : [readMetadataName(r)]
}

interface Options {
  maxSize: number | undefined
  depth: MetadataDepth
}

function readOptions(r: ElementReader, options: Options): void {
  r.list(() => {
    const start = r.position
    const name = r.keyword()
    if (name === 'MAXSIZE') options.maxSize = r.sp().number()
    else if (name === 'DEPTH') options.depth = readDepth(r.sp())
    else r.fault('GETMETADATA option is not known', start)
  }, 1)
}

function readDepth(r: ElementReader): MetadataDepth {
  const start = r.position
  const depth = r.keyword()
  if (depth === '0' || depth === '1') return depth
  return depth === 'INFINITY' ? 'infinity' : r.fault('A depth of 0, 1 or infinity is expected', start)
}

/** Everything after GETMETADATA and its space, options where the grammar has them: elsewhere Dovecot does not take them. */
export function writeMetadataRequest(w: ElementWriter, request: MetadataRequest): void {
  const options = [
    ...(request.maxSize === undefined ? [] : [`MAXSIZE ${request.maxSize}`]),
    ...(request.depth === '0' ? [] : [`DEPTH ${request.depth}`]),
  ]
  if (options.length > 0) w.text(`(${options.join(' ')}) `)
  w.mailbox(request.mailbox)
    .sp()
    .list(request.entries, (name) => w.astring(name))
}

// entry-values = "(" entry-value *(SP entry-value) ")"; entry-value = entry SP value; value = nstring / literal8
export function readMetadataValues(r: ElementReader): readonly MetadataValue[] {
  return r.list(() => {
    const name = readMetadataName(r)
    return { name, value: readValue(r.sp()) }
  }, 1)
}

function readValue(r: ElementReader): string | undefined {
  if (r.nil()) return undefined
  if (!r.atLiteral) return r.string()
  const start = r.position
  const { bytes, binary } = r.literal()
  if (bytes === undefined) r.fault('The literal was not kept', start)
  const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  if (!binary && value.includes('\0')) r.fault('NUL is not allowed in this literal', start)
  return value
}

/** `(/shared/comment "x" /private/comment NIL)`. */
export function writeMetadataValues(w: ElementWriter, values: readonly MetadataValue[]): void {
  w.list(values, ({ name, value }) => w.astring(name).sp().nstring(value))
}

// metadata-resp = "METADATA" SP mailbox SP (entry-values / entry-list)
export function readMetadataContent(r: ElementReader): MetadataResponse['content'] {
  if (r.peek() === '(') return { kind: 'values', values: readMetadataValues(r) }
  const names = [readMetadataName(r)]
  while (r.spaces() && !r.atEnd) names.push(readMetadataName(r))
  return { kind: 'names', names }
}

/** What {@link readMetadataContent} reads. */
export function writeMetadataContent(w: ElementWriter, content: MetadataResponse['content']): void {
  if (content.kind === 'values') writeMetadataValues(w, content.values)
  else
    for (const [index, name] of content.names.entries()) {
      if (index > 0) w.sp()
      w.astring(name)
    }
}
