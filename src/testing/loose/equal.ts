/** Whether two parts of responses say the same. @module */
import type { Names } from '../transcript-names.ts'
import type { Node } from './nodes.ts'

export interface How {
  readonly ignoreCase?: boolean
  /** Extension data of BODYSTRUCTURE: NILs at the end may be left out. */
  readonly shorter?: boolean
}

/** One part. */
export function equalNode(wanted: Node, got: Node, names: Names, how: How = {}): boolean {
  if (wanted.kind === 'any') return true
  if (got.kind === 'any') return false
  if (wanted.kind === 'list' || got.kind === 'list')
    return wanted.kind === 'list' && got.kind === 'list' && equalNodes(wanted.items, got.items, names, how)
  if (isNil(wanted) !== isNil(got)) return false
  if (isNil(wanted)) return true
  if (names.equal(wanted.text, got.text, how.ignoreCase)) return true
  return equalSets(wanted.text, got.text)
}

/** Parts in their order; `...` takes any number of them. */
export function equalNodes(wanted: readonly Node[], got: readonly Node[], names: Names, how: How = {}): boolean {
  const [first, ...rest] = wanted
  if (first === undefined) return how.shorter === true ? got.every((node) => isNil(node)) : got.length === 0
  if (first.kind === 'any') {
    for (let taken = 0; taken <= got.length; taken += 1)
      if (names.attempt(() => equalNodes(rest, got.slice(taken), names, how))) return true
    return false
  }
  const [one, ...others] = got
  if (one === undefined) return how.shorter === true && wanted.every((node) => isNil(node))
  return equalNode(first, one, names, how) && equalNodes(rest, others, names, how)
}

/** Words without regard to order and case; `...` among those wanted allows more. */
export function equalWords(
  wanted: Node | undefined,
  got: Node | undefined,
  names: Names,
  free: (word: string) => boolean = () => false,
): boolean {
  if (wanted?.kind !== 'list' || got?.kind !== 'list') return false
  const open = wanted.items.some(({ kind }) => kind === 'any')
  const left = got.items.map((node) => wordOf(node))
  for (const node of wanted.items) {
    if (node.kind === 'any') continue
    const at = left.findIndex((word) => names.equal(wordOf(node), word, true))
    if (at < 0 && !free(wordOf(node))) return false
    if (at >= 0) left.splice(at, 1)
  }
  return open || left.every((word) => free(word))
}

export function wordOf(node: Node | undefined): string {
  return node === undefined || node.kind === 'list' || node.kind === 'any' ? '' : node.text
}

function isNil(node: Node): boolean {
  return node.kind === 'atom' && node.text.toUpperCase() === 'NIL'
}

/** `1:3` and `1,2,3` are the same set of numbers. */
function equalSets(wanted: string, got: string): boolean {
  const [one, two] = [numbersOf(wanted), numbersOf(got)]
  return one !== undefined && two !== undefined && one.join() === two.join()
}

/** The numbers of a set in its order; `undefined` where it is none, or a very large one. */
export function numbersOf(text: string): readonly number[] | undefined {
  if (!/^\d+(?::\d+)?(?:,\d+(?::\d+)?)*$/.test(text)) return undefined
  const numbers: number[] = []
  for (const range of text.split(',')) {
    const [first = 0, last = first] = range.split(':').map(Number)
    if (last - first > 10_000) return undefined
    for (let each = first; each <= last; each += 1) numbers.push(each)
  }
  return numbers
}
