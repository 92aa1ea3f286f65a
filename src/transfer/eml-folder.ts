/** A folder of `.eml` files, or one of them; sub-folders are mailboxes. @module */
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { NO_FLAGS } from '#store/flags.ts'
import { type SourceItem, storedLineEnds } from './source-message.ts'

/** The messages in files named `*.eml`, by name; other files are none of ours. */
export async function* readEmlFolder(
  directory: string,
  limitBytes: number,
  mailbox = '',
): AsyncGenerator<SourceItem, void, void> {
  const entries = await readdir(directory, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => collator.compare(a.name, b.name))) {
    const file = path.join(directory, entry.name)
    if (entry.isDirectory()) {
      yield* readEmlFolder(
        file,
        limitBytes,
        mailbox === '' ? entry.name.normalize('NFC') : `${mailbox}/${entry.name.normalize('NFC')}`,
      )
    } else if (entry.isFile() && /\.eml$/i.test(entry.name)) yield await readEml(file, limitBytes, mailbox)
  }
}

/** One `.eml` file. */
export async function readEml(file: string, limitBytes: number, mailbox = ''): Promise<SourceItem> {
  const { size } = await stat(file)
  if (size > limitBytes)
    return { kind: 'problem', origin: file, problem: 'too-large', detail: `is larger than ${limitBytes} octets` }
  const bytes = storedLineEnds(await readFile(file))
  return { kind: 'message', message: { mailbox, bytes, flags: NO_FLAGS, date: undefined, origin: file } }
}

const collator = new Intl.Collator('en', { numeric: true })
