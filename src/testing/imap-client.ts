import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { ReceivedText } from './received-text.ts'

/** A client that knows lines and nothing else. Everything is binary strings, one char a byte. */
export class ImapLines {
  #stream: Duplex
  readonly #received: ReceivedText

  constructor(stream: Duplex) {
    this.#stream = stream
    this.#received = new ReceivedText(stream)
  }

  /** Sends bytes in one piece. */
  send(text: string): void {
    this.#stream.write(Buffer.from(text, 'latin1'))
  }

  /** The next line without CRLF; `undefined` when the server has closed. */
  line(): Promise<string | undefined> {
    return this.#received.line()
  }

  /** Gives a line back, to be read again. */
  putBack(line: string): void {
    this.#received.unread = `${line}\r\n${this.#received.unread}`
  }

  /** Exactly so many bytes. */
  async bytes(count: number): Promise<string> {
    while (this.#received.unread.length < count) {
      if (this.#received.ended) throw new Error('The connection ended')
      await this.#received.more()
    }
    return this.#received.take(count)
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
    return this.#received.unread
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
    this.#received.listen(socket)
    return socket
  }
}
