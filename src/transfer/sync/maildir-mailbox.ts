/** A folder of a Maildir; keys are file names up to the flags, which never change. @module */
import { randomBytes } from 'node:crypto'
import { open, readdir, rename, stat, unlink, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { NativeLineWriter } from '../native-lines.ts'
import { identityOfBody, identityOfHeader } from './identity.ts'
import { MaildirKeywords } from './maildir-keywords.ts'
import type { Carried, FlagsChange, NewMessage, OpenMailbox, Placed } from './side.ts'
import { type StoredFile, storedFile } from './stored-file.ts'

const collator = new Intl.Collator('en', { numeric: true })
const HEADER_END = '\r\n\r\n'

/** See the module. */
export class MaildirMailbox implements OpenMailbox {
  /** File names are for ever. */
  readonly validity = 'maildir'
  readonly id: string | undefined
  readonly #directory: string
  readonly #keywords: MaildirKeywords
  readonly #run = `P${process.pid}R${randomBytes(4).toString('hex')}`
  readonly #host = hostname().replaceAll(/[^\w.-]/g, '_')
  #count = 0
  /** Where the file of each key is, relative to the directory. */
  #files = new Map<string, string>()

  private constructor(directory: string, id: string | undefined, keywords: MaildirKeywords) {
    this.id = id
    this.#directory = directory
    this.#keywords = keywords
  }

  static async open(directory: string): Promise<MaildirMailbox> {
    return new MaildirMailbox(directory, await maildirId(directory), await MaildirKeywords.read(directory))
  }

  async messages(): Promise<Map<string, readonly string[]>> {
    const files: { key: string; file: string; info: string }[] = []
    for (const state of ['new', 'cur']) {
      for (const name of await readdir(path.join(this.#directory, state))) {
        if (name.startsWith('.')) continue
        const [key = name] = /^[^:;!]+/.exec(name) ?? []
        files.push({ key, file: path.join(state, name), info: /[:;!]2,([A-Za-z]*)/.exec(name)?.[1] ?? '' })
      }
    }
    files.sort((a, b) => collator.compare(a.key, b.key))
    this.#files = new Map(files.map(({ key, file }) => [key, file]))
    return new Map(files.map(({ key, info }) => [key, this.#keywords.flags(info)]))
  }

  keeps(flag: string): boolean {
    return this.#keywords.keeps(flag)
  }

  /** As IMAP counts them, with CRLF. */
  async sizes(keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>()
    for (const key of keys) {
      const message = await this.#stored(key)
      if (message !== undefined) found.set(key, message.size)
    }
    return found
  }

  async identities(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>()
    for (const key of keys) {
      const message = await this.#stored(key)
      if (message === undefined) continue
      const id = identityOfHeader(await headerOf(message), message.size)
      found.set(key, id ?? (await identityOfBody(message.bytes())))
    }
    return found
  }

  async *fetch(keys: readonly string[]): AsyncGenerator<Carried, void, void> {
    for (const key of keys) {
      const message = await this.#stored(key)
      const file = this.#files.get(key)
      if (message === undefined || file === undefined) continue
      const { size, mtimeMs } = message
      const flags = this.#keywords.flags(/[:;!]2,([A-Za-z]*)/.exec(file)?.[1] ?? '')
      const date = { time: Math.floor(mtimeMs / 1000) * 1000, zone: 0 }
      yield { key, flags, date, size, body: message.bytes() }
    }
  }

  async append(messages: readonly NewMessage[]): Promise<readonly Placed[]> {
    const placed: { key: string; name: string }[] = []
    for (const { body, flags, date } of messages) {
      this.#count += 1
      const key = `${Math.floor(date.time / 1000)}.${this.#run}Q${this.#count}.${this.#host}`
      const temporary = path.join(this.#directory, 'tmp', key)
      {
        await using handle = await open(temporary, 'wx+', 0o600)
        const writer = new NativeLineWriter(handle)
        for await (const chunk of body instanceof Uint8Array ? [body] : body) await writer.write(chunk)
        await writer.finish()
        await handle.datasync()
      }
      await utimes(temporary, date.time / 1000, date.time / 1000)
      placed.push({ key, name: `${key}:2,${this.#keywords.info(flags)}` })
    }
    await this.#keywords.write()
    for (const { key, name } of placed) {
      await rename(path.join(this.#directory, 'tmp', key), path.join(this.#directory, 'cur', name))
      this.#files.set(key, path.join('cur', name))
    }
    await this.#syncDirectory('cur')
    return placed.map(({ key }) => ({ key }))
  }

  async changeFlags(keys: readonly string[], { add, remove }: FlagsChange): Promise<void> {
    const away = new Set(remove.map((flag) => flag.toLowerCase()))
    for (const key of keys) {
      const file = this.#files.get(key)
      if (file === undefined) continue
      const had = this.#keywords.flags(/[:;!]2,([A-Za-z]*)/.exec(file)?.[1] ?? '')
      const flags = [...new Set([...had.filter((flag) => !away.has(flag.toLowerCase())), ...add])]
      const to = path.join('cur', `${key}:2,${this.#keywords.info(flags)}`)
      await this.#keywords.write()
      if (to === file || !(await renamed(path.join(this.#directory, file), path.join(this.#directory, to)))) continue
      this.#files.set(key, to)
    }
    await this.#syncDirectory('cur')
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const file = this.#files.get(key)
      if (file !== undefined) await unlink(path.join(this.#directory, file)).catch(ifGone)
      this.#files.delete(key)
    }
    await this.#syncDirectory('cur')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }

  async #stored(key: string): Promise<StoredFile | undefined> {
    const file = this.#files.get(key)
    return file === undefined ? undefined : storedFile(path.join(this.#directory, file))
  }

  async #syncDirectory(name: string): Promise<void> {
    await using handle = await open(path.join(this.#directory, name), 'r')
    await handle.sync()
  }
}

/** The same under another name; a new directory may have the number of an old one, but not its time. */
export async function maildirId(directory: string): Promise<string | undefined> {
  const { dev, ino, birthtimeMs } = await stat(path.join(directory, 'cur'))
  return birthtimeMs === 0 ? undefined : `${dev}:${ino}:${birthtimeMs}`
}

/** With the empty line at its end; of a message without one all of it. */
async function headerOf(message: StoredFile): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let end = ''
  for await (const piece of message.bytes()) {
    pieces.push(piece)
    const text = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
    const join = end + text.toString('latin1', 0, 3)
    if (join.includes(HEADER_END) || text.includes(HEADER_END)) break
    end = text.toString('latin1', Math.max(0, text.length - 3))
  }
  const all = Buffer.concat(pieces)
  const at = all.indexOf(HEADER_END)
  return at < 0 ? all : all.subarray(0, at + HEADER_END.length)
}

/** Another program changed its flags or took it away. */
function ifGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

async function renamed(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => ifGone(error) ?? false,
  )
}
