/** Raw connections for suites and benches: they know bytes, lines and tags, and nothing of what they mean. @module */
import { connect, type Socket } from 'node:net'
import { type Frame, LITERAL_MARK } from '#wire/imap/frame.ts'
import { ResponseFramer } from '#wire/imap/framer.ts'
import type { Endpoint } from './server-process.ts'

/** The server is gone; whether the last command was carried out is not known. */
export class Gone extends Error {
  override readonly name = 'Gone'
}

/** The server said no to what it should have done. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

async function open({ host, port }: Endpoint): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('error', (error) => reject(new Gone('Cannot connect', { cause: error })))
  })
  socket.removeAllListeners('error')
  socket.on('error', () => undefined)
  return socket
}

/** What a tagged response said. */
export interface Completion {
  readonly status: string
  /** Between the brackets, or ''. */
  readonly code: string
  readonly text: string
  /** Untagged responses since the last completion. */
  readonly untagged: readonly Frame[]
  /** All text of the untagged responses and of the tagged one, line by line. */
  readonly lines: readonly string[]
}

interface Waiting {
  readonly resolve: (completion: Completion) => void
  readonly reject: (error: Gone) => void
}

/** IMAP; commands may be pipelined. */
export class RawImap {
  readonly #socket: Socket
  readonly #framer = new ResponseFramer()
  readonly #waiting = new Map<string, Waiting>()
  #untagged: Frame[] = []
  #tags = 0
  #greeted: (() => void) | undefined
  #gone = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.once('close', () => {
      this.#gone = true
      this.#greeted?.()
      for (const { reject } of this.#waiting.values()) reject(new Gone('The server closed the connection'))
    })
  }

  static async connect(endpoint: Endpoint): Promise<RawImap> {
    const client = new RawImap(await open(endpoint))
    await new Promise<void>((resolve) => {
      client.#greeted = resolve
    })
    client.#untagged = []
    return client
  }

  /** Connects and logs in. */
  static async login(endpoint: Endpoint, address: string, password: string): Promise<RawImap> {
    const client = await RawImap.connect(endpoint)
    await client.ok(`LOGIN "${address}" "${password}"`)
    return client
  }

  /** Sends a command; a literal goes without waiting (LITERAL+) behind the text, which then ends on `{size+}`. */
  command(text: string, literal?: Uint8Array): Promise<Completion> {
    if (this.#gone) return Promise.reject(new Gone('The server closed the connection'))
    this.#tags += 1
    const tag = `k${this.#tags}`
    this.#socket.cork()
    this.#socket.write(`${tag} ${text}\r\n`, 'latin1')
    if (literal !== undefined) {
      this.#socket.write(literal)
      this.#socket.write('\r\n')
    }
    this.#socket.uncork()
    return new Promise((resolve, reject) => {
      this.#waiting.set(tag, { resolve, reject })
    })
  }

  /** A command that must succeed. */
  async ok(text: string, literal?: Uint8Array): Promise<Completion> {
    const done = await this.command(text, literal)
    if (done.status !== 'OK') throw new Refused(`${text} was answered ${done.status} [${done.code}] ${done.text}`)
    return done
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(bytes: Buffer): void {
    this.#framer.push(bytes)
    for (;;) {
      const event = this.#framer.next()
      if (event === undefined) return
      if (event.kind === 'literal') this.#framer.buffer()
      else if (event.kind === 'frame') this.#take(event.frame)
      else throw new Error(`The server sent what cannot be read: ${JSON.stringify(event)}`)
    }
  }

  #take(frame: Frame): void {
    const { text } = frame
    if (this.#greeted !== undefined) {
      this.#greeted()
      this.#greeted = undefined
      return
    }
    if (text.startsWith('* ') || text.startsWith('+')) {
      this.#untagged.push(frame)
      return
    }
    const tagged = /^(\S+) (\S+) (?:\[([^\]]*)\] ?)?(.*)$/s.exec(text)
    const waiting = this.#waiting.get(tagged?.[1] ?? '')
    if (tagged === null || waiting === undefined) throw new Error(`Nobody waits for ${text}`)
    this.#waiting.delete(tagged[1] ?? '')
    const untagged = this.#untagged
    this.#untagged = []
    const [, , status = '', code = '', rest = ''] = tagged
    const lines = [...untagged.map((one) => one.text), text]
    waiting.resolve({ status, code, text: rest, untagged, lines })
  }
}

/** One FETCH response. */
export interface Fetched {
  readonly uid: number
  /** Sorted, without `\Recent`, joined by spaces; `undefined` when not in the response. */
  readonly flags: string | undefined
  readonly modseq: number | undefined
  readonly size: number | undefined
  /** The first literal or quoted string after a `]`. */
  readonly body: Uint8Array | undefined
}

/** Reads the FETCH responses among others. */
export function fetched(untagged: readonly Frame[]): readonly Fetched[] {
  const list: Fetched[] = []
  for (const { text, literals } of untagged) {
    if (!/^\* \d+ FETCH /.test(text)) continue
    const number = (name: string): number | undefined => {
      const found = new RegExp(`[( ]${name} \\(?(\\d+)`).exec(text)?.[1]
      return found === undefined ? undefined : Number(found)
    }
    const flags = /[( ]FLAGS \(([^)]*)\)/.exec(text)?.[1]
    const body = new RegExp(`\\] (?:(${LITERAL_MARK})|"([^"]*)")`).exec(text)
    list.push({
      uid: number('UID') ?? 0,
      flags: flags === undefined ? undefined : canonicalFlags(flags.split(' ')),
      modseq: number('MODSEQ'),
      size: number('RFC822\\.SIZE'),
      body: body === null ? undefined : body[1] === undefined ? Buffer.from(body[2] ?? '') : literals[0]?.bytes,
    })
  }
  return list
}

/** Flags in one form: sorted, joined by spaces, without `\Recent`. */
export function canonicalFlags(flags: readonly string[]): string {
  return [...new Set(flags)]
    .filter((flag) => flag !== '' && flag !== '\\Recent')
    .sort()
    .join(' ')
}

/** `1:3,5` as numbers. */
export function expandSet(set: string): readonly number[] {
  return set.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split(':').map(Number)
    const [low, high] = [Math.min(first, last), Math.max(first, last)]
    return Array.from({ length: high - low + 1 }, (_, index) => low + index)
  })
}

/** POP3 and LMTP: lines, and POP3's multi-line responses. One response is asked for at a time. */
export class RawLines {
  readonly #socket: Socket
  #chunks: Buffer[] = []
  #wake: (() => void) | undefined
  #gone = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => {
      this.#chunks.push(bytes)
      this.#wake?.()
    })
    socket.once('close', () => {
      this.#gone = true
      this.#wake?.()
    })
  }

  static async connect(endpoint: Endpoint): Promise<RawLines> {
    return new RawLines(await open(endpoint))
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** Sends bytes; resolves when the socket would take more. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#gone) throw new Gone('The server closed the connection')
    if (this.#socket.write(bytes)) return
    await new Promise<void>((resolve) => {
      this.#socket.once('drain', resolve)
      this.#socket.once('close', resolve)
    })
  }

  /** The next line without its end. */
  async line(): Promise<string> {
    for (;;) {
      const bytes = this.#joined()
      const end = bytes.indexOf('\r\n')
      if (end >= 0) {
        this.#chunks = end + 2 < bytes.length ? [bytes.subarray(end + 2)] : []
        return bytes.toString('latin1', 0, end)
      }
      await this.#more()
    }
  }

  /** Sends a line and gives the one that answers. */
  async ask(line: string): Promise<string> {
    this.send(`${line}\r\n`)
    return this.line()
  }

  /** Sends a line that must be answered with `+OK` or a 2xx or 3xx. */
  async ok(line: string): Promise<string> {
    const answer = await this.ask(line)
    if (!/^(?:\+OK|[23]\d\d)/.test(answer)) throw new Refused(`${line} was answered ${answer}`)
    return answer
  }

  /** The rest of a multi-line response that ends the input, dots unstuffed. */
  async multiline(): Promise<Buffer> {
    while (!this.#endsOnDot()) await this.#more()
    const bytes = this.#joined()
    this.#chunks = []
    return unstuff(bytes.subarray(0, bytes.length - 3))
  }

  close(): void {
    this.#socket.destroy()
  }

  #joined(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  #endsOnDot(): boolean {
    let tail = ''
    for (let at = this.#chunks.length - 1; at >= 0 && tail.length < 5; at -= 1) {
      tail = (this.#chunks[at]?.subarray(-5).toString('latin1') ?? '') + tail
    }
    return tail === '.\r\n' || tail.endsWith('\r\n.\r\n')
  }

  async #more(): Promise<void> {
    if (this.#gone) throw new Gone('The server closed the connection')
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }
}

function unstuff(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  let from = bytes[0] === DOT ? 1 : 0
  for (let at = bytes.indexOf('\r\n.'); at >= 0; at = bytes.indexOf('\r\n.', from)) {
    parts.push(bytes.subarray(from, at + 2))
    from = at + 3
  }
  parts.push(bytes.subarray(from))
  return Buffer.concat(parts)
}

const DOT = 0x2e

/** As DATA wants it: dots at the beginning of lines doubled, and the end mark. */
export function stuffed(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  let from = 0
  if (bytes[0] === DOT) parts.push(Buffer.from('.'))
  for (let at = bytes.indexOf('\r\n.'); at >= 0; at = bytes.indexOf('\r\n.', from)) {
    parts.push(bytes.subarray(from, at + 2), Buffer.from('.'))
    from = at + 2
  }
  parts.push(bytes.subarray(from))
  const end = bytes.subarray(-2).equals(Buffer.from('\r\n')) ? '.\r\n' : '\r\n.\r\n'
  parts.push(Buffer.from(end))
  return Buffer.concat(parts)
}
