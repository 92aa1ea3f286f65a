/**
 * Text as searches compare it: without case, and without the ways in which Unicode writes one character twice
 * (design §8). The same for text and needle.
 * @example fold('ÉTÉ') === fold('été')
 */
export function fold(text: string): string {
  // Most text is ASCII, where this is all there is to do.
  if (!/[^\0-\x7f]/.test(text)) return text.toLowerCase()
  // Capitals first: ß and SS, and the two small sigmas, are one then.
  return text.toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFKD')
}

/** Finds a folded needle in text that comes in pieces, also where it lies across two of them. */
export class NeedleSearch {
  readonly #needle: string
  #tail = ''
  #found: boolean

  /** @param needle Folded; an empty one is in every text. */
  constructor(needle: string) {
    this.#needle = needle
    this.#found = needle === ''
  }

  get found(): boolean {
    return this.#found
  }

  /** @param continued Whether the piece goes on where the last one stopped. */
  push(text: string, continued: boolean): void {
    if (this.#found) return
    const folded = (continued ? this.#tail : '') + fold(text)
    this.#found = folded.includes(this.#needle)
    this.#tail = folded.slice(Math.max(0, folded.length - this.#needle.length + 1))
  }
}
