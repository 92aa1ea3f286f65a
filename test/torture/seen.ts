/**
 * The files as a process saw them, synced or not, and whether what is there after its end is what it left: every call
 * that ended was carried out; each that SIGKILL cut off was carried out or not, a write also in part, as the kernel
 * looks for a kill between two pages of it. @module
 */
import fs from 'node:fs'
import path from 'node:path'
import { type Change, Content, isShared } from './content.ts'
import type { FileEvent, NameEvent } from './trace.ts'

type Entry = Content | 'folder'

/** A call that has not ended. */
interface Begun {
  readonly changes?: { readonly content: Content; readonly how: Change }
  readonly names?: NameEvent
}

/** See the module. */
export class Seen {
  readonly #names: Map<string, Entry>
  readonly #begun = new Map<number, Begun>()

  /** Begins with the files of a folder. */
  constructor(folder: string) {
    this.#names = new Map(
      Array.from(filesOf(folder), ([name, full]) => [name, new Content(fs.readFileSync(full))] as const),
    )
  }

  follow(event: FileEvent): void {
    switch (event.what) {
      case 'write':
      case 'truncate':
        if (!isShared(event.path))
          this.#begun.set(event.id, { changes: { content: this.#file(event.path), how: event } })
        return
      case 'create': {
        const there = this.#names.get(event.path)
        const empties = event.empties && there !== undefined && there !== 'folder'
        this.#begun.set(event.id, {
          names: event,
          ...(empties ? { changes: { content: there, how: { size: 0 } } } : {}),
        })
        return
      }
      case 'folder':
      case 'rename':
      case 'remove':
        this.#begun.set(event.id, { names: event })
        return
      case 'done': {
        const { changes, names } = this.#begun.get(event.id) ?? {}
        changes?.content.apply(changes.how)
        if (names !== undefined) rename(this.#names, names)
        this.#begun.delete(event.id)
        return
      }
      case 'failed':
        this.#begun.delete(event.id)
        return
      case 'sync':
    }
  }

  #file(name: string): Content {
    const there = this.#names.get(name)
    if (there === undefined || there === 'folder') throw new Error(`The trace names "${name}", which nobody made`)
    return there
  }

  /** @returns a sentence when the files in the folder cannot be what the process left. */
  differs(folder: string): string | undefined {
    const real = new Map(filesOf(folder))
    const begun = Array.from(this.#begun.values())
    const sentences: string[] = []
    for (const some of subsets(begun.flatMap(({ names }) => names ?? []))) {
      const names = new Map(this.#names)
      for (const event of some) rename(names, event)
      const sentence = this.#differ(names, real, begun)
      if (sentence === undefined) return undefined
      sentences.push(sentence)
    }
    return sentences[0]
  }

  #differ(
    names: ReadonlyMap<string, Entry>,
    real: ReadonlyMap<string, string>,
    begun: readonly Begun[],
  ): string | undefined {
    const files = Array.from(names).flatMap(([name, entry]) =>
      entry === 'folder' || isShared(name) ? [] : [[name, entry] as const],
    )
    const [here, there] = [files.map(([name]) => name).sort(), Array.from(real.keys()).sort()]
    if (here.join() !== there.join()) return `The record gives the files ${here.join()}, there are ${there.join()}`
    for (const [name, content] of files) {
      const cutOff = begun.flatMap(({ changes }) => (changes?.content === content ? [changes.how] : []))
      const bytes = fs.readFileSync(real.get(name) ?? '')
      if (leaves(content, cutOff, bytes)) continue
      const first = bytes.findIndex((octet, at) => octet !== content.bytes[at])
      return `The record gives other octets for "${name}" than there are: ${content.bytes.length} and not ${bytes.length}, other ones from ${first} on, ${cutOff.length} calls cut off`
    }
    return undefined
  }
}

/** Names of all regular files but SQLite's shared memory, and where they are. */
function filesOf(folder: string): (readonly [name: string, full: string])[] {
  return fs.readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const full = path.join(entry.parentPath, entry.name)
    const name = path.relative(folder, full)
    return entry.isFile() && !isShared(name) ? [[name, full] as const] : []
  })
}

function rename(names: Map<string, Entry>, event: NameEvent): void {
  switch (event.what) {
    case 'create':
      if (!names.has(event.path)) names.set(event.path, new Content(Buffer.alloc(0)))
      return
    case 'folder':
      names.set(event.path, 'folder')
      return
    case 'rename': {
      const moved = names.get(event.path)
      names.delete(event.path)
      if (moved !== undefined) names.set(event.to, moved)
      return
    }
    case 'remove':
      names.delete(event.path)
  }
}

function subsets<T>(list: readonly T[]): readonly (readonly T[])[] {
  return list.reduce<readonly (readonly T[])[]>((all, one) => [...all, ...all.map((some) => [...some, one])], [[]])
}

/** Whether these octets are what calls that were cut off can have left. */
function leaves(content: Content, cutOff: readonly Change[], bytes: Buffer): boolean {
  const [first, ...rest] = cutOff
  if (first === undefined) return content.bytes.equals(bytes)
  if (leaves(content, rest, bytes)) return true
  const after = content.copy()
  if ('size' in first) after.apply(first)
  else {
    // As much of it as there is.
    const there = bytes.subarray(first.position)
    const other = first.bytes.findIndex((octet, at) => octet !== there[at])
    if (other === 0) return false
    after.write(first.position, other < 0 ? first.bytes : first.bytes.subarray(0, other))
  }
  return leaves(after, rest, bytes)
}
