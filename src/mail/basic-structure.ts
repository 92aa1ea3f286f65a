/** BODY out of the BODYSTRUCTURE that is kept ready to send: the same without extension data (RFC 9051 §7.5.2). @module */
import { binaryOf, bytesOfBinary } from './bytes.ts'

/**
 * Takes the extension data out of what `formatBodyStructure` wrote with `extended`; bytes from elsewhere are a fault.
 * @returns What `formatBodyStructure` writes without `extended`.
 */
export function basicBodyStructure(extended: Uint8Array): Uint8Array {
  return bytesOfBinary(new StructureReader(binaryOf(extended)).body())
}

class StructureReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  body(): string {
    this.#expect('(')
    let basic = ''
    if (this.#text[this.#at] === '(') {
      while (this.#text[this.#at] === '(') basic += this.body()
      basic += this.#next()
    } else basic = this.#leaf()
    while (this.#text[this.#at] !== ')') this.#next()
    this.#at += 1
    return `(${basic})`
  }

  #leaf(): string {
    const type = this.#value()
    const subtype = this.#next()
    let basic = type + subtype
    for (let field = 0; field < 5; field += 1) basic += this.#next()
    const media = `${type}/${subtype.trim()}`.toLowerCase()
    if (type.toLowerCase() === '"text"') return basic + this.#next()
    if (media !== '"message"/"rfc822"' && media !== '"message"/"global"') return basic
    basic += this.#next()
    this.#expect(' ')
    return `${basic} ${this.body()}${this.#next()}`
  }

  /** A space and the value after it. */
  #next(): string {
    this.#expect(' ')
    return ` ${this.#value()}`
  }

  /** A string, NIL, a number, or a list with all that is in it. */
  #value(): string {
    const start = this.#at
    let depth = 0
    do {
      const char = this.#text[this.#at]
      if (char === undefined) throw new RangeError('A body structure ends too early')
      if (char === '(') depth += 1
      else if (char === ')') depth -= 1
      if (char === '"') this.#quoted()
      else if (char === '{') this.#literal()
      else if (char === '(' || char === ')' || char === ' ') this.#at += 1
      else while (!this.#endsWord()) this.#at += 1
    } while (depth > 0)
    return this.#text.slice(start, this.#at)
  }

  #quoted(): void {
    this.#at += 1
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"')
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1
    this.#at += 1
  }

  #literal(): void {
    const end = this.#text.indexOf('}\r\n', this.#at)
    const size = Number(this.#text.slice(this.#at + 1, end))
    if (end < 0 || !Number.isSafeInteger(size)) throw new RangeError('A body structure has a broken literal')
    this.#at = end + 3 + size
  }

  #endsWord(): boolean {
    const char = this.#text[this.#at]
    return char === undefined || char === ' ' || char === '(' || char === ')'
  }

  #expect(char: string): void {
    if (this.#text[this.#at] !== char)
      throw new RangeError(`A body structure lacks ${JSON.stringify(char)} at ${this.#at}`)
    this.#at += 1
  }
}
