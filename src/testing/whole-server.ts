/** The whole server in this process, and a client by hand that speaks lines, whatever the protocol. @module */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { checkConfig } from '#config/schema.ts'
import { createLog } from '#server/log.ts'
import { type RunningServer, startServer } from '#server/server.ts'
import { ReceivedText } from './received-text.ts'
import { RecentLog } from './recent-log.ts'

/** A server with the accounts `ann@example.org` and `bob@example.org`, in a folder of its own. */
export interface WholeServer extends AsyncDisposable {
  readonly server: RunningServer
  readonly folder: string
  port(listener: 'imap' | 'imaps' | 'pop3' | 'pop3s' | 'submission' | 'submissions' | 'smtp'): number
}

/** @param settings Sections of the configuration, as in its file; may need the folder. */
export async function wholeServer(settings: object | ((folder: string) => Promise<object>)): Promise<WholeServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-whole-'))
  const given = typeof settings === 'function' ? await settings(folder) : settings
  const anyPort = ['127.0.0.1:0']
  const listen = { imap: anyPort, imaps: anyPort, pop3: anyPort, pop3s: anyPort, smtp: anyPort }
  const merged: Record<string, unknown> = {
    hostname: 'localhost',
    data: path.join(folder, 'data'),
    workers: { count: 1 },
    log: { level: 'error' },
    ...given,
  }
  merged['listen'] = { ...listen, submission: anyPort, submissions: anyPort, ...(merged['listen'] as object) }
  const config = checkConfig(merged)
  assert.ok(config.ok, JSON.stringify(config))
  const server = await startServer(config.value, new RecentLog(createLog('error')))
  await server.administration.ask('domain.add', { name: 'example.org' })
  for (const address of ['ann@example.org', 'bob@example.org']) {
    await server.administration.ask('account.add', { address, password: null })
  }
  return {
    server,
    folder,
    port(listener) {
      const port = server.endpoints[listener][0]?.port
      assert.ok(port !== undefined)
      return port
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Speaks lines over a socket. */
export class LineClient implements Disposable {
  socket: Socket
  readonly #received: ReceivedText

  constructor(socket: Socket) {
    this.socket = socket
    this.#received = new ReceivedText(socket)
  }

  static async dial(port: number, first?: Uint8Array | string): Promise<LineClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    if (first !== undefined) socket.write(first)
    return new LineClient(socket)
  }

  /** TLS from here on; what was read stays. */
  async secure(options: ConnectionOptions = {}): Promise<this> {
    this.socket.removeAllListeners()
    const secure = connectTls({ rejectUnauthorized: false, ...options, socket: this.socket })
    this.socket = secure
    this.#received.listen(secure)
    await once(secure, 'secureConnect')
    return this
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text)
  }

  /** The next line; `undefined` at the end. */
  line(): Promise<string | undefined> {
    return this.#received.line()
  }

  /** Sends a line and reads up to the first line that `last` fits, which is given. */
  async say(line: string, last: RegExp = /^(?:\w+ (?:OK|NO|BAD)|[+-]|\d{3} )/): Promise<string | undefined> {
    this.send(`${line}\r\n`)
    for (let answer = await this.line(); ; answer = await this.line()) {
      if (answer === undefined || last.test(answer)) return answer
    }
  }

  /** Sends a line and reads all lines up to the first that `last` fits. */
  async ask(line: string, last: RegExp): Promise<string> {
    this.send(`${line}\r\n`)
    const lines: string[] = []
    for (let answer = await this.line(); answer !== undefined; answer = await this.line()) {
      lines.push(answer)
      if (last.test(answer)) break
    }
    return lines.join('\n')
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}
