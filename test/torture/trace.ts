/** Reads what strace recorded of a process: every call that changes files below a folder, with its data. @module */
import { createReadStream } from 'node:fs'

/** Calls that change files or make them durable, for `strace -e trace=`. */
const TRACED: readonly string[] = (
  'openat open creat mkdir mkdirat rename renameat renameat2 unlink unlinkat rmdir link linkat symlink symlinkat ' +
  'pwrite64 pwritev pwritev2 ftruncate truncate fallocate copy_file_range sync_file_range fsync fdatasync'
).split(' ')

/**
 * The words in front of a program that record it into a file.
 * @param inject a fault, as strace's `-e inject=` takes it.
 */
export function recording(file: string, inject?: string): readonly string[] {
  const fault = inject === undefined ? [] : ['-e', `inject=${inject}`]
  return [
    'strace',
    '-f',
    '--seccomp-bpf',
    '-ttt',
    '-y',
    '-xx',
    '-s',
    '33554432',
    '-e',
    `trace=${TRACED.join(',')}`,
  ].concat(...fault, '-o', file)
}

/** `begun` and `done` are one call's, told apart by `id`: at its entry, and when it has succeeded. */
export type FileEvent = {
  /** Microseconds since 1970. */
  readonly at: number
  readonly id: number
} & (
  | { readonly what: 'write'; readonly path: string; readonly position: number; readonly bytes: Buffer }
  | { readonly what: 'truncate'; readonly path: string; readonly size: number }
  | { readonly what: 'sync'; readonly path: string }
  | { readonly what: 'create'; readonly path: string; readonly empties: boolean }
  | { readonly what: 'folder'; readonly path: string }
  | { readonly what: 'rename'; readonly path: string; readonly to: string }
  | { readonly what: 'remove'; readonly path: string }
  | { readonly what: 'done' | 'failed' }
)

/** Events in their order. Writes, truncations and syncs come at their entry and end on `done`; names when they are done. */
export async function readTrace(file: string, below: string): Promise<readonly FileEvent[]> {
  const events: FileEvent[] = []
  const reader = new TraceReader(below, events)
  let rest: Buffer[] = []
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      rest.push(chunk.subarray(from, end))
      reader.line(Buffer.concat(rest).toString('latin1'))
      rest = []
      from = end + 1
    }
    rest.push(chunk.subarray(from))
  }
  return events
}

const NEWLINE = 0x0a
const LINE = /^(\d+) +(\d+)\.(\d{6}) (.*)$/s
const UNFINISHED = ' <unfinished ...>'
const RESUMED = /^<\.\.\. (\w+) resumed>(.*)$/s
/** A descriptor with the path it has at that moment. */
const DESCRIPTOR = /^(?:\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})*)>(\(deleted\))?/

interface Call {
  readonly name: string
  readonly args: string
  readonly id: number
  /** Whether its entry was told. */
  told: boolean
  /** Octets of a write. */
  length: number
}

class TraceReader {
  readonly #below: string
  readonly #events: FileEvent[]
  readonly #open = new Map<string, Call>()
  #ids = 0

  constructor(below: string, events: FileEvent[]) {
    this.#below = `${below}/`
    this.#events = events
  }

  line(text: string): void {
    const [, thread = '', seconds, micros, rest = ''] = LINE.exec(text) ?? []
    const at = Number(seconds) * 1_000_000 + Number(micros)
    const resumed = RESUMED.exec(rest)
    if (resumed !== null) {
      const call = this.#open.get(thread)
      this.#open.delete(thread)
      if (call === undefined || call.name !== resumed[1]) throw new Error(`Nothing was begun for ${text.slice(0, 200)}`)
      this.#end(at, { ...call, args: call.args + (resumed[2] ?? '') })
      return
    }
    const begun = /^(\w+)\((.*)$/s.exec(rest)
    // Signals and ends of threads.
    if (begun === null) return
    const [, name = '', args = ''] = begun
    this.#ids += 1
    const call: Call = { name, args, id: this.#ids, told: false, length: 0 }
    if (!args.endsWith(UNFINISHED)) return this.#end(at, call)
    const cut: Call = { ...call, args: args.slice(0, -UNFINISHED.length) }
    this.#begin(at, cut)
    this.#open.set(thread, cut)
  }

  /** Tells the entry of what is told at its entry. */
  #begin(at: number, call: Call): void {
    const { name, args, id } = call
    const [, hex = '', deleted] = DESCRIPTOR.exec(args) ?? []
    const path = this.#inside(unhex(hex))
    if (path === undefined || deleted !== undefined) return
    switch (name) {
      case 'pwrite64':
      case 'pwritev':
      case 'pwritev2': {
        const bytes = bytesOf(args)
        call.length = bytes.length
        this.#events.push({ at, id, what: 'write', path, position: positionOf(name, args), bytes })
        break
      }
      case 'ftruncate':
        this.#events.push({ at, id, what: 'truncate', path, size: Number(/, (\d+)/.exec(args)?.[1]) })
        break
      case 'fsync':
      case 'fdatasync':
        this.#events.push({ at, id, what: 'sync', path })
        break
      default:
        return
    }
    call.told = true
  }

  #end(at: number, ended: Call): void {
    const [, args = '', result = ''] = /^(.*)\) += (-?\d+|\?)/s.exec(ended.args) ?? []
    const call = { ...ended, args }
    if (!call.told) this.#begin(at, call)
    const ok = result !== '' && !result.startsWith('-') && result !== '?'
    if (call.told) {
      if (ok && call.length > 0 && Number(result) !== call.length)
        throw new Error(`A write of ${call.length} octets was cut to ${result}: not modelled`)
      // One without a result was cut off by the end of the process: it may have happened.
      if (result !== '' && result !== '?') this.#events.push({ at, id: call.id, what: ok ? 'done' : 'failed' })
    } else if (ok) this.#name(at, call)
  }

  #name(at: number, { name, args, id }: Call): void {
    const [first, second] = Array.from(args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g), ([, hex = '']) =>
      this.#inside(unhex(hex)),
    )
    if (first === undefined) return
    switch (name) {
      case 'open':
      case 'openat':
      case 'creat':
        if (name === 'creat' || args.includes('O_CREAT') || args.includes('O_TRUNC'))
          this.#events.push({ at, id, what: 'create', path: first, empties: args.includes('O_TRUNC') })
        return
      case 'mkdir':
      case 'mkdirat':
        this.#events.push({ at, id, what: 'folder', path: first })
        return
      case 'rename':
      case 'renameat':
      case 'renameat2':
        if (second === undefined) throw new Error('A file was moved out of the folder: not modelled')
        this.#events.push({ at, id, what: 'rename', path: first, to: second })
        return
      case 'unlink':
      case 'unlinkat':
      case 'rmdir':
        this.#events.push({ at, id, what: 'remove', path: first })
        return
      default:
        throw new Error(`${name} below ${this.#below} is not modelled`)
    }
  }

  /** The path below the folder; `undefined` for others. */
  #inside(path: string): string | undefined {
    return path.startsWith(this.#below) ? path.slice(this.#below.length) : undefined
  }
}

function unhex(text: string): string {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex').toString()
}

/** What a write was given: one string, or several of a vector. */
function bytesOf(args: string): Buffer {
  return Buffer.concat(
    Array.from(args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g), ([, hex = '']) =>
      Buffer.from(hex.replaceAll('\\x', ''), 'hex'),
    ),
  )
}

function positionOf(name: string, args: string): number {
  const found = (name === 'pwritev2' ? /, (\d+), \w+$/ : /, (\d+)$/).exec(args)?.[1]
  if (found === undefined) throw new Error(`${name} has no position: ${args.slice(-80)}`)
  return Number(found)
}
