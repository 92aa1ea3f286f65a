/** PREVIEW (RFC 8970): the first words of a message. @module */
import { charsetDecoder } from './charset.ts'
import { HtmlText } from './html-text.ts'
import { MAX_PREVIEW } from './limits.ts'
import { decodedParameter } from './parameters.ts'
import type { ScannedMessage, TextBeginning } from './scanned.ts'
import { transferDecoder } from './transfer-decoding.ts'

/** At most 200 characters of the first plain text that has any, else of the first HTML; empty when there is no text. */
export function previewOf(scanned: ScannedMessage): string {
  const byKind = [scanned.beginnings.filter((each) => !isHtml(each)), scanned.beginnings.filter(isHtml)].flat()
  for (const beginning of byKind) {
    const text = firstWords(beginning)
    if (text !== '') return text
  }
  return ''
}

function isHtml(beginning: TextBeginning): boolean {
  return beginning.content.subtype.toLowerCase() === 'html'
}

/** Octets decoded at first: nearly always they have all the words that are wanted. */
const FEW_OCTETS = 1_500

function firstWords(beginning: TextBeginning): string {
  const { bytes } = beginning
  for (const octets of [FEW_OCTETS, bytes.length]) {
    const visible = visibleOf(textOf(beginning, bytes.subarray(0, octets)))
    if (isPlenty(visible) || octets >= bytes.length) return firstCharacters(visible).trim()
  }
  return ''
}

/** Neither decoder is told of an end: the bytes may be cut within a character, which then is no part of the text. */
function textOf(beginning: TextBeginning, bytes: Uint8Array): string {
  const transfer = transferDecoder(beginning.content.encoding)
  if (transfer === undefined) return ''
  const charset = charsetDecoder(decodedParameter(beginning.content.parameters, 'charset') ?? '')
  // (UTF-7 has its text at the end only.)
  const text = charset.push(transfer.push(bytes)) || charset.end()
  return isHtml(beginning) ? new HtmlText({ withTitle: false }).push(text) : text
}

/** What newsletters pad with and nobody sees: soft hyphens, joiners, zero-width spaces, marks of direction. */
const INVISIBLE = /\u034f|[\u00ad\u061c\u115f\u180e\u200b-\u200f\u2060\ufeff]/g

/** White space and control characters. */
const SPACES = /[\s\u0000-\u001f\u007f-\u009f]+/g

/** Characters looked at: at first, and at most, where fillers and white space leave too few of those. */
const LOOKED_AT = [1_000, 20_000]

/** White space runs become one space; invisible fillers are left out. */
function visibleOf(text: string): string {
  let visible = ''
  for (const most of LOOKED_AT) {
    visible = text.slice(0, most).replace(INVISIBLE, '').replace(SPACES, ' ').trim()
    if (isPlenty(visible) || text.length <= most) break
  }
  return visible
}

/** What stands at the cut, perhaps half of a character, is not among the first ones then. */
function isPlenty(visible: string): boolean {
  return visible.length > 2 * MAX_PREVIEW
}

function firstCharacters(text: string): string {
  let end = 0
  let characters = 0
  for (const character of text.slice(0, 2 * MAX_PREVIEW)) {
    if (characters === MAX_PREVIEW) break
    end += character.length
    characters += 1
  }
  return text.slice(0, end)
}
