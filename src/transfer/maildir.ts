/** Maildir: folders as Maildir++ or as nested directories, flags in file names, keywords as Dovecot keeps them. @module */
import type { Dirent } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ANSWERED, DELETED, DRAFT, FLAGGED, type Flags, flagsOf, SEEN } from '#store/flags.ts'
import { mailboxOfMaildirFolder, maildirFolder } from './maildir-names.ts'
import { type SourceItem, storedLineEnds } from './source-message.ts'

/** Letters of the info part of a file name; `P` (passed on) is the keyword $Forwarded. */
const LETTERS: readonly (readonly [letter: string, bit: number])[] = [
  ['D', DRAFT],
  ['F', FLAGGED],
  ['R', ANSWERED],
  ['S', SEEN],
  ['T', DELETED],
]
const FORWARDED = '$Forwarded'
const KEYWORDS_FILE = 'dovecot-keywords'
const MOST_KEYWORDS = 26

/** Whether a directory is a Maildir. */
export async function isMaildir(directory: string): Promise<boolean> {
  const names: readonly string[] = await readdir(directory).catch(() => [])
  return names.includes('cur') && names.includes('new')
}

/** The messages of a Maildir and its folders, each folder in the order of its file names (the order of arrival). */
export async function* readMaildir(directory: string, limitBytes: number): AsyncGenerator<SourceItem, void, void> {
  for (const { folder, mailbox } of await foldersOf(directory, '')) {
    const keywords = await readKeywords(folder)
    const files: { name: string; file: string }[] = []
    for (const state of ['new', 'cur'] as const) {
      for (const entry of await entriesOf(path.join(folder, state))) {
        if (entry.isFile() && !entry.name.startsWith('.'))
          files.push({ name: entry.name, file: path.join(folder, state, entry.name) })
      }
    }
    files.sort((a, b) => compareNames(a.name, b.name))
    for (const { name, file } of files) yield readOne(name, file, mailbox, keywords, limitBytes)
  }
}

async function readOne(
  name: string,
  file: string,
  mailbox: string,
  keywords: readonly string[],
  limitBytes: number,
): Promise<SourceItem> {
  const { size, mtimeMs } = await stat(file)
  if (size > limitBytes)
    return { kind: 'problem', origin: file, problem: 'too-large', detail: `is larger than ${limitBytes} octets` }
  const bytes = storedLineEnds(await readFile(file))
  return {
    kind: 'message',
    message: { mailbox, bytes, flags: flagsOfName(name, keywords), date: mtimeMs, origin: file },
  }
}

/** The folder itself, then Maildir++ folders beside `cur`, then directories that are Maildirs or lead to some. */
async function foldersOf(directory: string, mailbox: string): Promise<{ folder: string; mailbox: string }[]> {
  const found: { folder: string; mailbox: string }[] = []
  if (await isMaildir(directory)) found.push({ folder: directory, mailbox })
  const entries = await entriesOf(directory)
  for (const entry of entries.sort((a, b) => compareNames(a.name, b.name))) {
    if (!entry.isDirectory() || ['cur', 'new', 'tmp'].includes(entry.name)) continue
    const inner = entry.name.startsWith('.') ? mailboxOfMaildirFolder(entry.name) : entry.name.normalize('NFC')
    if (inner === '') continue
    found.push(...(await foldersOf(path.join(directory, entry.name), mailbox === '' ? inner : `${mailbox}/${inner}`)))
  }
  return found
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  return readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  })
}

/** Names begin with the second of arrival, so numbers are compared as numbers. */
function compareNames(a: string, b: string): number {
  return collator.compare(a, b)
}
const collator = new Intl.Collator('en', { numeric: true })

function flagsOfName(name: string, keywords: readonly string[]): Flags {
  const info = /[:;!]2,([A-Za-z]*)/.exec(name)?.[1] ?? ''
  let system = 0
  for (const [letter, bit] of LETTERS) if (info.includes(letter)) system |= bit
  const words = info.includes('P') ? [FORWARDED] : []
  for (const letter of info) {
    const keyword = keywords[letter.charCodeAt(0) - 97]
    if (letter >= 'a' && letter <= 'z' && keyword !== undefined) words.push(keyword)
  }
  return { system, keywords: flagsOf(words).keywords }
}

/** `0 $Label1` a line: the number is the letter in file names. */
async function readKeywords(folder: string): Promise<readonly string[]> {
  const text = await readFile(path.join(folder, KEYWORDS_FILE), 'utf8').catch(() => '')
  const keywords: string[] = []
  for (const line of text.split('\n')) {
    const match = /^(\d{1,2}) (\S+)$/.exec(line.trim())
    if (match?.[1] !== undefined && match[2] !== undefined && Number(match[1]) < MOST_KEYWORDS)
      keywords[Number(match[1])] = match[2]
  }
  return keywords
}

/** Writes one folder of a Maildir++. */
export class MaildirWriter {
  readonly #folder: string
  readonly #stamp: string
  readonly #keywords: string[] = []
  #count = 0
  /** Messages whose keywords did not fit into the 26 letters. */
  keywordsLost = 0

  /** @param mailbox `INBOX` is the top. */
  constructor(directory: string, mailbox: string, now: number) {
    this.#folder = mailbox === 'INBOX' ? directory : path.join(directory, maildirFolder(mailbox))
    this.#stamp = String(Math.floor(now / 1000))
  }

  async open(): Promise<void> {
    for (const name of ['tmp', 'new', 'cur'])
      await mkdir(path.join(this.#folder, name), { recursive: true, mode: 0o700 })
    if (path.basename(this.#folder).startsWith('.')) await writeFile(path.join(this.#folder, 'maildirfolder'), '')
  }

  /** Writes one message; messages must come in the order of their UIDs. @param date mtime, ms since 1970. */
  async add(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, flags: Flags, date: number): Promise<void> {
    this.#count += 1
    const base = `${this.#stamp}.${String(this.#count).padStart(8, '0')}.malle`
    const temporary = path.join(this.#folder, 'tmp', base)
    {
      await using handle = await open(temporary, 'wx', 0o600)
      for await (const chunk of chunks) await handle.writeFile(chunk)
    }
    const seconds = date / 1000
    await utimes(temporary, seconds, seconds)
    await rename(temporary, path.join(this.#folder, 'cur', `${base}:2,${this.#info(flags)}`))
  }

  async close(): Promise<void> {
    if (this.#keywords.length === 0) return
    const lines = this.#keywords.map((keyword, index) => `${index} ${keyword}\n`)
    await writeFile(path.join(this.#folder, KEYWORDS_FILE), lines.join(''), { mode: 0o600 })
  }

  #info(flags: Flags): string {
    const letters: string[] = LETTERS.filter(([, bit]) => (flags.system & bit) !== 0).map(([letter]) => letter)
    for (const keyword of flags.keywords) {
      if (keyword === FORWARDED) letters.push('P')
      else letters.push(this.#letterOf(keyword))
    }
    return letters.sort().join('')
  }

  #letterOf(keyword: string): string {
    let index = this.#keywords.indexOf(keyword)
    if (index < 0 && this.#keywords.length < MOST_KEYWORDS) index = this.#keywords.push(keyword) - 1
    if (index < 0) this.keywordsLost += 1
    return index < 0 ? '' : String.fromCharCode(97 + index)
  }
}
