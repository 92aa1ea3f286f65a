/**
 * `run/control.sock`: the way in for administrative verbs while the server runs (design §3). One JSON object a line in
 * each direction; the socket is the owner's alone. Progress lines may come before the answer, and the beginning of a long
 * list, so that nobody else waits while it is written. Whatever the asker says behind its line, and its going away, ends what can be ended.
 * @module
 */
import { chmod, mkdir, rm } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** Longest line either side takes. */
const LONGEST_LINE = 64 * 1024 * 1024
/** Items of a list in one line. */
const LINE_ITEMS = 500
/** Paths of sockets are cut by the kernel beyond this. */
const LONGEST_PATH = 107

/** Carries out a verb; `progress` may be called any number of times before it settles. `signal`: nobody waits for all of it. */
export type ControlHandler = (
  verb: string,
  args: unknown,
  progress: (value: unknown) => void,
  signal: AbortSignal,
) => Promise<unknown>

type ControlLine =
  | { readonly kind: 'progress'; readonly value: unknown }
  /** The first items of a list, or its next. */
  | { readonly kind: 'items'; readonly value: readonly unknown[] }
  /** Of a list, what has not been said yet. */
  | { readonly kind: 'done'; readonly value?: unknown }
  | { readonly kind: 'failed'; readonly error: ControlErrorData }

interface ControlErrorData {
  readonly name: string
  readonly message: string
  /** Of a verb that was refused, not one that failed. */
  readonly refusal?: unknown
}

/** What went wrong at the other end, in its words. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly refusal: unknown

  constructor({ message, refusal }: ControlErrorData) {
    super(message)
    this.refusal = refusal
  }
}

/** The server ended before it answered. */
export class ServerGone extends Error {
  override readonly name = 'ServerGone'

  constructor() {
    super('The server ended before it answered')
  }
}

/** The kernel takes no socket at so long a path. */
export class PathTooLong extends Error {
  readonly path: string

  constructor(file: string) {
    super(`The path ${file} is too long for a socket`)
    this.path = file
  }
}

/** Where the socket of a data directory is. */
function controlPath(data: string): string {
  return path.join(data, 'run', 'control.sock')
}

/** Opens the socket. The caller holds the lock of the data directory, so whatever stands there is a leftover. */
export async function serveControl(data: string, handler: ControlHandler): Promise<AsyncDisposable> {
  const file = controlPath(data)
  if (Buffer.byteLength(file) > LONGEST_PATH) throw new PathTooLong(file)
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  await rm(file, { force: true })
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    void answer(socket, handler)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(file, () => resolve())
  })
  await chmod(file, 0o600)
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

async function answer(socket: Socket, handler: ControlHandler): Promise<void> {
  const say = (line: ControlLine) => {
    if (!socket.destroyed) socket.write(`${JSON.stringify(line)}\n`)
  }
  const line = await firstLine(socket)
  if (line === undefined) return
  const controller = new AbortController()
  for (const event of ['data', 'close']) socket.once(event, () => controller.abort())
  try {
    const { verb, args } = JSON.parse(line) as { verb: string; args: unknown }
    const progress = (value: unknown): void => say({ kind: 'progress', value })
    const value = await handler(verb, args, progress, controller.signal)
    if (Array.isArray(value)) await sayList(socket, say, value)
    else say({ kind: 'done', value })
  } catch (error) {
    say({ kind: 'failed', error: errorData(error) })
  }
  socket.end()
}

/** In several lines; waits for an asker that reads slowly. */
async function sayList(socket: Socket, say: (line: ControlLine) => void, list: readonly unknown[]): Promise<void> {
  const gone = new Promise((resolve) => {
    socket.once('close', resolve)
  })
  let at = 0
  for (; list.length - at > LINE_ITEMS && !socket.destroyed; at += LINE_ITEMS) {
    say({ kind: 'items', value: list.slice(at, at + LINE_ITEMS) })
    const drained = new Promise((resolve) => {
      if (socket.writableNeedDrain) socket.once('drain', resolve)
      else setImmediate(resolve)
    })
    await Promise.race([drained, gone])
  }
  say({ kind: 'done', value: list.slice(at) })
}

function errorData(error: unknown): ControlErrorData {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  return { name: error.name, message: error.message, ...('refusal' in error ? { refusal: error.refusal } : {}) }
}

function firstLine(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    socket.on('data', function take(chunk: Buffer) {
      const end = chunk.indexOf(10)
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end))
      size += chunk.length
      if (end < 0 && size <= LONGEST_LINE) return
      socket.removeListener('data', take)
      if (end < 0) socket.destroy()
      resolve(end < 0 ? undefined : Buffer.concat(chunks).toString('utf8'))
    })
    socket.once('close', () => resolve(undefined))
  })
}

/**
 * Asks a running server.
 * @returns `undefined` when no server runs on the data directory.
 * @throws {ControlError} what the verb failed with.
 * @throws {ServerGone}
 */
export async function askControl(
  data: string,
  verb: string,
  args: unknown,
  progress: (value: unknown) => void = () => undefined,
  signal?: AbortSignal,
): Promise<{ readonly value: unknown } | undefined> {
  const socket = createConnection(controlPath(data))
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return undefined
    throw error
  }
  socket.write(`${JSON.stringify({ verb, args })}\n`)
  socket.on('error', () => undefined)
  const stop = (): void => void socket.write('\n')
  if (signal?.aborted === true) stop()
  signal?.addEventListener('abort', stop, { once: true })
  const items: unknown[] = []
  for await (const line of createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })) {
    const said = JSON.parse(line) as ControlLine
    if (said.kind === 'progress') progress(said.value)
    else if (said.kind === 'items') for (const item of said.value) items.push(item)
    else if (said.kind === 'done') return { value: Array.isArray(said.value) ? items.concat(said.value) : said.value }
    else throw new ControlError(said.error)
  }
  throw new ServerGone()
}
