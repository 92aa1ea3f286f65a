/** A Maildir as a side. @module */
import { type Dirent, existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isMaildir } from '../maildir.ts'
import { mailboxOfMaildirFolder, maildirFolder } from '../maildir-names.ts'
import { MaildirMailbox, maildirId } from './maildir-mailbox.ts'
import { type OpenMailbox, type Side, type SideMailbox, SideRefusal } from './side.ts'

/** See the module. Names are directories below it: Maildir++ where we make them, nested ones where they are. */
export class MaildirSide implements Side {
  readonly name: string
  readonly #directory: string

  private constructor(directory: string) {
    this.name = directory
    this.#directory = directory
  }

  /** Opens a Maildir, made if it is not there. @throws {SideRefusal} where there is something else */
  static async open(directory: string): Promise<MaildirSide> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return new MaildirSide(directory)
  }

  async list(): Promise<readonly SideMailbox[]> {
    const found: SideMailbox[] = []
    await walk(this.#directory, '', [], found)
    return found
  }

  level(level: string): string {
    return level.replace(/[/\u0000-\u001f\u007f]/g, '_')
  }

  async create(levels: readonly string[], { role }: Pick<SideMailbox, 'role'>): Promise<SideMailbox> {
    const name = nameOf(levels)
    for (const each of ['cur', 'new', 'tmp'])
      await mkdir(path.join(this.#directory, name, each), { recursive: true, mode: 0o700 })
    if (name !== '') await writeFile(path.join(this.#directory, name, 'maildirfolder'), '')
    return { name, path: levels, role, subscribed: undefined, mark: undefined }
  }

  open({ name }: SideMailbox): Promise<OpenMailbox> {
    return MaildirMailbox.open(path.join(this.#directory, name))
  }

  id({ name }: SideMailbox): Promise<string | undefined> {
    return maildirId(path.join(this.#directory, name))
  }

  async rename({ name }: SideMailbox, levels: readonly string[]): Promise<string> {
    const to = nameOf(levels)
    if (name === '' || existsSync(path.join(this.#directory, to)))
      throw new SideRefusal('There is a directory of this name')
    await rename(path.join(this.#directory, name), path.join(this.#directory, to))
    return to
  }

  /** Files of other programs go with it; messages must be gone already, and other mailboxes stay. */
  async remove({ name }: SideMailbox): Promise<void> {
    const directory = path.join(this.#directory, name)
    if (name === '') throw new SideRefusal('It is the Maildir itself')
    for (const each of ['new', 'cur']) {
      await rmdir(path.join(directory, each)).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY') throw error
        await mkdir(path.join(directory, 'new'), { recursive: true, mode: 0o700 })
        throw new SideRefusal('A message came', { cause: error })
      })
    }
    await rm(path.join(directory, 'tmp'), { recursive: true, force: true })
    const left = await readdir(directory, { withFileTypes: true })
    if (!left.some((entry) => entry.isDirectory())) await rm(directory, { recursive: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }
}

function nameOf(levels: readonly string[]): string {
  const name = levels.length === 1 && levels[0] === 'INBOX' ? '' : maildirFolder(levels.join('/'))
  if (Buffer.byteLength(name) > 255) throw new SideRefusal('The name is too long for a directory')
  return name
}

/** The directory itself is the inbox, then Maildir++ folders, then directories that are Maildirs or lead to some. */
async function walk(top: string, name: string, levels: readonly string[], found: SideMailbox[]): Promise<void> {
  const directory = path.join(top, name)
  if (await isMaildir(directory)) {
    const own = levels.length === 0 ? ['INBOX'] : levels
    found.push({
      name,
      path: own,
      role: own[0] === 'INBOX' && own.length === 1 ? 'inbox' : undefined,
      subscribed: undefined,
      mark: undefined,
    })
  }
  const entries: Dirent[] = await readdir(directory, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isDirectory() || ['cur', 'new', 'tmp'].includes(entry.name)) continue
    const inner = entry.name.startsWith('.')
      ? mailboxOfMaildirFolder(entry.name).split('/')
      : [entry.name.normalize('NFC')]
    if (inner[0] === '') continue
    await walk(top, path.join(name, entry.name), [...levels, ...inner], found)
  }
}
