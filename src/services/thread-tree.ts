/**
 * Threads made of messages in the order of their dates (RFC 5256 §3). Numbers of messages count from 0. With 100,000 of
 * them each step takes long enough that others must have their turn.
 * @module
 */
import type { Turns } from '#lib/turns.ts'
import type { ThreadLinks } from './thread-links.ts'

/** No parent: the message begins a thread. */
const ROOT = -1

/** What the algorithms know of subjects. */
export interface ThreadSubjects {
  /** Base subject of each message, as a number; 0 is the empty one. */
  readonly bases: ArrayLike<number>
  /** All of these numbers are below. */
  readonly size: number
  /** 1 where something of a reply or a forward was taken off. */
  readonly answers: ArrayLike<number>
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
  { bases, size }: Pick<ThreadSubjects, 'bases' | 'size'>,
  turns: Turns,
): Promise<ThreadForest> {
  const parents = new Int32Array(order.length).fill(ROOT)
  const first = new Int32Array(size).fill(ROOT)
  for (const message of order) {
    const base = bases[message] ?? 0
    const head = first[base] ?? ROOT
    if (head === ROOT) first[base] = message
    else parents[message] = head
    if (turns.over) await turns.share()
  }
  return forestOf(order, parents, turns)
}

/**
 * Threads by references. Without subjects, nothing is merged, and the thread with the newest message comes last
 * (THREAD=REFS); with them, as REFERENCES wants it.
 * @param order All messages, by their dates.
 */
export async function byReferences(
  order: Uint32Array,
  links: ThreadLinks,
  subjects: ThreadSubjects | undefined,
  turns: Turns,
): Promise<ThreadForest> {
  const parents = await prune(order, links, turns)
  if (subjects !== undefined) {
    await mergeSubjects(order, parents, subjects, turns)
    return forestOf(order, parents, turns)
  }
  return newestLast(order, parents, turns)
}

/**
 * Step 3: ids without a message give way to their children, except at the top where there are several.
 * @returns of messages first, then of dummies: -1, a message, or a dummy.
 */
async function prune(order: Uint32Array, links: ThreadLinks, turns: Turns): Promise<number[]> {
  const count = order.length
  const parents = Array.from<number>({ length: count }).fill(ROOT)
  const top = await topOf(links, turns)
  const under = new Map<number, number[]>()
  for (let node = 0; node < links.nodes; node += 1) {
    if (turns.over) await turns.share()
    const message = links.messages[node] ?? ROOT
    if (message === ROOT) continue
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
  for (const siblings of under.values()) {
    if (turns.over) await turns.share()
    if (siblings.length < 2) continue
    const dummy = parents.length
    parents.push(ROOT)
    for (const message of siblings) parents[message] = dummy
  }
  return parents
}

/** Of each node: itself or the next above it that is a message, and the last one above it. */
async function topOf(
  { parents, messages, nodes }: ThreadLinks,
  turns: Turns,
): Promise<{ readonly real: Int32Array; readonly end: Int32Array }> {
  const real = new Int32Array(nodes)
  const end = new Int32Array(nodes).fill(ROOT)
  const way: number[] = []
  for (let node = 0; node < nodes; node += 1) {
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
  parents: number[],
  subjects: ThreadSubjects,
  turns: Turns,
): Promise<void> {
  const { length: count } = order
  const { roots, firstChild, nextSibling } = await forestOf(order, parents, turns)
  const isDummy = (node: number): boolean => node >= count
  const baseOf = (node: number): number => subjects.bases[isDummy(node) ? (firstChild[node] ?? 0) : node] ?? 0
  const answers = (node: number): boolean => !isDummy(node) && subjects.answers[node] === 1
  const table = new Int32Array(subjects.size).fill(ROOT)
  for (const node of roots) {
    if (turns.over) await turns.share()
    const base = baseOf(node)
    if (base === 0) continue
    const there = table[base] ?? ROOT
    if (there === ROOT) table[base] = node
    else if (!isDummy(there) && (isDummy(node) || (answers(there) && !answers(node)))) table[base] = node
  }
  for (const node of roots) {
    if (turns.over) await turns.share()
    const base = baseOf(node)
    const there = table[base] ?? ROOT
    if (base === 0 || there === ROOT || there === node || parents[node] !== ROOT) continue
    if (isDummy(there) && isDummy(node)) {
      for (let child = firstChild[node] ?? ROOT; child !== ROOT; child = nextSibling[child] ?? ROOT)
        parents[child] = there
    } else if (isDummy(there) || (answers(node) && !answers(there))) parents[node] = there
    else {
      const dummy = parents.length
      parents.push(ROOT)
      parents[node] = dummy
      parents[there] = dummy
      table[base] = dummy
    }
  }
}

/** Children and roots in the order of their dates; a dummy is as old as its first child. */
async function forestOf(order: Uint32Array, parents: ArrayLike<number>, turns: Turns): Promise<ThreadForest> {
  const { length: count } = order
  const size = Math.max(parents.length, count)
  const firstChild = new Int32Array(size).fill(-1)
  const nextSibling = new Int32Array(size).fill(-1)
  const lastChild = new Int32Array(size).fill(-1)
  const roots: number[] = []
  for (let index = 0; index < count; index += 1) {
    if (turns.over) await turns.share()
    const message = order[index] ?? 0
    const parent = parents[message] ?? ROOT
    if (parent === ROOT) {
      roots.push(message)
      continue
    }
    const last = lastChild[parent] ?? -1
    if (last >= 0) nextSibling[last] = message
    else {
      firstChild[parent] = message
      if (parent >= count) roots.push(parent)
    }
    lastChild[parent] = message
  }
  return { roots, messages: count, firstChild, nextSibling }
}

async function newestLast(order: Uint32Array, parents: readonly number[], turns: Turns): Promise<ThreadForest> {
  const forest = await forestOf(order, parents, turns)
  const rootOf = new Int32Array(parents.length).fill(-1)
  const placed = new Uint8Array(parents.length)
  const roots: number[] = []
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
    if (placed[root] === 1) continue
    placed[root] = 1
    roots.push(root)
  }
  return { ...forest, roots: roots.reverse() }
}
