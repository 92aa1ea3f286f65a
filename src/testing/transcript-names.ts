/** Names of a transcript (`$uid`), bound where they first stand, and its escapes. @module */

/** Keywords that begin with `$` and are not names of a transcript. */
const FLAG_NAMES: ReadonlySet<string> = new Set([
  'Forwarded',
  'MDNSent',
  'Junk',
  'NonJunk',
  'NotJunk',
  'Phishing',
  'Important',
])

/** What names stand for. A comparison that failed leaves no name behind. */
export class Names {
  #bound: Map<string, string>

  constructor(bound: Map<string, string>) {
    this.#bound = bound
  }

  /** Runs a comparison; names that it bound are kept only when it gives true. */
  attempt(compare: () => boolean): boolean {
    const before = new Map(this.#bound)
    if (compare()) return true
    this.#bound.clear()
    for (const [name, value] of before) this.#bound.set(name, value)
    return false
  }

  /** Puts in what names stand for. */
  filled(text: string): string {
    return text.replace(/\$([a-zA-Z]\w*)/g, (whole, name: string) => this.#bound.get(name) ?? whole)
  }

  /** Whether a text is one with names and `...` in it. */
  equal(wanted: string, got: string, ignoreCase = false): boolean {
    const found: string[] = []
    const pattern = wanted.replace(/\$([a-zA-Z]\w*)|\.\.\.|[\\^$.*+?()[\]{}|]/g, (part, name: string | undefined) => {
      if (part === '...') return '.*'
      if (name === undefined || FLAG_NAMES.has(name)) return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
      const known = this.#bound.get(name)
      if (known !== undefined) return known.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
      if (found.includes(name)) return `\\${found.indexOf(name) + 1}`
      found.push(name)
      return '([^ (),[\\]]+)'
    })
    const match = new RegExp(`^${pattern}$`, ignoreCase ? 'si' : 's').exec(got)
    for (const [index, name] of found.entries()) if (match !== null) this.#bound.set(name, match[index + 1] ?? '')
    return match !== null
  }
}

/** What `\0`, `\r`, `\n` and `\xHH` stand for. */
export function unescape(text: string): string {
  return text.replace(/\\(?:x([0-9a-f]{2})|0|r|n)/g, (whole, hex: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    return whole === '\\r' ? '\r' : whole === '\\n' ? '\n' : '\0'
  })
}
