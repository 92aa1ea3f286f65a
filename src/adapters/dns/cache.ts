/** Answers that are kept while their TTL lasts, the oldest going first when it is full. */
export class AnswerCache<T> {
  readonly #entries = new Map<string, { readonly value: T; readonly until: number; readonly weight: number }>()
  readonly #mostWeight: number
  #weight = 0

  /** @param mostWeight In octets of answers. */
  constructor(mostWeight: number) {
    this.#mostWeight = mostWeight
  }

  /** @returns the answer, and the seconds that are left of it. */
  get(key: string, now: number): { readonly value: T; readonly ttl: number } | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.until > now) return { value: entry.value, ttl: Math.ceil((entry.until - now) / 1000) }
    this.#drop(key, entry.weight)
    return undefined
  }

  set(key: string, value: T, until: number, octets: number): void {
    const before = this.#entries.get(key)
    if (before !== undefined) this.#drop(key, before.weight)
    const weight = octets + key.length + ENTRY
    this.#entries.set(key, { value, until, weight })
    this.#weight += weight
    for (const [oldest, entry] of this.#entries) {
      if (this.#weight <= this.#mostWeight) break
      this.#drop(oldest, entry.weight)
    }
  }

  get weight(): number {
    return this.#weight
  }

  #drop(key: string, weight: number): void {
    this.#entries.delete(key)
    this.#weight -= weight
  }
}

/** What an entry costs beside its bytes. */
const ENTRY = 200
