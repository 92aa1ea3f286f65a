/** Real messages for tests: the shared corpus beside the checkout, or the project's own fixtures where it is absent. @module */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** A message as it stands in a file. */
export interface CorpusMessage {
  /** Folder and file, with `#n` for the nth message of an mbox. */
  readonly name: string
  readonly bytes: Buffer
}

const root = path.join(import.meta.dirname, '..', '..')
const shared = path.join(root, '..', 'shared', 'corpus')
const fixtures = path.join(root, 'test', 'fixtures')

/** Whether the shared corpus is here; without it {@link corpusMessages} gives the fixtures. */
export const hasSharedCorpus: boolean = existsSync(path.join(shared, 'messages'))

/** All messages, mbox files split, in a stable order. */
export function corpusMessages(): readonly CorpusMessage[] {
  return messagesIn(hasSharedCorpus ? shared : fixtures)
}

/** The project's own fixtures, always there. */
export function fixtureMessages(): readonly CorpusMessage[] {
  return messagesIn(fixtures)
}

function messagesIn(folder: string): readonly CorpusMessage[] {
  const found: CorpusMessage[] = []
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (name.endsWith('.eml')) found.push({ name, bytes: readFileSync(path.join(folder, name)) })
    if (name.endsWith('.mbox')) {
      const messages = splitMbox(readFileSync(path.join(folder, name)))
      messages.forEach((bytes, i) => found.push({ name: `${name}#${i + 1}`, bytes }))
    }
  }
  return found
}

/** Cut at each `From ` line that begins the file or follows a blank line; good enough for tests. */
function splitMbox(bytes: Buffer): Buffer[] {
  const text = bytes.toString('latin1')
  const starts = [...text.matchAll(/(?:^(?:\xef\xbb\xbf)?|\n\r?\n)From [^\n]*\n/g)].map((match) => ({
    from: match.index,
    body: match.index + match[0].length,
  }))
  return starts.map(({ body }, i) => Buffer.from(text.slice(body, starts[i + 1]?.from ?? text.length), 'latin1'))
}
