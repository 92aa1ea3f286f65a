/** One mbox file as a target. A batch is appended in one piece, under the lock that mail programs heed. @module */
import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '#lib/clock.ts'
import { DotLock } from '../dot-lock.ts'
import { FromQuoter, mboxSeparator } from '../mbox-quoting.ts'
import { NativeLineWriter } from '../native-lines.ts'
import type { Listed } from './source.ts'
import type { CollectTarget, Fate, Placed, Placing, Staged } from './target.ts'

/** What is known of a batch: the file had so many octets, and this was to come behind them. */
interface Mark {
  readonly before: number
  readonly length: number
  readonly sha256: string
}

/** Opens an mbox, made if it is not there. */
export async function openMboxTarget(file: string, clock: Clock): Promise<CollectTarget> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  {
    await using handle = await open(file, 'a', 0o600)
    await handle.sync()
  }
  return new MboxTarget(file, `${file}.malle`, clock)
}

class MboxTarget implements CollectTarget {
  readonly name: string
  readonly #file: string
  readonly #spoolFile: string
  readonly #clock: Clock
  #spool: FileHandle | undefined
  #length = 0
  #lock: DotLock | undefined

  constructor(file: string, spoolFile: string, clock: Clock) {
    this.name = `mbox:${file}`
    this.#file = file
    this.#spoolFile = spoolFile
    this.#clock = clock
  }

  async recover(placings: readonly Placing[]): Promise<ReadonlyMap<string, Fate>> {
    const fates = new Map<string, Fate>()
    const known = new Map<string, Fate>()
    await using _lock = await DotLock.take(this.#file, this.#clock)
    await using handle = await open(this.#file, 'r+')
    // the batch at which the run before died, unless it died twice
    await using spool = await open(this.#spoolFile, 'a+', 0o600)
    for (const { id, mark } of placings) {
      const fate = known.get(mark) ?? (await fateOf(handle, spool, parseMark(mark)))
      known.set(mark, fate)
      fates.set(id, fate)
    }
    await handle.sync()
    return fates
  }

  async stage(message: Listed, body: AsyncIterable<Uint8Array>): Promise<Staged> {
    this.#spool ??= await open(this.#spoolFile, 'w+', 0o600)
    // first as it is, then quoted behind it: how lines end is known at the end
    const start = this.#length
    const writer = new NativeLineWriter(this.#spool, start)
    for await (const chunk of body) await writer.write(chunk)
    const raw = { from: start, to: await writer.finish() }
    this.#length = await this.#quote(raw)
    return { message, octets: writer.octets }
  }

  /** Writes the entry behind the raw message, then over it. @returns The end of the entry. */
  async #quote(raw: { readonly from: number; readonly to: number }): Promise<number> {
    const spool = this.#spool
    if (spool === undefined) throw new Error('Nothing was staged')
    const quoter = new FromQuoter()
    let at = raw.to
    const put = async (bytes: Uint8Array): Promise<void> => {
      await spool.write(bytes, 0, bytes.length, at)
      at += bytes.length
    }
    await put(mboxSeparator(this.#clock.now()))
    for await (const chunk of piecesOf(spool, raw.from, raw.to)) await put(quoter.push(chunk))
    await put(quoter.end())
    const length = at - raw.to
    let to = raw.from
    for await (const chunk of piecesOf(spool, raw.to, at)) {
      await spool.write(chunk, 0, chunk.length, to)
      to += chunk.length
    }
    await spool.truncate(raw.from + length)
    return raw.from + length
  }

  /** From here to the end of {@link place} the mbox is ours. */
  async prepare(staged: readonly Staged[]): Promise<readonly Placing[]> {
    if (staged.length === 0 || this.#spool === undefined) return []
    this.#lock = await DotLock.take(this.#file, this.#clock)
    await using handle = await open(this.#file, 'r')
    const { size: before } = await handle.stat()
    const mark: Mark = { before, length: this.#length, sha256: await hashOf(this.#spool, 0, this.#length) }
    return staged.map(({ message }) => ({ id: message.id, mark: JSON.stringify(mark) }))
  }

  async place(staged: readonly Staged[]): Promise<readonly Placed[]> {
    const spool = this.#spool
    if (staged.length === 0 || spool === undefined) return []
    try {
      await using handle = await open(this.#file, 'r+')
      let { size: at } = await handle.stat()
      const before = at
      try {
        for await (const chunk of piecesOf(spool, 0, this.#length)) {
          await handle.write(chunk, 0, chunk.length, at)
          at += chunk.length
        }
        await handle.sync()
      } catch (error) {
        // half a batch must not stay: a full disk, say
        await handle.truncate(before)
        throw error
      }
    } finally {
      await this.#lock?.[Symbol.asyncDispose]()
      this.#lock = undefined
    }
    await spool.truncate(0)
    this.#length = 0
    return staged.map(({ message }) => ({ message }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lock?.[Symbol.asyncDispose]()
    if (this.#spool === undefined) return
    await this.#spool.close()
    await rm(this.#spoolFile, { force: true })
  }
}

function parseMark(text: string): Mark | undefined {
  const { before, length, sha256 }: Record<string, unknown> = JSON.parse(text)
  if (typeof before !== 'number' || typeof length !== 'number' || typeof sha256 !== 'string') return undefined
  return { before, length, sha256 }
}

/**
 * Half a batch is cut off again, where it is that and nothing else: another program may have rewritten the file since,
 * or delivered to it.
 */
async function fateOf(mbox: FileHandle, spool: FileHandle, mark: Mark | undefined): Promise<Fate> {
  if (mark === undefined) return 'unknown'
  const { size } = await mbox.stat()
  if (size === mark.before) return 'not-placed'
  if (size < mark.before) return 'unknown'
  const end = Math.min(size, mark.before + mark.length)
  const placed = await hashOf(mbox, mark.before, end)
  if (placed === mark.sha256) return 'placed'
  const half = end - mark.before
  const { size: spooled } = await spool.stat()
  if (end < size || spooled < half || (await hashOf(spool, 0, half)) !== placed) return 'unknown'
  await mbox.truncate(mark.before)
  return 'not-placed'
}

async function hashOf(handle: FileHandle, from: number, to: number): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of piecesOf(handle, from, to)) hash.update(chunk)
  return hash.digest('hex')
}

async function* piecesOf(handle: FileHandle, from: number, to: number): AsyncGenerator<Uint8Array, void, void> {
  for (let at = from; at < to; ) {
    const piece = Buffer.allocUnsafe(Math.min(256 * 1024, to - at))
    const { bytesRead } = await handle.read(piece, 0, piece.length, at)
    if (bytesRead === 0) throw new Error('A file became shorter while it was read')
    at += bytesRead
    yield piece.subarray(0, bytesRead)
  }
}
