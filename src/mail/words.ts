/**
 * Words of folded text, as a search index keeps them: a text without other characters is within a text exactly where it
 * is within one of its words (design §8). What a word is depends on the version of Unicode ({@link WORDS_VERSION}).
 * @module
 */

/** Letters, marks, digits, and symbols that are not ASCII (so that 📎 can be found); all else lies between words. */
const WORD = /[[\p{L}\p{N}\p{M}\p{S}\p{Co}]--[$+<=>^`\|~]]+/gv
const ASCII_WORD = Uint8Array.from({ length: 128 }, (_, code) =>
  /[0-9A-Za-z]/.test(String.fromCharCode(code)) ? 1 : 0,
)

/** UTF-16 units of a word at most; longer ones are taken as pieces, of which each begins {@link STEP} after the last. */
const LONGEST = 256
const STEP = 128

/** Any part of a word of up to this many UTF-16 units is within one of the pieces that {@link WordCutter} gives. */
export const WHOLE_PART: number = LONGEST - STEP

/** Changes when the same text may have other words. */
export const WORDS_VERSION: string = `1, Unicode ${process.versions['unicode'] ?? ''}`

/** Takes the word that lies from `start` up to `end` in a text. */
export type TakeWord = (text: string, start: number, end: number) => void

/** Where the words of a text are. */
export function cutWords(folded: string): readonly (readonly [start: number, end: number])[] {
  return Array.from(folded.matchAll(WORD), (found) => [found.index, found.index + found[0].length] as const)
}

/**
 * Cuts text that comes in pieces into words. The first piece of a word that is too long begins where the word begins,
 * the last one ends where it ends.
 */
export class WordCutter {
  readonly #take: TakeWord
  /** The word that the text so far ends with; if it is long, what is left of it. */
  #held = ''

  constructor(take: TakeWord) {
    this.#take = take
  }

  /** @param continued Whether the text goes on where the last one stopped, maybe within a word. */
  push(folded: string, continued: boolean): void {
    if (!continued) this.end()
    let from = 0
    if (this.#held !== '') {
      from = wordLength(folded)
      this.#hold(this.#held + folded.slice(0, from))
      if (from === folded.length) return
      this.end()
    }
    if (/[^\0-\x7f]/.test(folded)) this.#cut(folded, from)
    else this.#cutAscii(folded, from)
  }

  /** The text is over. */
  end(): void {
    const last = this.#held
    this.#held = ''
    if (last !== '') this.#take(last, 0, last.length)
  }

  #cut(text: string, from: number): void {
    WORD.lastIndex = from
    for (let found = WORD.exec(text); found !== null; found = WORD.exec(text))
      this.#word(text, found.index, found.index + found[0].length)
  }

  /** Most text is ASCII: four times as fast as by expression. */
  #cutAscii(text: string, from: number): void {
    let start = -1
    for (let at = from; at < text.length; at += 1) {
      if (ASCII_WORD[text.charCodeAt(at)] === 1) {
        if (start < 0) start = at
      } else if (start >= 0) {
        this.#word(text, start, at)
        start = -1
      }
    }
    if (start >= 0) this.#word(text, start, text.length)
  }

  #word(text: string, start: number, end: number): void {
    if (end < text.length && end - start <= LONGEST) this.#take(text, start, end)
    else {
      this.#hold(text.slice(start, end))
      if (end < text.length) this.end()
    }
  }

  /** Gives all but the last piece. */
  #hold(word: string): void {
    let at = 0
    for (; word.length - at > LONGEST; at += STEP) this.#take(word, at, at + LONGEST)
    this.#held = at === 0 ? word : word.slice(at)
  }
}

/** Length of what the text begins with of a word. */
function wordLength(text: string): number {
  WORD.lastIndex = 0
  const found = WORD.exec(text)
  return found?.index === 0 ? found[0].length : 0
}
