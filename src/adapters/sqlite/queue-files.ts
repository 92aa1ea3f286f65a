/**
 * Bodies of the queue that are files, below `messages/`. Any thread writes them; who has the queue removes them. What is
 * small is no file: to make one, sync it and its folder, and remove it again costs more than all else that is done with it.
 * @module
 */
import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { StoreFull } from '#store/mail-store.ts'
import type { QueuedBody, QueueStage, StagedMessage } from '#store/queue.ts'
import { faultKind } from '../embedded/faults.ts'

/** Octets gathered before one write. */
const GATHER = 262_144
/** A body that is not larger goes into the database. */
const IN_DATABASE = 65_536
/** A file that is not larger is read in one go. */
const SMALL = 262_144
const FIRST_BUFFER = 16_384
const NOTHING = Buffer.alloc(0)
/** How long files of one moment go into the same folder: those that come together share its sync. */
const FOLDER_MS = 8_000
const FOLDERS = 256
/** A file that no message names is left behind by somebody who died; younger ones may be on their way. */
const ORPHAN_MS = 3_600_000

/** The database of a queue's folder. */
export function queueFile(directory: string): string {
  return path.join(directory, 'queue.db')
}

/** The files of a queue. */
export class QueueFiles {
  readonly #queue: string
  /** Syncs of folders that have not begun yet. */
  readonly #syncs = new Map<string, Promise<void>>()

  /** @param queue The folder `queue/`. */
  constructor(queue: string) {
    this.#queue = queue
  }

  stage(): QueueStage {
    return new FileStage(this)
  }

  /** A new file under a temporary name; its folder is made where it is missing. */
  async create(): Promise<{ readonly file: string; readonly handle: FileHandle }> {
    const folder = (Math.floor(Date.now() / FOLDER_MS) % FOLDERS).toString(16).padStart(2, '0')
    const file = `messages/${folder}/${randomBytes(10).toString('hex')}.eml`
    const draft = draftOf(this.#path(file))
    try {
      return { file, handle: await open(draft, 'wx', 0o600) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    await this.#makeFolder(path.dirname(draft))
    return { file, handle: await open(draft, 'wx', 0o600) }
  }

  /** Gives a file that is synced its name, for good. */
  async keep(file: string): Promise<void> {
    const whole = this.#path(file)
    await rename(draftOf(whole), whole)
    await this.#sync(path.dirname(whole))
  }

  async remove(file: string): Promise<void> {
    await rm(this.#path(file), { force: true })
  }

  /** Removes a file that may have its name already, or not. */
  async discard(file: string): Promise<void> {
    await rm(draftOf(this.#path(file)), { force: true })
    await this.remove(file)
  }

  /** @throws {Error} where it is not there, or has another size. */
  async read({ place, size }: QueuedBody): Promise<AsyncIterable<Uint8Array>> {
    const whole = this.#path(place)
    if (size <= SMALL) {
      const bytes = await readFile(whole)
      checkSize(whole, bytes.length, size)
      return oneChunk(bytes)
    }
    checkSize(whole, (await stat(whole)).size, size)
    return chunksOf(whole, size)
  }

  /** Removes files older than an hour that no message names, whole or half. @returns how many. */
  async removeOrphans(now: number, isNamed: (file: string) => boolean): Promise<number> {
    let removed = 0
    for (const folder of await list(path.join(this.#queue, 'messages'))) {
      for (const name of await list(path.join(this.#queue, 'messages', folder))) {
        const file = `messages/${folder}/${name}`
        if (isNamed(file)) continue
        const facts = await stat(this.#path(file)).catch(() => undefined)
        if (facts === undefined || now - facts.mtimeMs < ORPHAN_MS) continue
        await rm(this.#path(file), { force: true })
        removed += 1
      }
    }
    return removed
  }

  #path(file: string): string {
    return path.join(this.#queue, file)
  }

  async #makeFolder(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    // Whoever made them may not have synced their entries yet.
    for (const above of [path.dirname(folder), this.#queue, path.dirname(this.#queue)]) await this.#sync(above)
  }

  /** Whoever comes before it begins shares it. */
  #sync(folder: string): Promise<void> {
    const waiting = this.#syncs.get(folder)
    if (waiting !== undefined) return waiting
    const sync = (async () => {
      const handle = await open(folder, 'r')
      try {
        this.#syncs.delete(folder)
        await handle.sync()
      } finally {
        await handle.close()
      }
    })()
    this.#syncs.set(folder, sync)
    return sync.finally(() => {
      if (this.#syncs.get(folder) === sync) this.#syncs.delete(folder)
    })
  }
}

/** One body on its way. Small ones are in memory until they are finished. */
class FileStage implements QueueStage {
  readonly #files: QueueFiles
  #buffer: Buffer<ArrayBuffer> = NOTHING
  #gathered = 0
  #size = 0
  #open: { readonly file: string; readonly handle: FileHandle } | undefined
  #done = false

  constructor(files: QueueFiles) {
    this.#files = files
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#done) throw new Error('This body has been finished or abandoned')
    this.#size += chunk.length
    const needed = this.#gathered + chunk.length
    if (needed > GATHER) return this.#writeAll(chunk)
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(GATHER, Math.max(needed, FIRST_BUFFER, 2 * this.#buffer.length)))
      this.#buffer.copy(larger, 0, 0, this.#gathered)
      this.#buffer = larger
    }
    this.#buffer.set(chunk, this.#gathered)
    this.#gathered = needed
    return undefined
  }

  async finish(): Promise<StagedMessage> {
    if (this.#done) throw new Error('This body has been finished or abandoned')
    if (this.#open === undefined && this.#size <= IN_DATABASE) {
      this.#done = true
      const bytes = this.#buffer.subarray(0, this.#size)
      this.#buffer = NOTHING
      return { kind: 'bytes', bytes, size: this.#size }
    }
    try {
      const { file, handle } = await this.#flush()
      this.#done = true
      await handle.datasync()
      await handle.close()
      await this.#files.keep(file)
      this.#buffer = NOTHING
      return { kind: 'file', file, size: this.#size }
    } catch (error) {
      throw await this.#failed(error)
    }
  }

  async abandon(): Promise<void> {
    this.#done = true
    this.#buffer = NOTHING
    const { file, handle } = this.#open ?? {}
    this.#open = undefined
    // It may be closed already.
    await handle?.close().catch(() => undefined)
    if (file !== undefined) await this.#files.discard(file)
  }

  async #writeAll(chunk: Uint8Array): Promise<void> {
    try {
      const { handle } = await this.#flush()
      // What is large already need not be copied.
      if (chunk.length > 0) await handle.writeFile(chunk)
    } catch (error) {
      throw await this.#failed(error)
    }
  }

  async #flush(): Promise<{ readonly file: string; readonly handle: FileHandle }> {
    this.#open ??= await this.#files.create()
    const bytes = this.#buffer.subarray(0, this.#gathered)
    this.#gathered = 0
    if (bytes.length > 0) await this.#open.handle.writeFile(bytes)
    return this.#open
  }

  async #failed(error: unknown): Promise<unknown> {
    await this.abandon()
    return faultKind(error) === 'full' ? new StoreFull('No space for a body of the queue', { cause: error }) : error
  }
}

function draftOf(whole: string): string {
  return whole.replace(/\.eml$/, '.new')
}

function checkSize(whole: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${whole} has ${found} octets instead of ${expected}`)
}

export async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes
}

async function* chunksOf(whole: string, size: number): AsyncGenerator<Uint8Array, void, void> {
  await using handle = await open(whole, 'r')
  for (let at = 0; at < size; ) {
    const chunk = Buffer.allocUnsafe(Math.min(GATHER, size - at))
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at)
    if (bytesRead === 0) throw new Error(`${whole} ends before its ${size} octets`)
    at += bytesRead
    yield chunk.subarray(0, bytesRead)
  }
}

async function list(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
