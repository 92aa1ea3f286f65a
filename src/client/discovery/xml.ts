/**
 * As much of XML as a configuration file needs, and no more: elements, attributes, text, comments, CDATA, character
 * references. A document type or processing instruction is refused, so that nothing can be expanded or fetched.
 * @module
 */
import { XML_ATTRIBUTES, XML_DEPTH, XML_ELEMENTS } from './limits.ts'

export interface XmlElement {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  /** Its own text, without that of elements in it, trimmed. */
  readonly text: string
}

interface Open {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: XmlElement[]
  text: string
}

const NAME = '[A-Za-z_][\\w.:-]*'
const TAG = new RegExp(`<(${NAME})((?:\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>`, 'y')
const END_TAG = new RegExp(`</(${NAME})\\s*>`, 'y')
const ATTRIBUTE = new RegExp(`(${NAME})\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, 'g')
const DECLARATION = /^\ufeff?(?:<\?xml\s[^<>]*\?>)?/

/** Reads a document. @throws {SyntaxError} where it is not well formed, or has what is not read here. */
export function parseXml(document: string): XmlElement {
  let at = DECLARATION.exec(document)?.[0].length ?? 0
  const open: Open[] = []
  let root: XmlElement | undefined
  let elements = 0
  while (at < document.length) {
    const bracket = document.indexOf('<', at)
    const end = bracket < 0 ? document.length : bracket
    if (end > at) {
      addText(open.at(-1), decodeReferences(document.slice(at, end), at), at)
      at = end
    } else if (document.startsWith('<!--', at)) {
      at = after(document, '-->', at + 4)
    } else if (document.startsWith('<![CDATA[', at)) {
      const next = after(document, ']]>', at + 9)
      addText(open.at(-1), document.slice(at + 9, next - 3), at)
      at = next
    } else if (document.startsWith('</', at)) {
      const closed = open.pop()
      END_TAG.lastIndex = at
      const [whole, name] = END_TAG.exec(document) ?? fault('An end tag is broken', at)
      if (closed === undefined || closed.name !== name) return fault(`The end tag of "${name}" is out of place`, at)
      const element = { ...closed, text: closed.text.trim() }
      const parent = open.at(-1)
      if (parent === undefined) root = element
      else parent.children.push(element)
      at += whole.length
    } else {
      if (root !== undefined) return fault('Something follows the root element', at)
      TAG.lastIndex = at
      const [whole, name = '', attributes = '', empty] = TAG.exec(document) ?? fault('This is not read here', at)
      elements += 1
      if (elements > XML_ELEMENTS || open.length >= XML_DEPTH) return fault('The document is too large', at)
      const element: Open = { name, attributes: readAttributes(attributes, at), children: [], text: '' }
      if (empty !== '/') open.push(element)
      else if (open.length === 0) root = element
      else open.at(-1)?.children.push(element)
      at += whole.length
    }
  }
  if (root === undefined || open.length > 0) return fault('The document ends too early', at)
  return root
}

function readAttributes(text: string, at: number): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>()
  for (const [, name = '', double, single] of text.matchAll(ATTRIBUTE)) {
    if (attributes.has(name)) return fault(`The attribute "${name}" is there twice`, at)
    if (attributes.size >= XML_ATTRIBUTES) return fault('The element has too many attributes', at)
    attributes.set(name, decodeReferences(double ?? single ?? '', at))
  }
  return attributes
}

function addText(element: Open | undefined, text: string, at: number): void {
  if (element !== undefined) element.text += text
  else if (text.trim() !== '') fault('Text stands outside of the root element', at)
}

const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

function decodeReferences(text: string, at: number): string {
  if (!text.includes('&')) return text
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w{1,8}));|&/g, (_whole, decimal, hex, name) => {
    if (typeof name === 'string') return PREDEFINED.get(name) ?? fault(`The entity "${name}" is not known`, at)
    const code = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16)
    const isCharacter = code >= 32 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
    return isCharacter || code === 9 || code === 10 || code === 13
      ? String.fromCodePoint(code)
      : fault('A character reference is wrong', at)
  })
}

function after(document: string, mark: string, from: number): number {
  const found = document.indexOf(mark, from)
  return found < 0 ? fault('The document ends too early', from) : found + mark.length
}

function fault(what: string, at: number): never {
  throw new SyntaxError(`${what} (at character ${at})`)
}
