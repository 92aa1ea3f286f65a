/** What a response says, whatever its form: literals and quoted strings alike, lists as lists. @module */

/** A part of a response. In what a transcript wants, `...` stands for anything. */
export type Node =
  | { readonly kind: 'atom'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly Node[] }
  | { readonly kind: 'any' }

/**
 * Cuts a response at its spaces and parentheses.
 * @param text Binary, literals in it after `{n}` CRLF. What is not closed at the end counts as closed.
 * @param wanted Of a transcript: with `...`.
 */
export function nodesOf(text: string, wanted: boolean): readonly Node[] {
  return new Cutter(text, wanted).list(0)
}

class Cutter {
  readonly #text: string
  readonly #wanted: boolean
  #at = 0

  constructor(text: string, wanted: boolean) {
    this.#text = text
    this.#wanted = wanted
  }

  /** Up to a closing parenthesis or the end. */
  list(depth: number): readonly Node[] {
    const items: Node[] = []
    for (;;) {
      const char = this.#text[this.#at]
      // a transcript may say only how it begins: `* 1 FETCH (ENVELOPE (NIL "x" ...`
      if (char === undefined) return depth > 0 && this.#wanted ? [...items, { kind: 'any' }] : items
      if (char === ')') {
        this.#at += 1
        return items
      }
      if (char === ' ') this.#at += 1
      else items.push(this.#one(char, depth))
    }
  }

  #one(char: string, depth: number): Node {
    if (char === '(') {
      this.#at += 1
      return { kind: 'list', items: this.list(depth + 1) }
    }
    if (char === '"') return this.#quoted()
    const literal = /^~?\{(\d+)\+?\}\r\n/.exec(this.#text.slice(this.#at, this.#at + 30))
    if (literal !== null) {
      const start = this.#at + literal[0].length
      this.#at = start + Number(literal[1])
      return { kind: 'string', text: this.#text.slice(start, this.#at) }
    }
    if (this.#any()) {
      this.#at += 3
      return { kind: 'any' }
    }
    return this.#atom()
  }

  #any(): boolean {
    return this.#wanted && this.#text.startsWith('...', this.#at)
  }

  #quoted(): Node {
    let text = ''
    for (this.#at += 1; this.#at < this.#text.length && this.#text[this.#at] !== '"'; this.#at += 1) {
      if (this.#text[this.#at] === '\\') this.#at += 1
      text += this.#text[this.#at] ?? ''
    }
    this.#at += 1
    return { kind: 'string', text }
  }

  /** A section with what stands in its brackets is one atom, such as `BODY[HEADER.FIELDS (TO)]<0>`. */
  #atom(): Node {
    const start = this.#at
    let depth = 0
    for (; this.#at < this.#text.length; this.#at += 1) {
      const char = this.#text[this.#at] ?? ''
      if (char === '[') depth += 1
      else if (char === ']') depth -= 1
      else if (depth <= 0 && (' ()"'.includes(char) || this.#any())) break
    }
    // a closing bracket alone must not stop us for ever
    if (this.#at === start) this.#at += 1
    return { kind: 'atom', text: this.#text.slice(start, this.#at) }
  }
}
