/** Authentication-Results (RFC 8601 §2.2): what checks found, written and read. @module */
import { domainToASCII } from 'node:url'
import { bufferOf } from './bytes.ts'

/** One `resinfo`: a method, what it found, and about whom. */
export interface MethodResult {
  /** `spf`, `dkim`, `dmarc`, `arc`, `iprev` … */
  readonly method: string
  /** `pass`, `fail`, `none`, `temperror` … */
  readonly result: string
  readonly comment?: string
  /** `ptype.property` and its value, in their order. */
  readonly properties: Readonly<Record<string, string>>
}

/** A whole field. */
export interface AuthenticationResults {
  /** Who found it (authserv-id, RFC 8601 §2.5), in lower case. */
  readonly by: string
  readonly results: readonly MethodResult[]
}

/** Longer values say nothing to anybody; a line has at most 998 octets (RFC 5322 §2.1.1). */
const MOST_VALUE = 320
const MOST_COMMENT = 200

/** The field with its CRLF, a line a method. */
export function formatAuthenticationResults({ by, results }: AuthenticationResults): string {
  // no-result = [CFWS] ";" [CFWS] "none"
  const lines = results.length === 0 ? ['none'] : results.map(formatMethod)
  return `Authentication-Results: ${formatValue(by)};\r\n\t${lines.join(';\r\n\t')}\r\n`
}

function formatMethod({ method, result, comment, properties }: MethodResult): string {
  let text = `${method}=${result}`
  if (comment !== undefined && comment !== '') text += ` (${formatComment(comment)})`
  for (const [name, value] of Object.entries(properties)) {
    if (value === '' || Buffer.byteLength(value) > MOST_VALUE) continue
    const next = `${name}=${formatValue(value)}`
    text += text.length + next.length > 140 ? `\r\n\t ${next}` : ` ${next}`
  }
  return text
}

function formatComment(comment: string): string {
  return printable(comment)
    .slice(0, MOST_COMMENT)
    .replace(/[()\\]/g, ' ')
    .trim()
}

// pvalue = [CFWS] ( ( value / ( [ [ local-part ] "@" ] domain-name ) ) ; value = token / quoted-string (RFC 2045 §5.1)
function formatValue(value: string): string {
  const text = printable(value)
  return /^[^\s()<>,;:\\"/[\]?=]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** Nothing that could end a line or hide what stands there. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '?')
}

/**
 * Reads the body of a field, folded or not; tolerant of everything that it can pass over.
 * @returns `undefined` where it names nobody.
 */
export function parseAuthenticationResults(body: string): AuthenticationResults | undefined {
  const reader = new Reader(body)
  const by = reader.value()
  if (by === '') return undefined
  const results: MethodResult[] = []
  // authres-version is passed over with everything else up to the first ";"
  reader.passSemicolon()
  while (!reader.atEnd) {
    const found = readMethod(reader)
    if (found !== undefined) results.push(found)
    reader.passSemicolon()
  }
  return { by: by.toLowerCase(), results }
}

function readMethod(reader: Reader): MethodResult | undefined {
  // methodspec = [CFWS] method [CFWS] "=" [CFWS] result ; method may have "/" and a version
  const method = reader
    .word()
    .replace(/\/\d+$/, '')
    .toLowerCase()
  if (method === '' || !reader.passEquals()) return undefined
  const result = reader.word().toLowerCase()
  const comment = reader.comment()
  const properties: Record<string, string> = Object.create(null) as Record<string, string>
  for (;;) {
    const name = reader.word().toLowerCase()
    if (name === '' || !reader.passEquals()) break
    properties[name] = reader.value()
  }
  return comment === '' ? { method, result, properties } : { method, result, comment, properties }
}

/** Who wrote a field, by the octets after its colon, in the one form that all that mean the same have; empty: nobody is named. */
export function authServIdOf(body: Uint8Array): string {
  const id = new Reader(bufferOf(body).toString('utf8')).value().toLowerCase().replace(/\.$/, '')
  // in U-labels it is the same name (RFC 8601 §2.5)
  return /^[\u0000-\u007f]*$/.test(id) ? id : domainToASCII(id) || id
}

/** Words, quoted strings and comments of a field, one after another. */
class Reader {
  readonly #text: string
  #at = 0
  #comment = ''

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    this.#cfws()
    return this.#at >= this.#text.length
  }

  /** A run of octets without white space, delimiters or `=`; empty: something else stands there. */
  word(): string {
    this.#cfws()
    return this.#run(/[^\s()";=]*/y)
  }

  /** A quoted string, or a run up to white space or `;`, quotes within it left as they are. */
  value(): string {
    this.#cfws()
    const found = this.#run(/(?:"(?:[^"\\]|\\[\s\S])*"?|[^\s()";])*/y)
    if (!/^"(?:[^"\\]|\\[\s\S])*"?$/.test(found)) return found
    return found
      .replace(/^"|"$/g, '')
      .replace(/\\([\s\S])/g, '$1')
      .replace(/\r?\n/g, '')
  }

  passEquals(): boolean {
    this.#cfws()
    if (this.#text[this.#at] !== '=') return false
    this.#at += 1
    return true
  }

  /** Goes behind the next `;` that is in no comment and no quotes, or to the end. */
  passSemicolon(): void {
    for (;;) {
      this.#cfws()
      const next = this.#text[this.#at]
      if (next === undefined) return
      if (next === '"') this.value()
      else this.#at += 1
      if (next === ';') return
    }
  }

  /** The comment that was passed over last before this point, empty without; forgotten afterwards. */
  comment(): string {
    this.#comment = ''
    this.#cfws()
    return this.#comment
  }

  #run(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const [found = ''] = pattern.exec(this.#text) ?? []
    this.#at += found.length
    return found
  }

  // CFWS = (1*([FWS] comment) [FWS]) / FWS, comments may nest (RFC 5322 §3.2.2)
  #cfws(): void {
    for (;;) {
      this.#run(/\s*/y)
      if (this.#text[this.#at] !== '(') return
      const from = this.#at
      let depth = 0
      do {
        const char = this.#text[this.#at]
        if (char === '\\') this.#at += 1
        else if (char === '(') depth += 1
        else if (char === ')') depth -= 1
        this.#at += 1
      } while (depth > 0 && this.#at < this.#text.length)
      this.#comment = this.#text.slice(from + 1, this.#at - 1).trim()
    }
  }
}
