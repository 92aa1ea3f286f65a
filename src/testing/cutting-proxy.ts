import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Passes connections on, until it is told to cut them. */
export class CuttingProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** New connections are closed at once. */
  down = false
  connections = 0
  /** Octets of the far ends that are passed on, all connections together: what comes then is withheld. */
  most: number = Number.POSITIVE_INFINITY
  #passed = 0
  /** Told of the octets of each piece that the far end sent. */
  onPassed: (octets: number) => void = () => undefined
  /** Those that wait to be passed on. */
  #waiting: (() => void)[] | undefined

  private constructor(host: string, port: number) {
    this.#server = createServer((near) => {
      this.connections += 1
      if (this.down) {
        near.destroy()
        return
      }
      if (this.#waiting === undefined) this.#pass(near, host, port)
      else this.#waiting.push(() => this.#pass(near, host, port))
    })
  }

  #pass(near: Socket, host: string, port: number): void {
    const far = connect({ host, port })
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    far.on('data', ({ length }: Buffer) => {
      this.onPassed(length)
      this.#passed += length
      if (this.#passed < this.most) return
      far.unpipe(near)
      far.pause()
    })
    near.pipe(far)
    far.pipe(near)
  }

  static async start(host: string, port: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(host, port)
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve)
    })
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** From now on connections are taken, and wait. */
  hold(): void {
    this.#waiting ??= []
  }

  /** Passes on those that wait. */
  release(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const pass of waiting) pass()
  }

  /** Cuts every connection that is there. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
