import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { mailboxOfMaildirFolder } from './maildir-names.ts'
import { readMbox } from './mbox.ts'
import type { SourceItem } from './source-message.ts'

/** The messages of every `*.mbox` in a folder, as `export --format mbox` writes it: a mailbox a file, sub-folders too. */
export async function* readMboxFolder(directory: string, limitBytes: number): AsyncGenerator<SourceItem, void, void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile() && /\.mbox$/i.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
  for (const file of files.sort()) {
    const mailbox = mailboxOf(path.relative(directory, file).normalize('NFC').slice(0, -'.mbox'.length))
    for await (const item of readMbox(file, limitBytes)) {
      yield item.kind === 'message' ? { kind: 'message', message: { ...item.message, mailbox } } : item
    }
  }
}

/** Empty for INBOX, which is the top of a source. */
function mailboxOf(relative: string): string {
  const folders = relative.split(path.sep)
  const name = mailboxOfMaildirFolder(`.${folders.pop() ?? ''}`)
  const whole = [...folders, name].join('/')
  return whole.toUpperCase() === 'INBOX' ? '' : whole
}
