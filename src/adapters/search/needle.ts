/** A needle as words to be looked up. @module */
import { cutWords, WHOLE_PART } from '#mail/words.ts'
import type { Lies } from './word-list.ts'

/** A part of a word that every text with the needle has. */
export interface Part {
  readonly text: string
  readonly lies: Lies
}

/**
 * Which words a text must have to have the needle: each of the parts. Whoever begins with a letter may begin in the middle
 * of a word, whoever ends with one may end there.
 */
export interface NeedleParts {
  readonly parts: readonly Part[]
  /** Whether each text that has the one part has the needle. */
  readonly certain: boolean
}

/** @param needle Folded. */
export function needleParts(needle: string): NeedleParts {
  const words = cutWords(needle)
  const parts = words.map(([start, end]): Part => {
    const opens = start === 0
    const closes = end === needle.length
    return part(needle.slice(start, end), opens, closes)
  })
  const [first] = words
  const alone = first !== undefined && first[0] === 0 && first[1] === needle.length
  return { parts, certain: alone && needle.length <= WHOLE_PART }
}

/** Words that are long are kept in pieces: of those, a part that is in one of them is looked for. */
function part(word: string, opens: boolean, closes: boolean): Part {
  if (word.length > WHOLE_PART) {
    if (opens && closes) return { text: whole(word.slice(0, WHOLE_PART)), lies: 'within' }
    if (opens) return { text: whole(word.slice(-WHOLE_PART)), lies: 'last' }
    return { text: whole(word.slice(0, WHOLE_PART)), lies: 'first' }
  }
  if (opens) return { text: word, lies: closes ? 'within' : 'last' }
  return { text: word, lies: closes ? 'first' : 'whole' }
}

/** Without halves of a character at its ends. */
function whole(text: string): string {
  return text.replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, '')
}
