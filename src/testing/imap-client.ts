import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'

/** How long a test waits for a line before it fails; a deadline for broken tests, not a clock of any. */
const PATIENCE_MS = 60_000

/** A client that knows lines and nothing else. Everything is binary strings, one char a byte. */
export class ImapLines {
  #stream: Duplex
  #text = ''
  #ended = false
  #wake: (() => void) | undefined

  constructor(stream: Duplex) {
    this.#stream = stream
    this.#listen()
  }

  /** Sends bytes in one piece. */
  send(text: string): void {
    this.#stream.write(Buffer.from(text, 'latin1'))
  }

  /** The next line without CRLF; `undefined` when the server has closed. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\r\n')
      if (end >= 0) {
        const line = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        return line
      }
      if (this.#ended) return this.#text === '' ? undefined : this.#text
      await this.#more()
    }
  }

  /** Gives a line back, to be read again. */
  putBack(line: string): void {
    this.#text = `${line}\r\n${this.#text}`
  }

  /** Exactly so many bytes. */
  async bytes(count: number): Promise<string> {
    while (this.#text.length < count) {
      if (this.#ended) throw new Error('The connection ended')
      await this.#more()
    }
    const bytes = this.#text.slice(0, count)
    this.#text = this.#text.slice(count)
    return bytes
  }

  /** Sends a command and gives all lines up to and with the tagged one. */
  async command(text: string): Promise<string[]> {
    const tag = text.slice(0, text.indexOf(' ') + 1)
    this.send(`${text}\r\n`)
    const lines: string[] = []
    for (;;) {
      const line = await this.line()
      if (line === undefined) throw new Error(`The connection ended during ${text}, after ${lines.join(' | ')}`)
      lines.push(line)
      if (line.startsWith(tag)) return lines
    }
  }

  /** What came and was not read; lets the server do what it has to do first. */
  async unread(): Promise<string> {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    return this.#text
  }

  /** Closes our side only. */
  end(): void {
    this.#stream.end()
  }

  /** Vanishes. */
  reset(): void {
    this.#stream.destroy()
  }

  /** Stops and goes on reading. */
  pause(): void {
    this.#stream.pause()
  }
  resume(): void {
    this.#stream.resume()
  }

  /** Does the TLS handshake. */
  async secure(): Promise<TLSSocket> {
    const plain = this.#stream
    plain.removeAllListeners('data')
    const socket = connectTls({ socket: plain, rejectUnauthorized: false })
    this.#stream = socket
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('The TLS handshake failed')))
    })
    this.#listen()
    return socket
  }

  #listen(): void {
    this.#stream.on('error', () => undefined)
    this.#stream.on('data', (bytes: Buffer) => {
      this.#text += bytes.toString('latin1')
      this.#wake?.()
    })
    for (const event of ['end', 'close', 'error'])
      this.#stream.on(event, () => {
        this.#ended = true
        this.#wake?.()
      })
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`Nothing came; unread: ${JSON.stringify(this.#text)}`)),
        PATIENCE_MS,
      )
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
    })
  }
}
