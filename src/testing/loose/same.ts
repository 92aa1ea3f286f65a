/** Whether a response of any server says what a transcript wants, forms and orders aside that RFCs leave open. @module */

import type { Names } from '../transcript-names.ts'
import { equalNode, equalNodes, equalWords, type How, numbersOf, wordOf } from './equal.ts'
import { type Node, nodesOf } from './nodes.ts'

/** Flags and numbers that may come with any FETCH, asked for or not (RFC 9051 §7.5.2). */
const UNASKED: ReadonlySet<string> = new Set(['FLAGS', 'UID', 'MODSEQ'])
/** Hints that a server may give about any mailbox (RFC 9051 §7.3.1, RFC 6154 §2, RFC 5258 §3.4). */
const HINTS = /^\\(?:Marked|Unmarked|Noinferiors|Subscribed|Sent|Drafts|Junk|Trash|Archive|All|Flagged)$/i
const CHILDREN = /^\\Has(?:No)?Children$/i

export interface Asked {
  /** RETURN (CHILDREN), or no options at all: attributes about children must be there. */
  readonly children: boolean
}

/** Compares whole responses, both without the line end. */
export function sameResponse(wanted: string, got: string, names: Names, asked: Asked): boolean {
  return names.attempt(() => names.equal(wanted, got)) || names.attempt(() => same(wanted, got, names, asked))
}

function same(wanted: string, got: string, names: Names, asked: Asked): boolean {
  if (wanted.startsWith('+')) return got.startsWith('+') && (wanted === '+' || names.equal(wanted, got))
  const status = /^(\S+) (OK|NO|BAD|BYE|PREAUTH)(?: |$)/
  const [theirs, ours] = [status.exec(got), status.exec(wanted)]
  // `a $status ...`
  if (ours === null && theirs !== null && /^\S+ \$\w+ /.test(wanted)) return names.equal(wanted, got)
  if (ours !== null || theirs !== null) return ours !== null && theirs !== null && sameStatus(wanted, got, names)
  const [w, g] = [nodesOf(wanted, true), nodesOf(got, false)]
  const [, first, second] = w.map((node) => wordOf(node).toUpperCase())
  if (w.length === 1 && w[0]?.kind === 'any') return true
  if (second === 'FETCH') return sameFetch(w, [g], names)
  if (wordOf(w[1]).toUpperCase() !== wordOf(g[1]).toUpperCase()) return names.equal(wanted, got)
  switch (first) {
    case 'LIST':
    case 'LSUB':
      return sameList(w, g, names, asked)
    case 'STATUS':
      return sameName(w[2], g[2], names) && samePairs(listed(w[3]), listed(g[3]), names, new Set())
    case 'SEARCH':
      return sameNumbers(w, g, names)
    case 'VANISHED':
      return (
        w.length === g.length &&
        sorted(wordOf(w.at(-1))) === sorted(wordOf(g.at(-1))) &&
        equalNodes(w.slice(2, -1), g.slice(2, -1), names)
      )
    case 'ESEARCH':
      return sameEsearch(w.slice(2), g.slice(2), names)
    case 'FLAGS':
      return equalWords(open(w[2]), g[2], names)
    case 'CAPABILITY':
    case 'ENABLED':
      return equalWords(list([...w.slice(2), ANY]), list(g.slice(2)), names)
    default:
      return equalNodes(w, g, names) || names.equal(wanted, got, true)
  }
}

/** What a FETCH has, in one response or in several for the same message. */
export function sameFetch(wanted: readonly Node[], got: readonly (readonly Node[])[], names: Names): boolean {
  const [first] = got
  if (first === undefined || wordOf(first[2]).toUpperCase() !== 'FETCH') return false
  if (wanted[1] === undefined || first[1] === undefined || !equalNode(wanted[1], first[1], names)) return false
  const items = got.flatMap((nodes) => listed(nodes[3]))
  const w = listed(wanted[3])
  if (samePairs(w, items, names, UNASKED)) return true
  // RFC 7162 §3.1.4 recommends the UID besides MODSEQ, and no more
  const known = w.filter((_, index) => index % 2 === 0).map((node) => wordOf(node).toUpperCase())
  if (!known.includes('MODSEQ')) return false
  const at = known.indexOf('UID') * 2
  return at >= 0 && samePairs(w.toSpliced(at, 2), items, names, UNASKED)
}

/** Name and value in turn, in any order; those of `free` may come besides. The last one of a name counts. */
function samePairs(wanted: readonly Node[], got: readonly Node[], names: Names, free: ReadonlySet<string>): boolean {
  const values = new Map(pairs(got).found)
  const { found, more } = pairs(wanted)
  for (const [name, value] of found) {
    const theirs = values.get(name)
    if (value === undefined || theirs === undefined || !sameValue(name, value, theirs, names)) return false
    values.delete(name)
  }
  return more || [...values.keys()].every((name) => free.has(name))
}

interface Pairs {
  readonly found: readonly (readonly [string, Node | undefined])[]
  /** `...` stands where a name would. */
  readonly more: boolean
}

function pairs(nodes: readonly Node[]): Pairs {
  const found: (readonly [string, Node | undefined])[] = []
  let more = false
  for (let at = 0; at < nodes.length; at += 1) {
    const node = nodes[at]
    if (node?.kind === 'any') {
      more = true
      continue
    }
    at += 1
    found.push([itemName(wordOf(node)), nodes[at]])
  }
  return { found, more }
}

/** Field names in any case and form: `BODY[HEADER.FIELDS ("To")]`. */
function itemName(text: string): string {
  return text.toUpperCase().replaceAll('"', '')
}

function sameValue(name: string, wanted: Node, got: Node, names: Names): boolean {
  if (name === 'FLAGS') return equalWords(wanted, got, names, (word) => /^\\Recent$/i.test(word))
  if (name === 'BODY' || name === 'BODYSTRUCTURE') return equalStructure(wanted, got, names)
  if (name === 'INTERNALDATE' && wordOf(wanted) !== '' && !/\$|\.\.\./.test(wordOf(wanted)))
    return instant(wordOf(wanted)) === instant(wordOf(got))
  return equalNode(wanted, got, names)
}

/** Types, parameters and encodings in any case, envelopes of messages inside as they stand. */
function equalStructure(wanted: Node, got: Node, names: Names): boolean {
  const how: How = { ignoreCase: true, shorter: true }
  return equalNode(wanted, got, names, how)
}

/** The same moment, in whatever zone. */
function instant(text: string): number {
  return Date.parse(text.trim().replace(/^(\d+)-(\w+)-(\d+)/, '$1 $2 $3'))
}

function sameStatus(wanted: string, got: string, names: Names): boolean {
  const form = /^(\S+) (OK|NO|BAD|BYE|PREAUTH)(?: \[(.*)\])?(?: .*)?$/s
  const [w, g] = [form.exec(wanted), /^(\S+) (OK|NO|BAD|BYE|PREAUTH)(?: \[((?:[^\]"]|"[^"]*")*)\])?/s.exec(got)]
  if (w === null || g === null || !names.equal(w[1] ?? '', g[1] ?? '')) return false
  const tagged = w[1] !== '*'
  const refused = (status: string | undefined) => status === 'NO' || status === 'BAD'
  // whether a wrong value is a matter of grammar is for the server to say, and with which code it refuses (RFC 5530 §1)
  if (refused(w[2])) return refused(g[2]) && (tagged || w[2] === g[2])
  if (w[2] !== g[2]) return false
  const [code, theirs] = [w[3], g[3]]
  if (code === undefined || w[2] === 'BYE') return true
  if (theirs === undefined) return false
  const [first, ...more] = nodesOf(code, true)
  const [one, ...others] = nodesOf(theirs, false)
  if (wordOf(first).toUpperCase() !== wordOf(one).toUpperCase()) return false
  if (/^(?:PERMANENTFLAGS)$/i.test(wordOf(first))) {
    const none = listed(more[0]).length === 0
    return equalWords(none ? more[0] : open(more[0]), others[0], names)
  }
  if (/^CAPABILITY$/i.test(wordOf(first))) return equalWords(list([...more, ANY]), list(others), names)
  return equalNodes(more, others, names)
}

function sameList(w: readonly Node[], g: readonly Node[], names: Names, asked: Asked): boolean {
  const theirs = listed(g[2]).map((node) => wordOf(node))
  const gone = theirs.some((word) => /^\\NonExistent$/i.test(word))
  const free = (word: string) => {
    if (HINTS.test(word)) return !listed(w[2]).some((node) => wordOf(node).toLowerCase() === word.toLowerCase())
    // \NonExistent implies it (RFC 5258 §3)
    if (/^\\Noselect$/i.test(word)) return gone
    // LSUB was not asked about children
    if (CHILDREN.test(word) && /^LSUB$/i.test(wordOf(w[1]))) return true
    // another answer about children is wrong; none is, only where it was asked for (RFC 5258 §4)
    return CHILDREN.test(word) && !theirs.some((each) => CHILDREN.test(each)) && (!asked.children || gone)
  }
  return (
    equalWords(w[2], g[2], names, free) &&
    equalNodes(w.slice(3, 4), g.slice(3, 4), names) &&
    sameName(w[4], g[4], names) &&
    equalNodes(w.slice(5), g.slice(5), names, { ignoreCase: true })
  )
}

function sameName(wanted: Node | undefined, got: Node | undefined, names: Names): boolean {
  if (wanted === undefined || got === undefined) return wanted === got
  return equalNode(wanted, got, names, { ignoreCase: /^inbox$/i.test(wordOf(wanted)) })
}

function sameNumbers(w: readonly Node[], g: readonly Node[], names: Names): boolean {
  const numbers = (nodes: readonly Node[]) => nodes.filter(({ kind }) => kind === 'atom').map((node) => wordOf(node))
  const rest = (nodes: readonly Node[]) => nodes.filter(({ kind }) => kind === 'list')
  const [one, two] = [numbers(w.slice(2)), numbers(g.slice(2))]
  if (!equalNodes(rest(w), rest(g), names)) return false
  return one.toSorted().join() === two.toSorted().join() || equalNodes(w, g, names)
}

function sameEsearch(w: readonly Node[], g: readonly Node[], names: Names): boolean {
  const cut = (nodes: readonly Node[]) => {
    const [tag, ...rest] = nodes[0]?.kind === 'list' ? nodes : [list([]), ...nodes]
    const uid = /^UID$/i.test(wordOf(rest[0]))
    return { tag, uid, items: uid ? rest.slice(1) : rest }
  }
  const [one, two] = [cut(w), cut(g)]
  if (one.uid !== two.uid || one.tag === undefined || two.tag === undefined) return false
  return equalNode(one.tag, two.tag, names) && samePairs(one.items, two.items, names, new Set())
}

function sorted(set: string): string {
  return (numbersOf(set) ?? []).toSorted((a, b) => a - b).join()
}

const ANY: Node = { kind: 'any' }

function list(items: readonly Node[]): Node {
  return { kind: 'list', items }
}

function listed(node: Node | undefined): readonly Node[] {
  return node?.kind === 'list' ? node.items : []
}

/** More keywords than those of the transcript may be there. */
function open(node: Node | undefined): Node {
  return list([...listed(node), ANY])
}
