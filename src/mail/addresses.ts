/** Address lists of header fields (RFC 5322 §3.4, §4.4; RFC 6532), as binary strings, for ENVELOPE. @module */
import { isBlankCode, trimBinary } from './bytes.ts'
import type { EnvelopeAddress } from './envelope.ts'
import { MAX_ADDRESSES } from './limits.ts'
import { commentEnd } from './parameters.ts'

/** What stands where an address has no domain or no local part, as Dovecot writes it: NIL would mean a group. */
export const MISSING_DOMAIN = 'MISSING_DOMAIN'
const MISSING_MAILBOX = 'MISSING_MAILBOX'

type Token = {
  readonly kind: 'word' | 'quoted' | 'special' | 'end'
  readonly text: string
  /** White space or a comment stands before it. */
  readonly spaced: boolean
}

const END: Token = { kind: 'end', text: '', spaced: false }
// An encoded word is one atom here even with `,` or `:` in it, which RFC 2047 §5 forbids and programs write.
const ENCODED_WORD = /=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=/y

/**
 * Reads an address list, taking what can be read of anything. Groups are opened and closed as ENVELOPE has them.
 * @param text A field's value, unfolded, or several joined by commas.
 */
export function parseAddresses(text: string): EnvelopeAddress[] {
  return new AddressParser(text).list()
}

class AddressParser {
  readonly #text: string
  #at = 0
  #token: Token = END
  readonly #found: EnvelopeAddress[] = []
  #inGroup = false
  /** Words before the address or group that they name. */
  #phrase: Token[] = []
  #comment: string | undefined
  /** Set once the text has no closing quote or parenthesis any more: looking again and again would be quadratic. */
  #noQuotes = false
  #noComments = false

  constructor(text: string) {
    this.#text = text
    this.#next()
  }

  list(): EnvelopeAddress[] {
    while (this.#token.kind !== 'end' && this.#found.length < MAX_ADDRESSES) this.#step()
    this.#bare()
    if (this.#inGroup) this.#found.push({ name: undefined, route: undefined, mailbox: undefined, host: undefined })
    return this.#found
  }

  #step(): void {
    const { kind, text } = this.#token
    if (kind !== 'special') {
      this.#phrase.push(this.#token)
      this.#next()
      return
    }
    switch (text) {
      case '<':
        return this.#angle()
      case '@':
        return this.#atSign()
      case ':':
        return this.#colon()
      case ';':
        this.#bare()
        if (this.#inGroup) this.#found.push({ name: undefined, route: undefined, mailbox: undefined, host: undefined })
        this.#inGroup = false
        break
      case ',':
        this.#bare()
        break
      default: // a stray ">" says nothing
    }
    this.#next()
  }

  /** Words without an "@": a local part alone. */
  #bare(): void {
    const mailbox = phraseText(this.#phrase)
    if (mailbox !== '') this.#add(this.#comment, undefined, mailbox, MISSING_DOMAIN)
    this.#reset()
  }

  // addr-spec = local-part "@" domain
  #atSign(): void {
    const local = this.#phrase
    this.#next()
    const host = this.#lastDomain(local)
    // A route without angle brackets, `@a.example:b@c.example`: the address follows.
    if (local.length === 0 && host !== '' && this.#isSpecial(':')) return this.#next()
    if (this.#token.text === '<' && this.#token.kind === 'special') {
      // `a@b.example <a@b.example>`: the first is a display name
      const name = `${phraseText(local)}@${host}`
      this.#phrase = [{ kind: 'word', text: name, spaced: false }]
      return
    }
    const mailbox = localPart(local)
    // Words that follow are a name as some write it: `a@b.example John Doe`
    const after: Token[] = []
    while (this.#token.kind === 'word' || this.#token.kind === 'quoted') {
      after.push(this.#token)
      this.#next()
    }
    const name = this.#comment ?? (after.length > 0 ? phraseText(after) : undefined)
    if (mailbox !== '' || host !== '') this.#add(name, undefined, mailbox || MISSING_MAILBOX, host || MISSING_DOMAIN)
    this.#reset()
  }

  // angle-addr = "<" [obs-route] addr-spec ">"
  #angle(): void {
    const name = phraseText(this.#phrase)
    this.#next()
    let route = ''
    let host = ''
    if (this.#isSpecial('@')) {
      while (this.#token.kind !== 'end' && !this.#isSpecial(':') && !this.#isSpecial('>')) {
        route += this.#token.text
        this.#next()
      }
      if (this.#isSpecial(':')) this.#next()
      else {
        // No route after all: `<@example.org>`
        host = route.slice(1)
        route = ''
      }
    }
    const local: Token[] = []
    while (this.#token.kind !== 'end' && !this.#isSpecial('>') && !this.#isSpecial('@')) {
      // An unclosed "<" ends with the address.
      if (this.#isSpecial(',') || this.#isSpecial(';') || this.#isSpecial('<')) break
      local.push(this.#token)
      this.#next()
    }
    if (this.#isSpecial('@')) {
      this.#next()
      host = this.#lastDomain(local)
    }
    while (this.#token.kind === 'word' || this.#token.kind === 'quoted' || this.#isSpecial('@')) this.#next()
    if (this.#isSpecial('>')) this.#next()
    const mailbox = localPart(local)
    if (name !== '' || mailbox !== '' || host !== '') {
      this.#add(name || this.#comment, route || undefined, mailbox || MISSING_MAILBOX, host || MISSING_DOMAIN)
    }
    this.#reset()
  }

  // group = display-name ":" [group-list] ";"
  #colon(): void {
    if (this.#inGroup || this.#phrase.length === 0) {
      // No group in a group: the colon is one more character of the name.
      this.#phrase.push({ ...this.#token, kind: 'word' })
    } else {
      this.#found.push({ name: undefined, route: undefined, mailbox: phraseText(this.#phrase), host: undefined })
      this.#inGroup = true
      this.#reset()
    }
    this.#next()
  }

  /** With several "@" the last one counts, as in a UUCP route `a!b@c@d`. */
  #lastDomain(local: Token[]): string {
    let host = this.#domain()
    while (this.#isSpecial('@')) {
      local.push({ kind: 'word', text: `@${host}`, spaced: false })
      this.#next()
      host = this.#domain()
    }
    return host
  }

  #domain(): string {
    let host = ''
    let dots = true
    while (this.#token.kind === 'word') {
      // Words side by side are one domain only around a dot: `mail . example . org`
      const { text, spaced } = this.#token
      if (host !== '' && spaced && !dots && !text.startsWith('.')) break
      host += text
      dots = text.endsWith('.')
      this.#next()
    }
    return host
  }

  #add(name: string | undefined, route: string | undefined, mailbox: string, host: string): void {
    this.#found.push({ name: name === '' ? undefined : name, route, mailbox, host })
  }

  #reset(): void {
    this.#phrase = []
    this.#comment = undefined
  }

  #isSpecial(char: string): boolean {
    return this.#token.kind === 'special' && this.#token.text === char
  }

  #next(): void {
    const text = this.#text
    let spaced = false
    for (;;) {
      while (isBlankCode(text.charCodeAt(this.#at))) {
        this.#at += 1
        spaced = true
      }
      if (this.#at >= text.length) {
        this.#token = END
        return
      }
      if (text[this.#at] !== '(' || this.#noComments) break
      const end = commentEnd(text, this.#at)
      if (end === undefined) {
        this.#noComments = true
        break
      }
      // The old way of naming: `jdoe@example.org (John Doe)`
      this.#comment = trimBinary(text.slice(this.#at + 1, end - 1).replace(/\\(.)/g, '$1')) || this.#comment
      this.#at = end
      spaced = true
    }
    this.#token = this.#read(spaced)
  }

  #read(spaced: boolean): Token {
    const text = this.#text
    const char = text[this.#at] ?? ''
    if (char === '"' && !this.#noQuotes) {
      const end = closingQuote(text, this.#at)
      if (end !== undefined) {
        const value = text.slice(this.#at + 1, end).replace(/\\([^])/g, '$1')
        this.#at = end + 1
        return { kind: 'quoted', text: value, spaced }
      }
      this.#noQuotes = true
    }
    if ('<>@,;:'.includes(char)) {
      this.#at += 1
      return { kind: 'special', text: char, spaced }
    }
    const start = this.#at
    ENCODED_WORD.lastIndex = start
    if (char === '=' && ENCODED_WORD.test(text)) this.#at = ENCODED_WORD.lastIndex
    else if (char === '[' && text[start - 1] === '@') this.#at = literalEnd(text, start)
    else this.#at += 1
    while (this.#at < text.length && !this.#endsWord(text.charCodeAt(this.#at))) this.#at += 1
    return { kind: 'word', text: text.slice(start, this.#at), spaced }
  }

  #endsWord(code: number): boolean {
    if (isBlankCode(code)) return true
    if (code === 34) return !this.#noQuotes
    if (code === 40) return !this.#noComments
    return code === 60 || code === 62 || code === 64 || code === 44 || code === 59 || code === 58
  }
}

function closingQuote(text: string, from: number): number | undefined {
  for (let at = from + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 92) at += 1
    else if (code === 34) return at
  }
  return undefined
}

// domain-literal = "[" *dtext "]"; none is long, and looking further each time would be quadratic
function literalEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length && at < from + 256; at += 1) {
    const char = text[at]
    if (char === ']') return at + 1
    if (char === '>' || char === ',') break
  }
  return from + 1
}

/** A display name: words with one space where white space was. */
function phraseText(tokens: readonly Token[]): string {
  let text = ''
  for (const token of tokens) text += text !== '' && token.spaced ? ` ${token.text}` : token.text
  return text
}

/** A local part without its quoting, and without white space around dots (obs-local-part). */
function localPart(tokens: readonly Token[]): string {
  let text = ''
  for (const token of tokens) {
    const parted = token.spaced && text !== '' && !text.endsWith('.') && !token.text.startsWith('.')
    text += parted ? ` ${token.text}` : token.text
  }
  return text
}
