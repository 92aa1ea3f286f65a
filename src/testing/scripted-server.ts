/** A server on loopback that says what a test tells it to, however wrong. @module */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { selfMadeCertificate } from '#server/self-made-certificate.ts'
import { LineClient } from './whole-server.ts'

export interface TestCertificate {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

let made: Promise<TestCertificate> | undefined

/** A certificate for `localhost`, the same for the whole process. */
export function testCertificate(): Promise<TestCertificate> {
  made ??= makeCertificate()
  return made
}

async function makeCertificate(): Promise<TestCertificate> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-test-'))
  try {
    const files = await selfMadeCertificate(folder, ['localhost'])
    const [ca, cert, key] = await Promise.all([files.ca, files.cert, files.key].map((file) => readFile(file, 'utf8')))
    return { ca: ca ?? '', cert: cert ?? '', key: key ?? '' }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Serves one connection; `peer` sends and reads lines, `n` counts connections from 1. */
export type Script = (peer: LineClient, n: number) => Promise<void>

/** Sends until the peer has enough, or so many octets; how many it took. */
export async function flood({ socket }: LineClient, chunk: string, octets: number): Promise<number> {
  let sent = 0
  while (sent < octets && !socket.destroyed) {
    sent += chunk.length
    if (socket.write(chunk, 'latin1')) continue
    await new Promise<void>((resolve) => {
      const done = (): void => {
        socket.off('drain', done)
        socket.off('close', done)
        resolve()
      }
      socket.on('drain', done)
      socket.on('close', done)
    })
  }
  return sent
}

/** See the module. A script that throws makes the disposal throw, unless its peer was gone. */
export class ScriptedServer implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #failure: unknown
  connections = 0

  private constructor(script: Script, tls: TestCertificate | undefined) {
    const accept = (socket: Socket): void => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
      this.connections += 1
      script(new LineClient(socket), this.connections).catch((error: unknown) => {
        if (!socket.destroyed) this.#failure ??= error
      })
    }
    this.#server = tls === undefined ? createServer(accept) : createTlsServer({ cert: tls.cert, key: tls.key }, accept)
    this.#server.on('tlsClientError', () => undefined)
  }

  static async start(script: Script, tls?: TestCertificate): Promise<ScriptedServer> {
    const scripted = new ScriptedServer(script, tls)
    await new Promise<void>((resolve) => {
      scripted.#server.listen(0, '127.0.0.1', resolve)
    })
    return scripted
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
    if (this.#failure !== undefined) throw this.#failure
  }
}
