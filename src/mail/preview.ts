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

/** White space runs become one space; invisible fillers are left out. */
function collapse(text: string): string {
  const visible = text
    .slice(0, 20_000)
    .replace(INVISIBLE, '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  let preview = ''
  let characters = 0
  for (const character of visible) {
    if (characters === MAX_PREVIEW) break
    preview += character
    characters += 1
  }
  return preview.trim()
}
