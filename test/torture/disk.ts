/**
 * A disk that keeps only what was synced. It follows the calls that a process made, and can tell at any moment what a
 * power cut may leave: of every write since the last sync of its file each sector of 512 octets or not, in any order;
 * of names made, moved or removed since the last sync of their folder the first ones, or any. @module
 */
import fs from 'node:fs'
import path from 'node:path'
import type { Random } from '#testing/random.ts'
import { type Change, Content, isShared } from './content.ts'
import type { ChangeEvent, FileEvent, NameEvent } from './trace.ts'

const SECTOR = 512

/**
 * What a cut leaves of what was not synced: nothing; everything (the process alone died); the first writes of each file,
 * the last of them torn; any sectors of any writes.
 */
export const CUTS = ['nothing', 'everything', 'first', 'any'] as const
export type Cut = (typeof CUTS)[number]

/** Of a call that began at a time, microseconds since 1970, and may have ended. */
type Unsynced = Change & { readonly at: number; done: boolean }

/** A file, whatever its names are. */
interface File {
  /** On the disk for certain. */
  durable: Content
  /** Since then, in their order. */
  changes: Unsynced[]
}

interface NameChange {
  /** `undefined`: the name goes. */
  readonly set: readonly (readonly [name: string, file: File | 'folder' | undefined])[]
}

/** See the module. */
export class Disk {
  /** As the process sees them. */
  readonly #names = new Map<string, File | 'folder'>()
  readonly #durableNames: Map<string, File | 'folder'>
  /** By folder. */
  #nameChanges: NameChange[] = []
  /** Syncs under way: what they cover. */
  readonly #syncs = new Map<
    number,
    { readonly file: File; readonly covers: readonly Unsynced[] } | readonly NameChange[]
  >()
  /** Writes under way. */
  readonly #writes = new Map<number, { readonly file: File; readonly change: Unsynced }>()
  /** Calls on names under way: what they do is there when they are done. */
  readonly #naming = new Map<number, NameEvent>()

  /** Begins with the files of a folder, all of them durable. */
  constructor(folder: string) {
    for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const full = path.join(entry.parentPath, entry.name)
      const name = path.relative(folder, full)
      if (entry.isDirectory()) this.#names.set(name, 'folder')
      else if (entry.isFile()) this.#names.set(name, { durable: new Content(fs.readFileSync(full)), changes: [] })
    }
    this.#durableNames = new Map(this.#names)
  }

  follow(event: FileEvent): void {
    switch (event.what) {
      case 'write':
      case 'truncate':
        return this.#change(event)
      case 'sync':
        return this.#beginSync(event.id, event.path)
      case 'create':
      case 'folder':
      case 'rename':
      case 'remove':
        this.#naming.set(event.id, event)
        return
      case 'done':
        return this.#done(event.id)
      case 'failed':
        return this.#failed(event.id)
    }
  }

  #name(event: NameEvent): void {
    switch (event.what) {
      case 'create':
        return this.#create(event.path, event.empties, event.at)
      case 'folder':
        return this.#rename([[event.path, 'folder']])
      case 'rename':
        return this.#rename([
          [event.path, undefined],
          [event.to, this.#names.get(event.path)],
        ])
      case 'remove':
        return this.#rename([[event.path, undefined]])
    }
  }

  #file(name: string): File {
    const file = this.#names.get(name)
    if (file === undefined || file === 'folder') throw new Error(`The trace names "${name}", which nobody made`)
    return file
  }

  #change(event: ChangeEvent): void {
    if (isShared(event.path)) return
    const file = this.#file(event.path)
    const change: Unsynced = { ...event, done: false }
    file.changes.push(change)
    this.#writes.set(event.id, { file, change })
  }

  #create(name: string, empties: boolean, at: number): void {
    const known = this.#names.get(name)
    if (known === undefined) this.#rename([[name, { durable: new Content(Buffer.alloc(0)), changes: [] }]])
    else if (empties && known !== 'folder') known.changes.push({ at, done: true, size: 0 })
  }

  #rename(set: NameChange['set']): void {
    for (const [name, file] of set) {
      if (file === undefined) this.#names.delete(name)
      else this.#names.set(name, file)
    }
    this.#nameChanges.push({ set })
  }

  #beginSync(id: number, name: string): void {
    if (isShared(name)) return
    const known = this.#names.get(name)
    if (known !== 'folder' && name !== '') {
      const file = this.#file(name)
      this.#syncs.set(id, { file, covers: file.changes.filter(({ done }) => done) })
    } else {
      const own = ({ set }: NameChange): boolean => set.some(([each]) => folderOf(each) === name)
      this.#syncs.set(id, this.#nameChanges.filter(own))
    }
  }

  #done(id: number): void {
    const naming = this.#naming.get(id)
    this.#naming.delete(id)
    if (naming !== undefined) return this.#name(naming)
    const write = this.#writes.get(id)
    if (write !== undefined) write.change.done = true
    this.#writes.delete(id)
    const sync = this.#syncs.get(id)
    this.#syncs.delete(id)
    if (sync === undefined) return
    if ('file' in sync) {
      const { file, covers } = sync
      for (const change of covers) if (file.changes.includes(change)) file.durable.apply(change)
      file.changes = file.changes.filter((change) => !covers.includes(change))
      return
    }
    for (const { set } of sync) apply(this.#durableNames, set)
    this.#nameChanges = this.#nameChanges.filter((change) => !sync.includes(change))
  }

  #failed(id: number): void {
    this.#naming.delete(id)
    const write = this.#writes.get(id)
    if (write !== undefined) write.file.changes = write.file.changes.filter((change) => change !== write.change)
    this.#writes.delete(id)
    const sync = this.#syncs.get(id)
    this.#syncs.delete(id)
    // What a failed sync was to write is lost, although the process goes on seeing it: the kernel tries once.
    if (sync !== undefined && 'file' in sync)
      sync.file.changes = sync.file.changes.filter((change) => !sync.covers.includes(change))
  }

  /** What is not durable now, in words. */
  get unsynced(): readonly string[] {
    const words = new Set<string>()
    for (const [name, file] of this.#names) {
      if (file === 'folder' || file.changes.length === 0) continue
      if (name.includes('/segments/')) words.add('bodies')
      else if (name.includes('/big/')) words.add('large bodies')
      else if (name.endsWith('-wal')) words.add('rows')
      else if (name.endsWith('index.db')) words.add('checkpoint')
    }
    if (this.#nameChanges.some(({ set }) => set.some(([name]) => !isShared(name)))) words.add('names')
    return Array.from(words).sort()
  }

  /** When the oldest change began that is not durable and that an answer waits for: of bodies or rows. */
  get unsyncedSince(): number | undefined {
    let since: number | undefined
    for (const [name, file] of this.#names) {
      const [oldest] = file === 'folder' ? [] : file.changes
      if (oldest === undefined || !/\/segments\/|\/big\/|-wal$/.test(name)) continue
      since = Math.min(since ?? oldest.at, oldest.at)
    }
    return since
  }

  /** Writes what a power cut leaves into a new folder. */
  cut(to: string, how: Cut, random: Random): void {
    const names = new Map(this.#durableNames)
    for (const { set } of chosen(this.#nameChanges, how, random)) apply(names, set)
    fs.mkdirSync(to, { recursive: true, mode: 0o700 })
    for (const [name, file] of Array.from(names).sort(([a], [b]) => (a < b ? -1 : 1))) {
      const full = path.join(to, name)
      // The folder of a file may have been lost before it.
      if (!fs.existsSync(path.dirname(full))) continue
      if (file === 'folder') fs.mkdirSync(full, { recursive: true, mode: 0o700 })
      else if (isShared(name)) fs.writeFileSync(full, noise(32_768, random))
      else fs.writeFileSync(full, left(file, how, random), { mode: 0o600 })
    }
  }
}

function folderOf(name: string): string {
  const folder = path.dirname(name)
  return folder === '.' ? '' : folder
}

function apply(names: Map<string, File | 'folder'>, set: NameChange['set']): void {
  for (const [name, file] of set) {
    if (file === undefined) names.delete(name)
    else names.set(name, file)
  }
}

function chosen(changes: readonly NameChange[], how: Cut, random: Random): readonly NameChange[] {
  switch (how) {
    case 'nothing':
      return []
    case 'everything':
      return changes
    case 'first':
      return changes.slice(0, random.between(0, changes.length))
    case 'any':
      return random.some(changes, 0.5)
  }
}

/** Octets that a file has after the cut. */
function left({ durable, changes }: File, how: Cut, random: Random): Buffer {
  if (how === 'nothing' || changes.length === 0) return durable.bytes
  const content = durable.copy()
  if (how === 'everything') for (const change of changes) content.apply(change)
  else if (how === 'first') {
    const count = random.between(0, changes.length)
    for (const change of changes.slice(0, count)) content.apply(change)
    const torn = changes[count]
    if (torn !== undefined && 'bytes' in torn) {
      const sectors = Math.floor(torn.bytes.length / SECTOR)
      content.write(torn.position, torn.bytes.subarray(0, random.between(0, sectors) * SECTOR))
    }
  } else {
    const share = random.pick([0.1, 0.5, 0.9])
    for (const change of changes) {
      if ('bytes' in change) writeSome(content, change, share, random)
      else if (random.chance(0.5)) content.apply(change)
    }
  }
  return content.bytes
}

/** Any sectors of a write; what a file grew by and was not written is zeros, or what the disk had there before. */
function writeSome(
  content: Content,
  { position, bytes }: { readonly position: number; readonly bytes: Buffer },
  share: number,
  random: Random,
): void {
  const end = position + bytes.length
  const before = content.bytes.length
  if (end > before && random.chance(0.3)) {
    content.truncate(end)
    if (random.chance(0.5)) content.write(before, noise(end - before, random))
  }
  for (let from = position; from < end; ) {
    const next = Math.min(end, (Math.floor(from / SECTOR) + 1) * SECTOR)
    if (random.chance(share)) content.write(from, bytes.subarray(from - position, next - position))
    from = next
  }
}

function noise(size: number, random: Random): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at += 1) bytes[at] = random.below(256)
  return bytes
}
