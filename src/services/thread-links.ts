/** Which message is the reply to which, by their ids (RFC 5256 §3 REFERENCES, step 1). @module */

const NONE = -1

/** Parents and children among messages and ids that no message has. Nodes are numbers: the ids, then what has none. */
export class ThreadLinks {
  /** Parent of each node, -1 where there is none. */
  readonly parents: Int32Array
  /** Message of each node, -1 for an id alone (a dummy). */
  readonly messages: Int32Array
  readonly #children: Int32Array
  /** Nodes that were ever linked together have the same end here: a link between two others can make no loop. */
  readonly #group: Int32Array
  #nodes: number

  /**
   * @param ids All ids are below this number.
   * @param messages How many will be added.
   */
  constructor(ids: number, messages: number) {
    const most = ids + messages
    this.parents = new Int32Array(most).fill(NONE)
    this.messages = new Int32Array(most).fill(NONE)
    this.#children = new Int32Array(most)
    this.#group = new Int32Array(most)
    for (let node = 0; node < most; node += 1) this.#group[node] = node
    this.#nodes = ids
  }

  /** All nodes are below this number. */
  get nodes(): number {
    return this.#nodes
  }

  /**
   * The next message, in the order of the mailbox.
   * @param id 0 where it has none. An id that a message before it has is not used again.
   * @param references The eldest first.
   */
  add(message: number, id: number, references: ArrayLike<number>): void {
    let last = NONE
    for (let at = 0; at < references.length; at += 1) {
      const node = references[at] ?? 0
      // A parent that is there already stays: lists of references may have been cut.
      if (last !== NONE && this.parents[node] === NONE) this.#link(last, node)
      last = node
    }
    const node = this.#messageNode(message, id)
    if (this.parents[node] !== NONE) this.#unlink(node)
    if (last !== NONE) this.#link(last, node)
  }

  #messageNode(message: number, id: number): number {
    const node = id !== 0 && this.messages[id] === NONE ? id : this.#nodes++
    this.messages[node] = message
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
