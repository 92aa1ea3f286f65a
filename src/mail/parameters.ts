/** Content-Type, Content-Disposition and their parameters (RFC 2045 §5.1, RFC 2183, RFC 2231), as binary strings. @module */
import type { Parameters } from './body-structure.ts'
import { isBlankCode, trimBinary } from './bytes.ts'
import { decodeCharset } from './charset.ts'
import { decodeHeaderText } from './encoded-words.ts'
import { MAX_PARAMETERS } from './limits.ts'

/** A value up to the first semicolon, and the parameters after it. */
export interface ParameterisedValue {
  /** Comments and white space removed. */
  readonly value: string
  /** Continuations joined, see {@link joinContinuations}. */
  readonly parameters: Parameters
}

/** Reads `value; name=value; name="value"` from an unfolded field; takes what can be read of anything else. */
export function parseParameterised(text: string): ParameterisedValue {
  let at = skipComments(text, 0)
  let value = ''
  while (at < text.length && text[at] !== ';') {
    const code = text.charCodeAt(at)
    // Without the semicolon, as in `multipart/mixed boundary="b"`: a second word with `=` begins the parameters.
    if (isBlankCode(code) || code === 40) {
      const next = skipComments(text, at)
      if (next > at && /^[\w*.-]+=/.test(text.slice(next, next + 80)) && value !== '')
        return { value, ...rest(text, next) }
      at = next > at ? next : at + 1
    } else {
      value += text[at]
      at += 1
    }
  }
  return { value, ...rest(text, at) }
}

function rest(text: string, from: number): { parameters: Parameters } {
  const found: [string, string][] = []
  let at = from
  while (at < text.length && found.length < MAX_PARAMETERS) {
    while (at < text.length && (text[at] === ';' || isBlankCode(text.charCodeAt(at)))) at += 1
    at = skipComments(text, at)
    const start = at
    while (at < text.length && text[at] !== '=' && text[at] !== ';') at += 1
    const name = trimBinary(text.slice(start, at))
    if (text[at] !== '=') continue
    at = skipComments(text, at + 1)
    const [value, next] = text[at] === '"' ? quoted(text, at) : unquoted(text, at)
    at = next
    if (name !== '') found.push([name, value])
  }
  return { parameters: joinContinuations(found) }
}

/** After white space and comments; an unclosed comment takes all the rest (and keeps this linear). */
function skipComments(text: string, from: number): number {
  let at = from
  for (;;) {
    while (at < text.length && isBlankCode(text.charCodeAt(at))) at += 1
    if (text[at] !== '(') return at
    at = commentEnd(text, at) ?? text.length
  }
}

/** The offset after the comment that opens here, `undefined` when it is never closed (RFC 5322 §3.2.2). */
export function commentEnd(text: string, from: number): number | undefined {
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 92) at += 1
    else if (code === 40) depth += 1
    else if (code === 41) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return undefined
}

function quoted(text: string, from: number): [value: string, next: number] {
  let value = ''
  let at = from + 1
  let plain = at
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 34) return [value + text.slice(plain, at), at + 1]
    if (code === 92) {
      value += text.slice(plain, at)
      at += 1
      plain = at
    }
  }
  return [value + text.slice(plain), text.length]
}

/** A token, and more than RFC 2045 allows: `name=my file.pdf` is common; ` next=` ends it where a semicolon is missing. */
function unquoted(text: string, from: number): [value: string, next: number] {
  const semicolon = text.indexOf(';', from)
  const end = semicolon < 0 ? text.length : semicolon
  const all = trimBinary(text.slice(from, end))
  const word = /^[^ \t]*[ \t]+(?=[\w*.-]{1,70}=)/.exec(all)
  if (word !== null) return [trimBinary(word[0]), from + word[0].length]
  return [trimBinary(all.replace(/[ \t]\([^()]*\)$/, '')), end]
}

interface Segment {
  readonly order: number
  readonly extended: boolean
  readonly value: string
}

/**
 * Joins `name*0`, `name*1*`… (RFC 2231 §3). The outcome is called `name*` when any of its pieces is percent-encoded, and
 * then keeps charset and percent encoding: RFC 9051 §7.5.2 would rather have UTF-8 there, but what clients of today know,
 * from Dovecot and from the field itself, is `charset'language'%41…`, and this is legal in every mode.
 */
function joinContinuations(found: readonly (readonly [string, string])[]): Parameters {
  if (!found.some(([name]) => name.includes('*'))) return found
  const joined: [string, string][] = []
  const groups = new Map<string, { place: number; name: string; segments: Segment[] }>()
  for (const [name, value] of found) {
    const match = /^([^*]+)\*(\d{1,4})(\*?)$/.exec(name)
    const base = match?.[1]
    if (match === null || base === undefined) {
      joined.push([name, value])
      continue
    }
    const segment = { order: Number(match[2]), extended: match[3] === '*', value }
    const group = groups.get(base.toLowerCase())
    if (group !== undefined) group.segments.push(segment)
    else {
      groups.set(base.toLowerCase(), { place: joined.length, name: base, segments: [segment] })
      joined.push([base, ''])
    }
  }
  for (const { place, name, segments } of groups.values()) joined[place] = joinSegments(name, segments)
  return joined
}

function joinSegments(name: string, segments: Segment[]): [string, string] {
  segments.sort((a, b) => a.order - b.order)
  const whole = segments.filter((segment, i) => i === 0 || segment.order !== segments[i - 1]?.order)
  if (!whole.some((segment) => segment.extended)) return [name, whole.map((segment) => segment.value).join('')]
  let value = whole[0]?.extended === true ? '' : "''"
  for (const segment of whole) value += segment.extended ? segment.value : percentEncode(segment.value)
  return [`${name}*`, value]
}

function percentEncode(value: string): string {
  return value.replace(/[^\w.~-]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

/** The parameter's raw value, by its lower-case name. */
export function parameter(parameters: Parameters, lowerName: string): string | undefined {
  return parameters.find(([name]) => name.toLowerCase() === lowerName)?.[1]
}

/**
 * The parameter decoded to Unicode: `name*` by its charset (RFC 2231 §4), else `name` with the RFC 2047 words that
 * many programs wrongly put there.
 */
export function decodedParameter(parameters: Parameters, lowerName: string): string | undefined {
  const extended = parameter(parameters, `${lowerName}*`)
  if (extended !== undefined) return decodeExtended(extended)
  const plain = parameter(parameters, lowerName)
  return plain === undefined ? undefined : decodeHeaderText(plain)
}

// extended-initial-value := [charset] "'" [language] "'" extended-other-values
function decodeExtended(text: string): string {
  const parts = /^([^']*)'[^']*'/.exec(text)
  const encoded = parts === null ? text : text.slice(parts[0].length)
  const bytes = encoded.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return decodeCharset(Buffer.from(bytes, 'latin1'), parts?.[1] ?? '')
}
