/**
 * XML of strangers as reports have it: elements and text. Attributes, comments and processing instructions are passed
 * over; a document type is refused, and with it every entity but the five that XML has, so that nothing grows or is
 * fetched. No general reader of XML.
 * @module
 */

export interface XmlElement {
  /** Without a prefix. */
  readonly name: string
  /** The text directly in it, trimmed. */
  readonly text: string
  readonly children: readonly XmlElement[]
}

const MOST_DEPTH = 20
const MOST_ELEMENTS = 250_000
/** Of one run of text; what is longer is cut, since nothing in a report is. */
const MOST_TEXT = 4_096

interface Open {
  readonly name: string
  text: string
  readonly children: XmlElement[]
}

/** The root element; `undefined`: it is no such document, or exceeds the limits. */
export function parseXml(document: string): XmlElement | undefined {
  const root: Open = { name: '', text: '', children: [] }
  const open: Open[] = [root]
  let elements = 0
  let at = 0
  for (;;) {
    const top = open.at(-1)
    if (top === undefined) return undefined
    const next = document.indexOf('<', at)
    if (next < 0) break
    top.text += unescapeXml(document.slice(at, Math.min(next, at + MOST_TEXT)))
    const past = passedOver(document, next)
    if (past !== undefined) {
      if (past.end < 0) return undefined
      top.text += past.text
      at = past.end
      continue
    }
    const end = tagEnd(document, next)
    // "<!" of anything else is a document type, or nothing that belongs here
    if (end < 0 || document[next + 1] === '!') return undefined
    const tag = document.slice(next + 1, end)
    at = end + 1
    const name = /^\/?(?:[^\s/:>]+:)?([^\s/:>]+)/.exec(tag)?.[1]
    if (name === undefined) return undefined
    if (tag.startsWith('/')) {
      const closed = open.pop()
      const parent = open.at(-1)
      if (closed?.name !== name || parent === undefined) return undefined
      parent.children.push({ ...closed, text: closed.text.trim() })
      continue
    }
    elements += 1
    if (elements > MOST_ELEMENTS || open.length > MOST_DEPTH) return undefined
    if (tag.endsWith('/')) top.children.push({ name, text: '', children: [] })
    else open.push({ name, text: '', children: [] })
  }
  return open.length === 1 && root.children.length === 1 ? root.children[0] : undefined
}

/** Comments, instructions and CDATA at this place: where they end, -1 where they do not. */
function passedOver(document: string, at: number): { readonly end: number; readonly text: string } | undefined {
  for (const [begin, end] of [
    ['<!--', '-->'],
    ['<?', '?>'],
    ['<![CDATA[', ']]>'],
  ] as const) {
    if (!document.startsWith(begin, at)) continue
    const found = document.indexOf(end, at + begin.length)
    if (found < 0) return { end: -1, text: '' }
    const text = begin === '<![CDATA[' ? document.slice(at + begin.length, found) : ''
    return { end: found + end.length, text }
  }
  return undefined
}

/** Where the `>` of a tag stands; those in quotes do not count. */
function tagEnd(document: string, at: number): number {
  let quote = ''
  for (let index = at + 1; index < document.length; index += 1) {
    const char = document[index] ?? ''
    if (quote !== '') {
      if (char === quote) quote = ''
    } else if (char === '"' || char === "'") quote = char
    else if (char === '>') return index
  }
  return -1
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function unescapeXml(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? whole
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
      return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd'
    },
  )
}

/** The first element below this one along a path. */
export function elementAt(element: XmlElement, ...path: readonly string[]): XmlElement | undefined {
  let found: XmlElement | undefined = element
  for (const name of path) found = found?.children.find((child) => child.name === name)
  return found
}

/** Its text; empty where it is not there. */
export function textAt(element: XmlElement, ...path: readonly string[]): string {
  return elementAt(element, ...path)?.text ?? ''
}
