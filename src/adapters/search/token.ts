/** What stands for a word in the full-text index: where it was found, and its offset in the word list. @module */
import type { IndexedPlace } from '#store/search-index.ts'

/** Two word lists: headers are full of words that nobody looks for, and that nothing else has. */
export const SPACES = { main: 0, header: 1 } as const
export type Space = (typeof SPACES)[keyof typeof SPACES]

/** Where a word was found. */
export type Field = Exclude<IndexedPlace, 'text'>

const LETTERS: Readonly<Record<Field, string>> = { header: 'h', body: 'b', subject: 's', from: 'f', to: 't', cc: 'c' }

/** The list in which words of a field are. */
export function spaceOf(field: Field): Space {
  return field === 'header' ? SPACES.header : SPACES.main
}

/** One token. */
export function tokenOf(field: Field, offset: number): string {
  return LETTERS[field] + offset.toString(36)
}

/** The fields in which something is, or is looked for. */
export function fieldsOf(place: IndexedPlace): readonly Field[] {
  return place === 'text' ? ['header', 'body'] : [place]
}
