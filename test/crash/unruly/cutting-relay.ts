/**
 * Stands before a mail server that says nothing of its own accord: cuts connections at named moments, and notes what the
 * server has taken, whether or not its client heard of it. Without TLS, so that it sees what is said. @module
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { MessageEnds } from './message-ends.ts'

/**
 * Before the greeting, or the first command, is passed on; with half of what came of a message passed on; when all of it
 * is on its way; when the server's 250 for it is there.
 */
export type CutMoment = 'greeting' | 'ehlo' | 'in the message' | 'behind the message' | 'before its 250'

/** The server has a message. */
export interface Taken {
  /** When its 250 was passed on, or the client was gone before that: `performance.now()`. */
  readonly at: number
  /** The relay was why the client did not hear it. */
  readonly cut: boolean
}

export interface CuttingRelayOptions {
  /** Port of the server. */
  readonly port: number
  readonly cuts: (moment: CutMoment) => boolean
  /** Whether the server seems to lack CHUNKING, for a connection. */
  readonly hidesChunking: () => boolean
  /** What is called taken, and under which name: from a reply of the server. */
  readonly takenAs: (reply: string) => string | undefined
}

export class CuttingRelay implements AsyncDisposable {
  /** By what `takenAs` gave. */
  readonly taken: ReadonlyMap<string, Taken>
  readonly port: number
  readonly #close: () => Promise<void>

  private constructor(port: number, taken: Map<string, Taken>, close: () => Promise<void>) {
    this.port = port
    this.taken = taken
    this.#close = close
  }

  static async start(options: CuttingRelayOptions): Promise<CuttingRelay> {
    const taken = new Map<string, Taken>()
    const lines = new Set<Line>()
    const server = createServer((client) => {
      const line = new Line(client, options, taken)
      lines.add(line)
      void line.ended.then(() => lines.delete(line))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new CuttingRelay((server.address() as AddressInfo).port, taken, async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const line of lines) line.end()
      await closed
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}

/** One connection. */
class Line {
  /** Both ends are closed. */
  readonly ended: Promise<unknown>
  readonly #client: Socket
  readonly #server: Socket
  readonly #options: CuttingRelayOptions
  readonly #taken: Map<string, Taken>
  readonly #ends = new MessageEnds()
  readonly #hidesChunking: boolean
  #said = ''
  #greeted = false
  #spoke = false
  /** When the client went, and whether that was our doing. */
  #gone: Taken | undefined

  constructor(client: Socket, options: CuttingRelayOptions, taken: Map<string, Taken>) {
    this.#client = client
    this.#options = options
    this.#taken = taken
    this.#hidesChunking = options.hidesChunking()
    this.#server = connect(options.port, '127.0.0.1')
    this.ended = Promise.all([client, this.#server].map((socket) => new Promise((done) => socket.once('close', done))))
    for (const socket of [client, this.#server]) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
    }
    client.on('data', (chunk: Buffer) => this.#fromClient(chunk))
    this.#server.on('data', (chunk: Buffer) => this.#fromServer(chunk))
    client.once('close', () => {
      this.#gone ??= { at: performance.now(), cut: false }
      // it still reads, and answers, what has come
      this.#server.end()
    })
    this.#server.once('close', () => client.end())
  }

  end(): void {
    this.#client.destroy()
    this.#server.destroy()
  }

  #fromClient(chunk: Buffer): void {
    if (this.#gone !== undefined) return
    if (!this.#spoke && this.#options.cuts('ehlo')) return this.#cut(true)
    this.#spoke = true
    const { inside, ended } = this.#ends.push(chunk)
    if (inside && this.#options.cuts('in the message')) {
      this.#server.write(chunk.subarray(0, chunk.length / 2))
      return this.#cut(true)
    }
    this.#server.write(chunk)
    if (ended && this.#options.cuts('behind the message')) this.#cut(false)
  }

  #fromServer(chunk: Buffer): void {
    const whole = (this.#said + chunk.toString('latin1')).split('\n')
    this.#said = whole.pop() ?? ''
    for (const line of whole) this.#reply(line)
  }

  #reply(line: string): void {
    if (!this.#greeted && this.#options.cuts('greeting')) return this.#cut(true)
    this.#greeted = true
    if (line.startsWith('354')) this.#ends.dataBegins()
    const name = this.#options.takenAs(line)
    if (name !== undefined) {
      if (this.#gone === undefined && this.#options.cuts('before its 250')) this.#cut(false)
      this.#taken.set(name, this.#gone ?? { at: performance.now(), cut: false })
    }
    if (this.#gone !== undefined) return
    const passed = this.#hidesChunking ? line.replace(/^250([ -])CHUNKING/, '250$1X-NOTHING') : line
    this.#client.write(`${passed}\n`, 'latin1')
  }

  /** @param both The server is left too: what it has got so far is no message. */
  #cut(both: boolean): void {
    this.#gone ??= { at: performance.now(), cut: true }
    this.#client.resetAndDestroy()
    if (both) this.#server.destroy()
  }
}
