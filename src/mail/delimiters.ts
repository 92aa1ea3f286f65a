/** Which open multipart a line that begins with `--` belongs to (RFC 2046 §5.1.1). @module */
import { bytesOfBinary } from './bytes.ts'

/** What a delimiter line says. */
export interface Delimiter<T> {
  readonly owner: T
  /** `--boundary--`: no more parts. */
  readonly closes: boolean
}

/** The boundaries that are open, outermost first. */
export class Delimiters<T> {
  readonly #open: { readonly boundary: Uint8Array; readonly owner: T }[] = []

  get size(): number {
    return this.#open.length
  }

  push(boundary: string, owner: T): void {
    this.#open.push({ boundary: bytesOfBinary(boundary), owner })
  }

  /** Forgets this owner's boundary and all inside it. */
  removeFrom(owner: T): void {
    const at = this.#open.findIndex((each) => each.owner === owner)
    if (at >= 0) this.#open.length = at
  }

  clear(): void {
    this.#open.length = 0
  }

  /**
   * Compares a line that begins with `--`. The whole line must match but for white space at its end: RFC 2046 would be
   * content with its beginning, but then a boundary `a` would end at the lines of a boundary `ab` inside.
   * The innermost wins where two are the same.
   * @param end Offset of the line end, or of the end of data.
   */
  match(bytes: Uint8Array, start: number, end: number): Delimiter<T> | undefined {
    let stop = end
    while (stop > start && isPadding(bytes[stop - 1])) stop -= 1
    const length = stop - start - 2
    const dashes = length >= 2 && bytes[stop - 1] === 45 && bytes[stop - 2] === 45
    for (let i = this.#open.length - 1; i >= 0; i -= 1) {
      const each = this.#open[i]
      if (each === undefined) continue
      const size = each.boundary.length
      const closes = dashes && size === length - 2
      if ((closes || size === length) && same(bytes, start + 2, each.boundary)) return { owner: each.owner, closes }
    }
    return undefined
  }
}

function isPadding(byte: number | undefined): boolean {
  return byte === 32 || byte === 9 || byte === 13 || byte === 10
}

function same(bytes: Uint8Array, from: number, boundary: Uint8Array): boolean {
  for (let i = 0; i < boundary.length; i += 1) if (bytes[from + i] !== boundary[i]) return false
  return true
}
