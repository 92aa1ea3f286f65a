/** THREAD as RFC 5256 §3 tells it, with an object for each message: what the fast way is compared with. @module */

/** What is known of a message. */
export interface PlainMessage {
  readonly uid: number
  readonly sentAt: number
  readonly id: string | undefined
  readonly references: readonly string[]
  readonly base: string
  readonly answers: boolean
}

/** A message, or an id that no message has, and what answers it. */
export interface PlainThread {
  message: PlainMessage | undefined
  children: PlainThread[]
}

interface Node extends PlainThread {
  parent: Node | undefined
  children: Node[]
}

/** Threads of messages in the order of the mailbox. */
export function plainThreads(
  messages: readonly PlainMessage[],
  how: 'subject' | 'references' | 'references-only',
): readonly PlainThread[] {
  if (how === 'subject') return orderedSubject(messages)
  const roots = pruned(rootsOf(messages))
  sort(roots)
  if (how === 'references') {
    const merged = mergeSubjects(roots)
    sort(merged)
    return merged
  }
  return roots.sort((a, b) => compare(newestOf(a), newestOf(b)))
}

function orderedSubject(messages: readonly PlainMessage[]): readonly PlainThread[] {
  const threads = new Map<string, PlainThread>()
  for (const message of [...messages].sort(compare)) {
    const thread = threads.get(message.base)
    if (thread === undefined) threads.set(message.base, { message, children: [] })
    else thread.children.push({ message, children: [] })
  }
  return [...threads.values()]
}

/** Steps 1 and 2. */
function rootsOf(messages: readonly PlainMessage[]): Node[] {
  const all: Node[] = []
  const byId = new Map<string, Node>()
  const make = (message: PlainMessage | undefined): Node => {
    const node: Node = { message, children: [], parent: undefined }
    all.push(node)
    return node
  }
  const ofId = (id: string): Node => {
    const node = byId.get(id) ?? make(undefined)
    byId.set(id, node)
    return node
  }
  for (const message of messages) {
    let last: Node | undefined
    for (const reference of message.references) {
      const node = ofId(reference)
      if (last !== undefined && node.parent === undefined) link(last, node)
      last = node
    }
    let node = message.id === undefined ? undefined : ofId(message.id)
    if (node === undefined || node.message !== undefined) node = make(message)
    node.message = message
    unlink(node)
    if (last !== undefined) link(last, node)
  }
  return all.filter(({ parent }) => parent === undefined)
}

function link(parent: Node, child: Node): void {
  for (let above: Node | undefined = parent; above !== undefined; above = above.parent) if (above === child) return
  child.parent = parent
  parent.children.push(child)
}

function unlink(child: Node): void {
  const { parent } = child
  if (parent !== undefined) parent.children = parent.children.filter((each) => each !== child)
  child.parent = undefined
}

/** Step 3. */
function pruned(roots: readonly Node[]): Node[] {
  const under = (nodes: readonly Node[]): Node[] =>
    nodes.flatMap((node) => {
      node.children = under(node.children)
      return node.message === undefined ? node.children : [node]
    })
  return roots.flatMap((root) => {
    root.children = under(root.children)
    return root.message === undefined && root.children.length < 2 ? root.children : [root]
  })
}

/** Steps 4 and 6: children by their dates, and a dummy by that of its first child. */
function sort(nodes: PlainThread[]): void {
  for (const { children } of nodes) sort(children)
  nodes.sort((a, b) => compare(firstOf(a), firstOf(b)))
}

/** Step 5. */
function mergeSubjects(roots: readonly Node[]): PlainThread[] {
  const table = new Map<string, PlainThread>()
  for (const root of roots) {
    const { base } = firstOf(root)
    const there = table.get(base)
    const better =
      there?.message !== undefined && (root.message === undefined || (there.message.answers && !root.message.answers))
    if (base !== '' && (there === undefined || better)) table.set(base, root)
  }
  const left: PlainThread[] = []
  for (const root of roots) {
    const { base } = firstOf(root)
    const there = table.get(base)
    if (there === undefined || there === root) left.push(root)
    else if (there.message === undefined && root.message === undefined) there.children.push(...root.children)
    else if (there.message === undefined || (root.message?.answers === true && !there.message.answers))
      there.children.push(root)
    else {
      const dummy: PlainThread = { message: undefined, children: [there, root] }
      table.set(base, dummy)
      left.push(dummy)
    }
  }
  // what became a child of a dummy is no root any more
  const inDummies = new Set(left.filter(({ message }) => message === undefined).flatMap(({ children }) => children))
  return left.filter((root) => !inDummies.has(root))
}

function firstOf({ message, children: [first] }: PlainThread): PlainMessage {
  if (message !== undefined) return message
  if (first === undefined) throw new Error('A dummy without children')
  return firstOf(first)
}

function newestOf(thread: PlainThread): PlainMessage {
  const all = [thread.message, ...thread.children.map(newestOf)].filter((message) => message !== undefined)
  return all.reduce((newest, one) => (compare(newest, one) < 0 ? one : newest))
}

function compare(a: PlainMessage, b: PlainMessage): number {
  return a.sentAt - b.sentAt || a.uid - b.uid
}
