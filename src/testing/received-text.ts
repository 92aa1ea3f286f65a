import type { Duplex } from 'node:stream'

/** How long a test waits before it fails; a deadline for broken tests, not a clock of any. */
const PATIENCE_MS = 60_000

/** What a peer says, as binary strings (one char a byte), for one who reads it and waits where it has not come. */
export class ReceivedText {
  /** It came and was not read. */
  unread = ''
  #ended = false
  #wake: (() => void) | undefined

  /** @param stream More can follow by {@link listen}. */
  constructor(stream: Duplex) {
    this.listen(stream)
  }

  /** Takes what comes from this stream, too: that of TLS, say. */
  listen(stream: Duplex): void {
    stream.on('data', (bytes: Buffer) => {
      this.unread += bytes.toString('latin1')
      this.#wake?.()
    })
    for (const event of ['end', 'close', 'error'])
      stream.on(event, () => {
        this.#ended = true
        this.#wake?.()
      })
  }

  /** Nothing more will come. */
  get ended(): boolean {
    return this.#ended
  }

  /** The next line without CRLF, or what stands behind the last; `undefined` at the end. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.unread.indexOf('\r\n')
      if (end >= 0) {
        const line = this.unread.slice(0, end)
        this.unread = this.unread.slice(end + 2)
        return line
      }
      if (this.#ended) return this.take(this.unread.length) || undefined
      await this.more()
    }
  }

  /** So many octets of what has come. */
  take(count: number): string {
    const taken = this.unread.slice(0, count)
    this.unread = this.unread.slice(count)
    return taken
  }

  /** Waits until something comes, or the end. */
  async more(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`Nothing came; unread: ${JSON.stringify(this.unread)}`)),
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
