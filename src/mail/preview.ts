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

function firstWords(beginning: TextBeginning): string {
  const transfer = transferDecoder(beginning.content.encoding)
  if (transfer === undefined) return ''
  // Neither decoder is told of an end: the bytes may be cut within a character, which then is no part of the text.
  const charset = charsetDecoder(decodedParameter(beginning.content.parameters, 'charset') ?? '')
  // (UTF-7 has its text at the end only.)
  const text = charset.push(transfer.push(beginning.bytes)) || charset.end()
  const html = isHtml(beginning) ? new HtmlText({ withTitle: false }) : undefined
  return collapse(html === undefined ? text : html.push(text))
}

/** What newsletters pad with and nobody sees: soft hyphens, joiners, zero-width spaces, marks of direction. */
const INVISIBLE = /\u00ad|\u034f|\u061c|\u115f|\u180e|[\u200b-\u200f]|\u2060|\ufeff/g

/** Characters looked at: at first, and at most, where fillers and white space leave too few of those. */
const LOOKED_AT = [1_000, 20_000]

/** White space runs become one space; invisible fillers are left out. */
function collapse(text: string): string {
  let visible = ''
  for (const most of LOOKED_AT) {
    visible = text
      .slice(0, most)
      .replace(INVISIBLE, '')
      .replace(/[\s\p{Cc}]+/gu, ' ')
      .trim()
    // What stands at the cut, perhaps half of a character, is not among them.
    if (visible.length > 2 * MAX_PREVIEW || text.length <= most) break
  }
  return firstCharacters(visible).trim()
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
