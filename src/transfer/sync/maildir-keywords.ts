/** Flags as letters of Maildir file names; keywords as Dovecot keeps them, a letter each in `dovecot-keywords`. @module */
import { readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'

const LETTERS: readonly (readonly [letter: string, flag: string])[] = [
  ['D', '\\Draft'],
  ['F', '\\Flagged'],
  ['P', '$Forwarded'],
  ['R', '\\Answered'],
  ['S', '\\Seen'],
  ['T', '\\Deleted'],
]
const FILE = 'dovecot-keywords'
const MOST_KEYWORDS = 26

/** See the module. */
export class MaildirKeywords {
  readonly #file: string
  readonly #keywords: (string | undefined)[]
  #changed = false

  private constructor(file: string, keywords: (string | undefined)[]) {
    this.#file = file
    this.#keywords = keywords
  }

  static async read(directory: string): Promise<MaildirKeywords> {
    const file = path.join(directory, FILE)
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    const keywords: (string | undefined)[] = []
    for (const line of text.split('\n')) {
      const [, number, keyword] = /^(\d{1,2}) (\S+)$/.exec(line.trim()) ?? []
      if (number !== undefined && Number(number) < MOST_KEYWORDS) keywords[Number(number)] = keyword
    }
    return new MaildirKeywords(file, keywords)
  }

  /** @param info Letters of a file name. */
  flags(info: string): readonly string[] {
    const found: string[] = []
    for (const letter of info) {
      const flag = LETTERS.find(([each]) => each === letter)?.[1] ?? this.#keywords[letter.charCodeAt(0) - 97]
      if (flag !== undefined) found.push(flag)
    }
    return found
  }

  keeps(flag: string): boolean {
    return letterOf(flag) !== undefined || (!flag.startsWith('\\') && this.#index(flag) !== undefined)
  }

  /** The letters, in their order; a keyword that is new gets one. */
  info(flags: readonly string[]): string {
    const letters = new Set<string>()
    for (const flag of flags) {
      const index = letterOf(flag) === undefined && !flag.startsWith('\\') ? this.#index(flag) : undefined
      if (index !== undefined && this.#keywords[index] === undefined) {
        this.#keywords[index] = flag
        this.#changed = true
      }
      const letter = letterOf(flag) ?? (index === undefined ? undefined : String.fromCharCode(97 + index))
      if (letter !== undefined) letters.add(letter)
    }
    return [...letters].sort().join('')
  }

  /** Writes new keywords down, before the first file name that has them. */
  async write(): Promise<void> {
    if (!this.#changed) return
    this.#changed = false
    const lines = this.#keywords.flatMap((keyword, index) => (keyword === undefined ? [] : [`${index} ${keyword}\n`]))
    await writeFile(`${this.#file}.new`, lines.join(''), { mode: 0o600, flush: true })
    await rename(`${this.#file}.new`, this.#file)
  }

  /** The number of a keyword, or one that is free. */
  #index(keyword: string): number | undefined {
    const lower = keyword.toLowerCase()
    const known = this.#keywords.findIndex((each) => each?.toLowerCase() === lower)
    if (known >= 0) return known
    const free = this.#keywords.findIndex((each) => each === undefined)
    const index = free >= 0 ? free : this.#keywords.length
    return index < MOST_KEYWORDS ? index : undefined
  }
}

function letterOf(flag: string): string | undefined {
  const lower = flag.toLowerCase()
  return LETTERS.find(([, each]) => each.toLowerCase() === lower)?.[0]
}
