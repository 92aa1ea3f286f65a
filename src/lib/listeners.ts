/** Who wants to hear of what. */
export class Listeners<K, E> {
  readonly #byKey = new Map<K, Set<(event: E) => void>>()

  /** @returns The way to stop. */
  add(key: K, listener: (event: E) => void): () => void {
    const listeners = this.#byKey.get(key) ?? new Set()
    // Wrapped, so that the same function may listen twice and stop once.
    const own = (event: E): void => listener(event)
    listeners.add(own)
    this.#byKey.set(key, listeners)
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#byKey.get(key) === listeners) this.#byKey.delete(key)
    }
  }

  tell(key: K, event: E): void {
    for (const listener of Array.from(this.#byKey.get(key) ?? [])) listener(event)
  }

  clear(): void {
    this.#byKey.clear()
  }
}
