/**
 * Threads made of messages in the order of their dates (RFC 5256 §3). Numbers of messages count from 0. With 100,000 of
 * them each step takes long enough that others must have their turn.
 * @module
 */
import type { Turns } from '#lib/turns.ts'
import type { ThreadLinks } from './thread-links.ts'

/** No parent: the message begins a thread. */
const ROOT = -1

/** What the algorithms know of a message. */
export interface ThreadSubject {
  /** Sort key of the base subject. */
  readonly base: string
  /** Something of a reply or a forward was taken off it. */
  readonly answers: boolean
}

/** Threads in their order. */
export interface ThreadForest {
  /** First messages; from {@link messages} on, numbers stand for parents that are not there. */
  readonly roots: readonly number[]
  readonly messages: number
  /** Of each number, its first child and its next sibling, -1 where there is none. */
  readonly firstChild: Int32Array
  readonly nextSibling: Int32Array
}

/** Messages of one base subject are a thread; all but the eldest are children of that one. */
export async function bySubject(
  order: Uint32Array,
  subjectOf: (message: number) => ThreadSubject,
  turns: Turns,
): Promise<ThreadForest> {
  const parents = new Int32Array(order.length).fill(ROOT)
  const first = new Map<string, number>()
  for (const message of order) {
    const { base } = subjectOf(message)
    const head = first.get(base)
    if (head === undefined) first.set(base, message)
    else parents[message] = head
    if (turns.over) await turns.share()
  }
  return forestOf(order, parents, [], turns)
}

/**
 * Threads by references. Without subjects, nothing is merged, and the thread with the newest message comes last
 * (THREAD=REFS); with them, as REFERENCES wants it.
 * @param order All messages, by their dates.
 */
export async function byReferences(
  order: Uint32Array,
  links: ThreadLinks,
  subjectOf: ((message: number) => ThreadSubject) | undefined,
  turns: Turns,
): Promise<ThreadForest> {
  const tree = await prune(order, links, turns)
  if (subjectOf !== undefined) {
    await mergeSubjects(order, tree, subjectOf, turns)
    return forestOf(order, new Int32Array(tree.parents), tree.dummies, turns)
  }
  return newestLast(order, new Int32Array(tree.parents), tree.dummies, turns)
}

interface Tree {
  /** Of messages first, then of dummies: -1, a message, or a dummy. */
  readonly parents: number[]
  /** Numbers of the dummies that are there. */
  readonly dummies: number[]
}

/** Step 3: ids without a message give way to their children, except at the top where there are several. */
async function prune(order: Uint32Array, links: ThreadLinks, turns: Turns): Promise<Tree> {
  const count = order.length
  const parents = Array.from<number>({ length: count }).fill(ROOT)
  const top = await topOf(links, turns)
  const under = new Map<number, number[]>()
  for (const [node, message] of links.messages.entries()) {
    if (turns.over) await turns.share()
    if (message < 0) continue
    const near = links.parents[node] ?? ROOT
    const parent = near === ROOT ? ROOT : (top.real[near] ?? ROOT)
    if (parent !== ROOT) parents[message] = links.messages[parent] ?? ROOT
    else if (near !== ROOT) {
      const end = top.end[near] ?? near
      const siblings = under.get(end)
      if (siblings === undefined) under.set(end, [message])
      else siblings.push(message)
    }
  }
  const dummies: number[] = []
  for (const siblings of under.values()) {
    if (turns.over) await turns.share()
    if (siblings.length < 2) continue
    const dummy = parents.length
    parents.push(ROOT)
    dummies.push(dummy)
    for (const message of siblings) parents[message] = dummy
  }
  return { parents, dummies }
}

/** Of each node: itself or the next above it that is a message, and the last one above it. */
async function topOf(
  { parents, messages }: ThreadLinks,
  turns: Turns,
): Promise<{ readonly real: Int32Array; readonly end: Int32Array }> {
  const real = new Int32Array(parents.length)
  const end = new Int32Array(parents.length).fill(ROOT)
  const way: number[] = []
  for (let node = 0; node < parents.length; node += 1) {
    let at = node
    while (at !== ROOT && end[at] === ROOT) {
      way.push(at)
      at = parents[at] ?? ROOT
    }
    for (let below = way.pop(); below !== undefined; below = way.pop()) {
      const parent = parents[below] ?? ROOT
      end[below] = parent === ROOT ? below : (end[parent] ?? below)
      if ((messages[below] ?? ROOT) >= 0) real[below] = below
      else real[below] = parent === ROOT ? ROOT : (real[parent] ?? ROOT)
    }
    if (turns.over) await turns.share()
  }
  return { real, end }
}

/** Step 5: threads of one base subject become one. */
async function mergeSubjects(
  order: Uint32Array,
  tree: Tree,
  subjectOf: (message: number) => ThreadSubject,
  turns: Turns,
): Promise<void> {
  const { parents, dummies } = tree
  const { length: count } = order
  const { roots, firstChild, nextSibling } = await forestOf(order, new Int32Array(parents), dummies, turns)
  const isDummy = (node: number): boolean => node >= count
  const subject = (node: number): ThreadSubject => subjectOf(isDummy(node) ? (firstChild[node] ?? 0) : node)
  const answers = (node: number): boolean => !isDummy(node) && subjectOf(node).answers
  const table = new Map<string, number>()
  for (const node of roots) {
    if (turns.over) await turns.share()
    const { base } = subject(node)
    if (base === '') continue
    const there = table.get(base)
    if (there === undefined) table.set(base, node)
    else if (!isDummy(there) && (isDummy(node) || (answers(there) && !answers(node)))) table.set(base, node)
  }
  const deleted = new Set<number>()
  for (const node of roots) {
    if (turns.over) await turns.share()
    const { base } = subject(node)
    const there = table.get(base)
    if (base === '' || there === undefined || there === node || parents[node] !== ROOT) continue
    if (isDummy(there) && isDummy(node)) {
      for (let child = firstChild[node] ?? ROOT; child !== ROOT; child = nextSibling[child] ?? ROOT)
        parents[child] = there
      deleted.add(node)
    } else if (isDummy(there) || (answers(node) && !answers(there))) parents[node] = there
    else {
      const dummy = parents.length
      parents.push(ROOT)
      dummies.push(dummy)
      parents[node] = dummy
      parents[there] = dummy
      table.set(base, dummy)
    }
  }
  if (deleted.size > 0) dummies.splice(0, dummies.length, ...dummies.filter((dummy) => !deleted.has(dummy)))
}

/** Children and roots in the order of their dates; a dummy is as old as its first child. */
async function forestOf(
  order: Uint32Array,
  parents: Int32Array,
  dummies: readonly number[],
  turns: Turns,
): Promise<ThreadForest> {
  const { length: count } = order
  const size = Math.max(parents.length, count)
  const firstChild = new Int32Array(size).fill(-1)
  const nextSibling = new Int32Array(size).fill(-1)
  const lastChild = new Int32Array(size).fill(-1)
  const placed = new Set<number>()
  const roots: number[] = []
  const there = new Set(dummies)
  for (const message of order) {
    if (turns.over) await turns.share()
    const parent = parents[message] ?? ROOT
    if (parent === ROOT) {
      roots.push(message)
      continue
    }
    const last = lastChild[parent] ?? -1
    if (last < 0) firstChild[parent] = message
    else nextSibling[last] = message
    lastChild[parent] = message
    if (there.has(parent) && !placed.has(parent)) {
      placed.add(parent)
      roots.push(parent)
    }
  }
  return { roots, messages: count, firstChild, nextSibling }
}

async function newestLast(
  order: Uint32Array,
  parents: Int32Array,
  dummies: readonly number[],
  turns: Turns,
): Promise<ThreadForest> {
  const forest = await forestOf(order, parents, dummies, turns)
  const rootOf = new Int32Array(parents.length).fill(-1)
  const roots: number[] = []
  const placed = new Set<number>()
  const way: number[] = []
  for (let index = order.length - 1; index >= 0; index -= 1) {
    if (turns.over) await turns.share()
    let at = order[index] ?? 0
    while (rootOf[at] === -1 && (parents[at] ?? ROOT) !== ROOT) {
      way.push(at)
      at = parents[at] ?? 0
    }
    const root = rootOf[at] === -1 ? at : (rootOf[at] ?? at)
    rootOf[at] = root
    for (let below = way.pop(); below !== undefined; below = way.pop()) rootOf[below] = root
    if (placed.has(root)) continue
    placed.add(root)
    roots.push(root)
  }
  return { ...forest, roots: roots.reverse() }
}
