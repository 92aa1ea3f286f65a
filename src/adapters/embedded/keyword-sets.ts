import { MAX_KEYWORD_OCTETS, MAX_KEYWORD_SETS, MAX_KEYWORDS } from '#store/limits.ts'
import type { Sql } from './sql.ts'

/**
 * Keyword sets of one account, in the writer. A keyword keeps the spelling it was first seen with (keywords are
 * compared without case), and the order within a set says nothing.
 */
export class KeywordSets {
  readonly #sql: Sql
  readonly #slot: number
  readonly #sets: (readonly string[])[] = [[]]
  readonly #ids = new Map<string, number>([['', 0]])
  readonly #spelling = new Map<string, string>()

  constructor(sql: Sql, slot: number) {
    this.#sql = sql
    this.#slot = slot
    for (const [keywords] of sql.all('SELECT keywords FROM keyword_set WHERE account = ? ORDER BY id', slot)) {
      this.#remember(JSON.parse(keywords as string) as string[])
    }
  }

  #remember(keywords: readonly string[]): number {
    const id = this.#sets.length
    this.#sets.push(keywords)
    this.#ids.set(keyOf(keywords), id)
    for (const keyword of keywords) {
      const folded = keyword.toLowerCase()
      if (!this.#spelling.has(folded)) this.#spelling.set(folded, keyword)
    }
    return id
  }

  /** Keywords of a set. */
  keywords(id: number): readonly string[] {
    return this.#sets[id] ?? []
  }

  /** The limit that these keywords break together, `undefined` when they may be interned. */
  limitBroken(keywords: readonly string[]): number | undefined {
    if (keywords.length === 0) return undefined
    if (keywords.length > MAX_KEYWORDS) return MAX_KEYWORDS
    if (keywords.some((keyword) => Buffer.byteLength(keyword) > MAX_KEYWORD_OCTETS)) return MAX_KEYWORD_OCTETS
    if (this.#sets.length >= MAX_KEYWORD_SETS && !this.#ids.has(keyOf(keywords))) return MAX_KEYWORD_SETS
    return undefined
  }

  /** The id of a set, made where it is new. The limits are the caller's to ask. */
  intern(keywords: readonly string[]): number {
    if (keywords.length === 0) return 0
    const known = this.#ids.get(keyOf(keywords))
    if (known !== undefined) return known
    const spelt = unique(keywords).map((keyword) => this.#spelling.get(keyword.toLowerCase()) ?? keyword)
    const id = this.#remember(spelt)
    this.#sql.run(
      'INSERT INTO keyword_set (account, id, keywords) VALUES (?, ?, ?)',
      this.#slot,
      id,
      JSON.stringify(spelt),
    )
    return id
  }
}

function unique(keywords: readonly string[]): string[] {
  const found = new Map<string, string>()
  for (const keyword of keywords) {
    const folded = keyword.toLowerCase()
    if (!found.has(folded)) found.set(folded, keyword)
  }
  return [...found.values()]
}

/** The same for all spellings and orders of a set. No keyword has a space (RFC 9051 §9, flag-keyword). */
function keyOf(keywords: readonly string[]): string {
  return [...new Set(keywords.map((keyword) => keyword.toLowerCase()))].sort().join(' ')
}
