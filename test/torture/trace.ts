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
    '-T',
    '-y',
    '-xx',
    '-s',
    '33554432',
    '-e',
    `trace=${TRACED.join(',')}`,
  ].concat(...fault, '-o', file)
}

/** Of a call: at its entry what it is to do, then `done` or `failed` with the same `id`, unless the end cut it off. */
export type FileEvent = ChangeEvent | NameEvent | (Timed & { readonly what: 'sync'; readonly path: string }) | EndEvent

interface Timed {
  /** Microseconds since 1970. */
  readonly at: number
  readonly id: number
}

/** Octets of a file change. */
export type ChangeEvent = Timed & { readonly path: string } & (
    | { readonly what: 'write'; readonly position: number; readonly bytes: Buffer }
    | { readonly what: 'truncate'; readonly size: number }
  )

/** Names change. */
export type NameEvent = Timed & { readonly path: string } & (
    | { readonly what: 'create'; readonly empties: boolean }
    | { readonly what: 'folder' | 'remove' }
    | { readonly what: 'rename'; readonly to: string }
  )

type EndEvent = Timed & { readonly what: 'done' | 'failed' }

/**
 * Events in their order.
 * @param killedAt when the process was sent SIGKILL, microseconds since 1970. What strace then says of a thread's last
 * call is not to be trusted: the thread is gone before its registers are read, and the result is another thread's.
 */
export async function readTrace(
  file: string,
  below: string,
  killedAt: number = Number.POSITIVE_INFINITY,
): Promise<readonly FileEvent[]> {
  const reader = new TraceReader(below, killedAt)
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
  return reader.events
}

const NEWLINE = 0x0a
const LINE = /^(\d+) +(\d+)\.(\d{6}) (.*)$/s
const UNFINISHED = ' <unfinished ...>'
const RESUMED = /^<\.\.\. (\w+) resumed>(.*)$/s
/** Behind the arguments; strings are written as hexadecimal digits. */
const RESULT = /\) += (-?\d+|\?)/
/** A descriptor with the path it has at that moment. */
const DESCRIPTOR = /^(?:\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})*)>(\(deleted\))?/

interface Call {
  readonly thread: string
  readonly name: string
  readonly args: string
  readonly id: number
  /** What its entry told, if anything. */
  readonly told: FileEvent | undefined
}

class TraceReader {
  readonly #below: string
  readonly #killedAt: number
  readonly #events: FileEvent[] = []
  readonly #open = new Map<string, Call>()
  /** By thread: how its last call ended after the kill, to be believed when the thread goes on. */
  readonly #late = new Map<string, EndEvent | Error>()
  #ids = 0

  constructor(below: string, killedAt: number) {
    this.#below = `${below}/`
    this.#killedAt = killedAt
  }

  get events(): readonly FileEvent[] {
    const untrue = new Set(this.#late.values())
    return this.#events.filter((event) => (event.what !== 'done' && event.what !== 'failed') || !untrue.has(event))
  }

  line(text: string): void {
    const [, thread = '', seconds, micros, rest = ''] = LINE.exec(text) ?? []
    if (!rest.startsWith('+++ killed')) this.#wentOn(thread)
    const at = Number(seconds) * 1_000_000 + Number(micros)
    const resumed = RESUMED.exec(rest)
    if (resumed !== null) {
      const call = this.#open.get(thread)
      this.#open.delete(thread)
      if (call === undefined || call.name !== resumed[1]) throw new Error(`Nothing was begun for ${text.slice(0, 200)}`)
      return this.#end(at, call, resumed[2] ?? '')
    }
    const begun = /^(\w+)\((.*)$/s.exec(rest)
    // Signals and ends of threads.
    if (begun === null) return
    const [, name = '', args = ''] = begun
    this.#ids += 1
    const call = { thread, name, id: this.#ids }
    if (args.endsWith(UNFINISHED)) {
      const cut = { ...call, args: args.slice(0, -UNFINISHED.length) }
      this.#open.set(thread, { ...cut, told: this.#begin(at, cut) })
    } else {
      const whole = { ...call, args: args.slice(0, args.search(RESULT)) }
      const took = Number(/ <(\d+\.\d+)>$/.exec(args)?.[1] ?? 0)
      this.#end(at + Math.round(took * 1_000_000), { ...whole, told: this.#begin(at, whole) }, args)
    }
  }

  #wentOn(thread: string): void {
    const late = this.#late.get(thread)
    this.#late.delete(thread)
    if (late instanceof Error) throw late
  }

  /** Tells the entry of a call that is about the folder. */
  #begin(at: number, call: Omit<Call, 'told'>): FileEvent | undefined {
    const event = this.#eventOf(at, call)
    if (event !== undefined) this.#events.push(event)
    return event
  }

  #eventOf(at: number, { name, args, id }: Omit<Call, 'told'>): FileEvent | undefined {
    const [, hex = '', deleted] = DESCRIPTOR.exec(args) ?? []
    const path = deleted === undefined ? this.#inside(unhex(hex)) : undefined
    switch (name) {
      case 'pwrite64':
      case 'pwritev':
      case 'pwritev2':
        if (path === undefined) return undefined
        return { at, id, what: 'write', path, position: positionOf(name, args), bytes: bytesOf(args) }
      case 'ftruncate':
        return path === undefined
          ? undefined
          : { at, id, what: 'truncate', path, size: Number(/, (\d+)/.exec(args)?.[1]) }
      case 'fsync':
      case 'fdatasync':
        return path === undefined ? undefined : { at, id, what: 'sync', path }
      case 'fallocate':
      case 'copy_file_range':
      case 'sync_file_range':
        if (args.includes(`<${hexed(this.#below)}`)) throw new Error(`${name} below ${this.#below} is not modelled`)
        return undefined
      default:
        return this.#nameEvent(at, name, args, id)
    }
  }

  #nameEvent(at: number, name: string, args: string, id: number): NameEvent | undefined {
    const [path, to] = Array.from(args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g), ([, hex = '']) => this.#inside(unhex(hex)))
    if (path === undefined) return undefined
    switch (name) {
      case 'open':
      case 'openat':
      case 'creat': {
        const empties = name === 'creat' || args.includes('O_TRUNC')
        return empties || args.includes('O_CREAT') ? { at, id, what: 'create', path, empties } : undefined
      }
      case 'mkdir':
      case 'mkdirat':
        return { at, id, what: 'folder', path }
      case 'rename':
      case 'renameat':
      case 'renameat2':
        if (to === undefined) throw new Error('A file was moved out of the folder: not modelled')
        return { at, id, what: 'rename', path, to }
      case 'unlink':
      case 'unlinkat':
      case 'rmdir':
        return { at, id, what: 'remove', path }
      default:
        throw new Error(`${name} below ${this.#below} is not modelled`)
    }
  }

  /** @param text the end of its line. */
  #end(at: number, { thread, id, told }: Call, text: string): void {
    const result = RESULT.exec(text)?.[1] ?? '?'
    // One without a result was cut off by the end of the process: it may have happened.
    if (told === undefined || result === '?') return
    const late = at >= this.#killedAt
    if (told.what === 'write' && !result.startsWith('-') && Number(result) !== told.bytes.length) {
      const short = new Error(`A write of ${told.bytes.length} octets was cut to ${result}: not modelled`)
      if (!late) throw short
      this.#late.set(thread, short)
      return
    }
    const end: EndEvent = { at, id, what: result.startsWith('-') ? 'failed' : 'done' }
    this.#events.push(end)
    if (late) this.#late.set(thread, end)
  }

  /** The path below the folder; `undefined` for others. */
  #inside(path: string): string | undefined {
    return path.startsWith(this.#below) ? path.slice(this.#below.length) : undefined
  }
}

function unhex(text: string): string {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex').toString()
}

function hexed(text: string): string {
  return Buffer.from(text).toString('hex').replace(/../g, '\\x$&')
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
