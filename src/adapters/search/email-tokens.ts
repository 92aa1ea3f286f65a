/** A message as tokens: each word of each field once. @module */
import { fold } from '#mail/fold.ts'
import { PartTable } from '#mail/part-table.ts'
import { searchableHeader, searchableText } from '#mail/searchable.ts'
import { WordCutter } from '#mail/words.ts'
import type { IndexableEmail } from '#store/types.ts'
import { type Field, SPACES, type Space, spaceOf, tokenOf } from './token.ts'
import { Vocabulary } from './vocabulary.ts'

/** Makes tokens; words that are new go into its vocabularies. */
export class Tokenizer {
  readonly vocabularies: ReadonlyMap<Space, Vocabulary> = new Map(
    Object.values(SPACES).map((space) => [space, new Vocabulary()] as const),
  )

  /** @param body The octets of the message without its trace lines. */
  tokensOf({ trace, parts, columns }: IndexableEmail, body: Uint8Array): string {
    const tokens: string[] = []
    const header = this.#gather('header')
    const text = this.#gather('body')
    for (const piece of searchableHeader(trace)) header.cutter.push(fold(piece.text), false)
    for (const { where, text: piece, continued } of searchableText(
      (start, end) => body.subarray(start, end),
      PartTable.decode(parts),
    )) {
      if (where === 'header') header.cutter.push(fold(piece), false)
      else text.cutter.push(fold(piece), continued)
    }
    header.end(tokens)
    text.end(tokens)
    for (const field of ['subject', 'from', 'to', 'cc'] as const) {
      const column = this.#gather(field)
      column.cutter.push(fold(columns[field]), false)
      column.end(tokens)
    }
    return tokens.join(' ')
  }

  #gather(field: Field): { readonly cutter: WordCutter; readonly end: (tokens: string[]) => void } {
    const vocabulary = this.vocabularies.get(spaceOf(field))
    if (vocabulary === undefined) throw new Error(`There is no vocabulary of ${field}`)
    const offsets = new Set<number>()
    const cutter = new WordCutter((text, start, end) => offsets.add(vocabulary.offsetOf(text, start, end)))
    return {
      cutter,
      end(tokens) {
        cutter.end()
        for (const offset of offsets) tokens.push(tokenOf(field, offset))
      },
    }
  }
}
