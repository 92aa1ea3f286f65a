/** The mail servers of all domains that are sent to. @module */
import { createServer, type Server, type Socket } from 'node:net'

const STUCK_MS = 300_000

/** Takes every message and counts it; a port a domain. */
export class Sink implements AsyncDisposable {
  readonly ports: readonly number[]
  readonly #servers: readonly Server[]
  readonly #sockets = new Set<Socket>()
  #count = 0
  #waiting: { readonly until: number; readonly resolve: () => void } | undefined

  private constructor(servers: readonly Server[]) {
    this.#servers = servers
    this.ports = servers.map((server) => {
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('It does not listen')
      return address.port
    })
  }

  static async open(count: number): Promise<Sink> {
    const servers = Array.from({ length: count }, () => createServer({ noDelay: true }))
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))))
    const sink = new Sink(servers)
    for (const server of servers) server.on('connection', (socket) => sink.#serve(socket))
    return sink
  }

  /** Settles when so many more messages have come. */
  async take(count: number): Promise<void> {
    this.#count = 0
    const stuck = AbortSignal.timeout(STUCK_MS)
    await new Promise<void>((resolve, reject) => {
      this.#waiting = { until: count, resolve }
      stuck.addEventListener('abort', () => reject(new Error(`${this.#count} of ${count} messages came`)))
    })
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket))
    socket.write('220 sink.example.net ESMTP\r\n')
    let left = ''
    let inData = false
    socket.setEncoding('latin1').on('data', (text: string) => {
      left += text
      let answers = ''
      for (;;) {
        if (inData) {
          const end = left.indexOf('\r\n.\r\n')
          if (end < 0) {
            // only what may be the beginning of the end is kept
            left = left.slice(-4)
            break
          }
          left = left.slice(end + 5)
          inData = false
          answers += '250 2.0.0 Taken\r\n'
          this.#taken()
        }
        const end = left.indexOf('\r\n')
        if (end < 0) break
        const verb = left.slice(0, 4).toUpperCase()
        left = left.slice(end + 2)
        if (verb === 'EHLO')
          answers += '250-sink.example.net\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n'
        else if (verb === 'DATA') {
          inData = true
          // the end of a message may begin with the end of this line
          left = `\r\n${left}`
          answers += '354 Go on\r\n'
        } else if (verb === 'QUIT') {
          socket.end(`${answers}221 2.0.0 Bye\r\n`)
          return
        } else answers += '250 2.0.0 OK\r\n'
      }
      if (answers !== '') socket.write(answers)
    })
  }

  #taken(): void {
    this.#count += 1
    if (this.#count === this.#waiting?.until) this.#waiting.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}
