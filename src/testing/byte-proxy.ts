import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net'

export type Way = 'up' | 'down'

/** Passes connections to a port of loopback on, counts their bytes, and does something at a byte that was chosen. */
export class ByteProxy implements AsyncDisposable {
  /** Of all connections so far. */
  readonly octets: Record<Way, number> = { up: 0, down: 0 }
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #at: { readonly way: Way; readonly octet: number; readonly run: (cut: () => void) => void } | undefined

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = dial(port, '127.0.0.1')
      const cut = (): void => {
        near.destroy()
        far.destroy()
      }
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => undefined)
        socket.on('close', () => {
          this.#sockets.delete(socket)
          cut()
        })
      }
      this.#pass('up', near, far, cut)
      this.#pass('down', far, near, cut)
    })
  }

  static async start(port: number): Promise<ByteProxy> {
    const proxy = new ByteProxy(port)
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve)
    })
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /**
   * Once, when so many more bytes went this way, and not one more: `down` comes from the server.
   * @param run Default: the connection is cut.
   */
  after(way: Way, octets: number, run: (cut: () => void) => void = (cut) => cut()): void {
    this.#at = { way, octet: this.octets[way] + octets, run }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #pass(way: Way, from: Socket, to: Socket, cut: () => void): void {
    from.on('data', (chunk: Buffer) => {
      const at = this.#at
      const before = this.octets[way]
      if (at !== undefined && at.way === way && before + chunk.length >= at.octet) {
        this.#at = undefined
        const last = chunk.subarray(0, at.octet - before)
        this.octets[way] += last.length
        to.write(last, () => at.run(cut))
        from.pause()
        return
      }
      this.octets[way] += chunk.length
      if (!to.write(chunk)) {
        from.pause()
        to.once('drain', () => from.resume())
      }
    })
    from.on('end', () => to.end())
  }
}
