/** Which message is the reply to which, by their ids (RFC 5256 §3 REFERENCES, step 1). @module */

const NONE = -1

/** Parents and children among messages and ids that no message has; nodes are numbers, given as they come up. */
export class ThreadLinks {
  /** Parent of each node, -1 where there is none. */
  readonly parents: number[] = []
  /** Message of each node, -1 for an id alone (a dummy). */
  readonly messages: number[] = []
  readonly #children: number[] = []
  readonly #ofId = new Map<string, number>()
  /** Nodes that were ever linked together have the same end here: a link between two others can make no loop. */
  readonly #group: number[] = []

  /**
   * The next message, in the order of the mailbox.
   * @param id `undefined` where it has none. An id that a message before it has is not used again.
   * @param references The eldest first.
   */
  add(message: number, id: string | undefined, references: readonly string[]): void {
    let last = NONE
    for (const reference of references) {
      const node = this.#nodeOf(reference)
      // A parent that is there already stays: lists of references may have been cut.
      if (last !== NONE && this.parents[node] === NONE) this.#link(last, node)
      last = node
    }
    const node = this.#messageNode(message, id)
    if (this.parents[node] !== NONE) this.#unlink(node)
    if (last !== NONE) this.#link(last, node)
  }

  #messageNode(message: number, id: string | undefined): number {
    const known = id === undefined ? undefined : this.#ofId.get(id)
    if (known !== undefined && this.messages[known] === NONE) {
      this.messages[known] = message
      return known
    }
    return this.#newNode(known === undefined ? id : undefined, message)
  }

  #nodeOf(id: string): number {
    return this.#ofId.get(id) ?? this.#newNode(id, NONE)
  }

  #newNode(id: string | undefined, message: number): number {
    const node = this.parents.length
    this.parents.push(NONE)
    this.messages.push(message)
    this.#children.push(0)
    this.#group.push(node)
    if (id !== undefined) this.#ofId.set(id, node)
    return node
  }

  #link(parent: number, child: number): void {
    const [a, b] = [this.#end(parent), this.#end(child)]
    if (a === b && this.#descends(parent, child)) return
    this.parents[child] = parent
    this.#children[parent] = (this.#children[parent] ?? 0) + 1
    this.#group[b] = a
  }

  #unlink(child: number): void {
    const parent = this.parents[child] ?? NONE
    this.parents[child] = NONE
    this.#children[parent] = (this.#children[parent] ?? 1) - 1
  }

  /** Whether `node` is `ancestor` or below it. */
  #descends(node: number, ancestor: number): boolean {
    if (node === ancestor) return true
    if ((this.#children[ancestor] ?? 0) === 0) return false
    for (let at = this.parents[node] ?? NONE; at !== NONE; at = this.parents[at] ?? NONE)
      if (at === ancestor) return true
    return false
  }

  #end(node: number): number {
    let end = node
    while (this.#group[end] !== end) {
      // Every second step is cut on the way, so that ways stay short.
      const next = this.#group[end] ?? end
      this.#group[end] = this.#group[next] ?? next
      end = this.#group[end] ?? end
    }
    return end
  }
}
