/** The THREAD response as a value (RFC 5256 §4, §5). Neither way recurses: threads may be as deep as a mailbox is large. @module */
import type { ElementReader } from './element-reader.ts'

/** `(3 6 (4 23)(44 7 96))`. */
export interface ThreadList {
  /** Each the parent of the next; empty when the branches are siblings whose parent is not there. */
  readonly numbers: readonly number[]
  /** What the last number splits into; none or at least two, as each stands in parentheses of its own. */
  readonly branches: readonly ThreadList[]
}

interface Open {
  readonly numbers: number[]
  readonly branches: ThreadList[]
}

// thread-data = "THREAD" [SP 1*thread-list]
export function readThreadLists(r: ElementReader): readonly ThreadList[] {
  const threads: ThreadList[] = []
  const open: Open[] = []
  for (;;) {
    r.spaces()
    const inner = open.at(-1)
    if (r.skip('(')) {
      const next: Open = { numbers: [], branches: [] }
      if (inner === undefined) threads.push(next)
      else inner.branches.push(next)
      open.push(next)
    } else if (inner === undefined) return threads
    else if (r.skip(')')) {
      if (inner.numbers.length === 0 && inner.branches.length === 0) r.fault('A message number is expected')
      open.pop()
    } else if (inner.branches.length > 0) r.fault('"(" or ")" is expected')
    else inner.numbers.push(r.nzNumber())
  }
}

/** As {@link readThreadLists} reads it, without a space in front. */
export function formatThreadLists(threads: readonly ThreadList[]): string {
  let text = ''
  const todo: (ThreadList | ')')[] = [...threads].reverse()
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (next === ')') {
      text += ')'
      continue
    }
    text += `(${next.numbers.join(' ')}`
    if (next.numbers.length > 0 && next.branches.length > 0) text += ' '
    todo.push(')')
    for (let i = next.branches.length - 1; i >= 0; i -= 1) {
      const branch = next.branches[i]
      if (branch !== undefined) todo.push(branch)
    }
  }
  return text
}
