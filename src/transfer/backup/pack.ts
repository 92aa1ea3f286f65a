/** Pack files: records one behind the other, added at the end and never changed. @module */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { sha256, syncFolder } from './files.ts'
import { isCount, type RecordRef } from './format.ts'

export type RecordKind = 'mail' | 'page'

/** A pack that has reached this is followed by a new one. */
const PACK_BYTES = 268_435_456
/** Octets gathered before one write. */
const GATHER = 1_048_576
const CHUNK = 1_048_576
/** The longest first line has three numbers of 16 digits. */
const LONGEST_LINE = 64
/** `\n`, the checksum, `\n`. */
const TAIL = 66

/** What a record is of: found again where a run was broken off. */
export interface RecordName {
  readonly kind: RecordKind
  /** Key of the email; 0 for pages. */
  readonly key: number
  /** When the account was made: its keys mean nothing in another. */
  readonly birth: number
}

/** Name of a pack file. */
export function packName(pack: number): string {
  return `${String(pack).padStart(8, '0')}.pack`
}

/** Adds records to the packs of one account. Nothing of them counts before {@link PackWriter.finish}. */
export class PackWriter {
  readonly #folder: string
  readonly #sizes: Map<number, number>
  readonly #limit: number
  #pack: number
  #size: number
  #file: FileHandle | undefined
  #gathered: Buffer[] = []
  #waiting = 0
  /** Octets added, lines included. */
  written = 0

  /**
   * @param packs what counts already; octets beyond in the last one are written over, or taken by {@link salvage}.
   */
  constructor(
    folder: string,
    packs: readonly { readonly pack: number; readonly size: number }[],
    { first = 1, limit = PACK_BYTES }: { readonly first?: number; readonly limit?: number } = {},
  ) {
    this.#folder = folder
    this.#limit = limit
    this.#sizes = new Map(packs.map(({ pack, size }) => [pack, size]))
    this.#pack = packs.at(-1)?.pack ?? first
    this.#size = packs.at(-1)?.size ?? 0
  }

  /** What counts once all is committed. */
  get packs(): readonly { readonly pack: number; readonly size: number }[] {
    return [...this.#sizes].map(([pack, size]) => ({ pack, size })).sort((a, b) => a.pack - b.pack)
  }

  /** A pack of which nothing is needed any more. */
  drop(pack: number): void {
    if (pack !== this.#pack) this.#sizes.delete(pack)
  }

  /** Begins a new pack, so that the one there is can be dropped. */
  async turn(): Promise<void> {
    await this.#flush()
    await this.#close()
    this.#pack += 1
    this.#size = 0
  }

  get current(): number {
    return this.#pack
  }

  /** Takes whole records that a run which was broken off left behind the end: their bodies need not be read again. */
  async salvage(birth: number): Promise<ReadonlyMap<number, RecordRef>> {
    const found = new Map<number, RecordRef>()
    for (;;) {
      const file = await this.#open()
      const { size } = await file.stat()
      for (;;) {
        const record = await readRecordAt(file, this.#pack, this.#size, size)
        if (record === undefined || record.name.birth !== birth) break
        if (record.name.kind === 'mail') found.set(record.name.key, record.ref)
        this.#size = record.end
        this.#sizes.set(this.#pack, record.end)
      }
      if (this.#size < this.#limit) return found
      await this.turn()
    }
  }

  /** Adds a record whose octets are there. */
  async add(name: RecordName, bytes: Uint8Array): Promise<RecordRef> {
    const ref = await this.#begin(name, bytes.length)
    const sum = sha256(bytes)
    await this.#put(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    await this.#put(Buffer.from(`\n${sum}\n`))
    return { ...ref, sha256: sum }
  }

  /** Adds one that comes in chunks. When they fail, nothing of it counts. */
  async stream(name: RecordName, length: number, chunks: AsyncIterable<Uint8Array>): Promise<RecordRef> {
    const ref = await this.#begin(name, length)
    await this.#flush()
    const before = this.written
    const hash = createHash('sha256')
    let got = 0
    try {
      for await (const chunk of chunks) {
        hash.update(chunk)
        got += chunk.length
        await this.#put(Buffer.from(chunk))
      }
      if (got !== length) throw new Error(`A body of ${length} octets gave ${got}`)
    } catch (error) {
      this.#gathered = []
      this.#waiting = 0
      this.written = before
      this.#size = ref.offset - lineOf(name, length).length
      this.#sizes.set(this.#pack, this.#size)
      await this.#file?.truncate(this.#size)
      throw error
    }
    const sum = hash.digest('hex')
    await this.#put(Buffer.from(`\n${sum}\n`))
    return { ...ref, sha256: sum }
  }

  async #begin(name: RecordName, length: number): Promise<Omit<RecordRef, 'sha256'>> {
    if (this.#size + this.#waiting >= this.#limit) await this.turn()
    await this.#put(lineOf(name, length))
    return { pack: this.#pack, offset: this.#size + this.#waiting, length }
  }

  async #put(bytes: Buffer): Promise<void> {
    this.#gathered.push(bytes)
    this.#waiting += bytes.length
    this.written += bytes.length
    if (this.#waiting >= GATHER) await this.#flush()
  }

  async #flush(): Promise<void> {
    if (this.#waiting === 0) return
    const file = await this.#open()
    const bytes = this.#gathered.length === 1 ? (this.#gathered[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#gathered)
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, at, bytes.length - at, this.#size + at)
      at += bytesWritten
    }
    this.#size += bytes.length
    this.#sizes.set(this.#pack, this.#size)
    this.#gathered = []
    this.#waiting = 0
  }

  async #open(): Promise<FileHandle> {
    if (this.#file === undefined) {
      const name = path.join(this.#folder, packName(this.#pack))
      this.#file = await open(name, 'r+').catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
        return open(name, 'w+', 0o600)
      })
    }
    return this.#file
  }

  /** Everything is on disk. */
  async finish(): Promise<void> {
    await this.#flush()
    await this.#close()
    await syncFolder(this.#folder)
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    if (file === undefined) return
    try {
      await file.truncate(this.#size)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  /** Lets go of the file; what came since the last {@link finish} may be salvaged by the next run. */
  async abandon(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }
}

function lineOf({ kind, key, birth }: RecordName, length: number): Buffer {
  return Buffer.from(`malle ${kind} ${length} ${key} ${birth}\n`)
}

/** A whole record at an offset, its checksum compared; `undefined`: none. */
async function readRecordAt(
  file: FileHandle,
  pack: number,
  at: number,
  size: number,
): Promise<{ readonly name: RecordName; readonly ref: RecordRef; readonly end: number } | undefined> {
  const head = Buffer.alloc(LONGEST_LINE)
  const { bytesRead } = await file.read(head, 0, LONGEST_LINE, at)
  const match = /^malle (mail|page) (\d{1,16}) (\d{1,16}) (\d{1,16})\n/.exec(head.toString('latin1', 0, bytesRead))
  if (match === null) return undefined
  const offset = at + match[0].length
  const length = Number(match[2])
  const end = offset + length + TAIL
  if (end > size) return undefined
  const hash = createHash('sha256')
  for await (const chunk of chunksOf(file, offset, length)) hash.update(chunk)
  const tail = Buffer.alloc(TAIL)
  await file.read(tail, 0, TAIL, offset + length)
  const sum = hash.digest('hex')
  if (tail.toString('latin1') !== `\n${sum}\n`) return undefined
  const name = { kind: match[1] === 'mail' ? 'mail' : 'page', key: Number(match[3]), birth: Number(match[4]) } as const
  return { name, ref: { pack, offset, length, sha256: sum }, end }
}

async function* chunksOf(file: FileHandle, offset: number, length: number): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < length; ) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, length - at))
    const { bytesRead } = await file.read(chunk, 0, chunk.length, offset + at)
    if (bytesRead === 0) throw new DamagedRecord('the file ends before')
    yield chunk.subarray(0, bytesRead)
    at += bytesRead
  }
}

/** A record that is not there, or not what was written. */
export class DamagedRecord extends Error {
  override readonly name = 'DamagedRecord'
}

/** Reads records of one account, wherever they are. */
export class PackReader {
  readonly #folder: string
  readonly #files = new Map<number, FileHandle>()

  constructor(folder: string) {
    this.#folder = folder
  }

  async #open(pack: number): Promise<FileHandle> {
    let file = this.#files.get(pack)
    if (file === undefined) {
      try {
        file = await open(path.join(this.#folder, packName(pack)), 'r')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        throw new DamagedRecord(`${packName(pack)} is missing`, { cause: error })
      }
      this.#files.set(pack, file)
    }
    return file
  }

  /** The octets in chunks. The last comes only when the checksum of all is right. @throws {DamagedRecord} */
  async *stream(ref: RecordRef): AsyncGenerator<Buffer, void, void> {
    // another file's word, which names what is opened
    if (![ref.pack, ref.offset, ref.length].every(isCount)) throw new DamagedRecord('A page names no record')
    const file = await this.#open(ref.pack)
    const hash = createHash('sha256')
    let last: Buffer | undefined
    for await (const chunk of chunksOf(file, ref.offset, ref.length)) {
      if (last !== undefined) yield last
      hash.update(chunk)
      last = chunk
    }
    if (hash.digest('hex') !== ref.sha256)
      throw new DamagedRecord(`${packName(ref.pack)} at octet ${ref.offset}: the checksum does not hold`)
    if (last !== undefined) yield last
  }

  /** The octets at once. @throws {DamagedRecord} */
  async read(ref: RecordRef): Promise<Buffer> {
    const chunks: Buffer[] = []
    for await (const chunk of this.stream(ref)) chunks.push(chunk)
    const [only] = chunks
    return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close()
    this.#files.clear()
  }
}
