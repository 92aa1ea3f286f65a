/**
 * A mail server that keeps what it gets in memory and does as it is told: refuses, defers, answers late or not at all, and
 * drops connections wherever a test wants it. PIPELINING, CHUNKING, STARTTLS, DSN and AUTH PLAIN included.
 * @module
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'

/** What a client does; `bdat` is one chunk, `message` the final dot or the last chunk. */
export type SinkStep =
  | 'connect'
  | 'ehlo'
  | 'helo'
  | 'starttls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'bdat'
  | 'message'
  | 'rset'
  | 'quit'

export interface SinkMessage {
  readonly from: string
  /** What stood behind the path of MAIL. */
  readonly parameters: string
  readonly to: readonly { readonly address: string; readonly parameters: string }[]
  readonly body: Buffer
  readonly secure: boolean
  readonly user: string | undefined
}

/**
 * A whole reply without its CRLF; `drop` closes the connection, `keep-and-drop` takes the message and closes without a
 * word, `silence` says nothing; nothing: the usual answer.
 */
export type SinkAnswer = string | undefined

export interface SinkOptions {
  /** Without STARTTLS, which comes with `tls`. */
  readonly extensions?: readonly string[]
  readonly tls?: SecureContext
  readonly implicitTls?: boolean
  /** @param argument The line of a command, or the number of the connection. */
  readonly answer?: ((step: SinkStep, argument: string, sink: MailSink) => SinkAnswer | Promise<SinkAnswer>) | undefined
  readonly address?: string
  readonly port?: number
  /** Told of each message that is kept, at once; `dropped`: without a word to the client. */
  readonly kept?: (message: SinkMessage, dropped: boolean) => void
  /** Octets of DATA after which the connection is dropped. */
  readonly dropAfter?: number
}

export const USUAL_EXTENSIONS: readonly string[] = ['PIPELINING', 'SIZE 10000000', '8BITMIME', 'SMTPUTF8', 'DSN']

export class MailSink implements AsyncDisposable {
  readonly messages: SinkMessage[] = []
  /** Every command line, of all connections. */
  readonly lines: string[] = []
  connections = 0
  open = 0
  mostOpen = 0
  options: SinkOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(options: SinkOptions) {
    this.options = options
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      this.connections += 1
      this.open += 1
      this.mostOpen = Math.max(this.mostOpen, this.open)
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        this.open -= 1
      })
      new SinkSession(this, socket).start(this.connections)
    })
  }

  static async start(options: SinkOptions = {}): Promise<MailSink> {
    const sink = new MailSink(options)
    sink.#server.listen(options.port ?? 0, options.address ?? '127.0.0.1')
    await once(sink.#server, 'listening')
    return sink
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** What is being read: lines of commands, DATA, or so many octets of a chunk. */
type Mode = 'line' | 'data' | { left: number; readonly last: boolean }

class SinkSession {
  readonly #sink: MailSink
  #socket: Socket
  #input = Buffer.alloc(0)
  #mode: Mode = 'line'
  #secure = false
  #user: string | undefined
  #from: { readonly address: string; readonly parameters: string } | undefined
  #to: { readonly address: string; readonly parameters: string }[] = []
  #body: Buffer[] = []
  #busy = false
  /** Octets of a message that do not have its end. */
  #searched = 0

  constructor(sink: MailSink, socket: Socket) {
    this.#sink = sink
    this.#socket = socket
  }

  start(number: number): void {
    if (this.#sink.options.implicitTls === true) this.#upgrade()
    this.#listen()
    void this.#reply('connect', String(number), '220 sink.example ESMTP')
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#input = Buffer.concat([this.#input, chunk])
      void this.#work()
    })
  }

  #upgrade(): void {
    const { tls } = this.#sink.options
    this.#socket.removeAllListeners('data')
    const secure = new TLSSocket(this.#socket, { isServer: true, ...(tls === undefined ? {} : { secureContext: tls }) })
    secure.on('error', () => undefined)
    this.#socket = secure
    this.#secure = true
    this.#input = Buffer.alloc(0)
  }

  async #work(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    try {
      while (await this.#step());
    } finally {
      this.#busy = false
    }
  }

  /** @returns whether there may be more to do. */
  async #step(): Promise<boolean> {
    if (this.#socket.destroyed) return false
    const mode = this.#mode
    const { dropAfter = Number.POSITIVE_INFINITY } = this.#sink.options
    if (mode !== 'line' && this.#input.length > dropAfter) {
      this.#socket.destroy()
      return false
    }
    if (mode === 'line') {
      const end = this.#input.indexOf('\r\n')
      if (end === -1) return false
      const line = this.#input.subarray(0, end).toString('utf8')
      this.#input = this.#input.subarray(end + 2)
      this.#sink.lines.push(line)
      await this.#command(line)
      return true
    }
    if (mode === 'data') {
      const atOnce = this.#input.subarray(0, 3).toString('latin1') === '.\r\n'
      const end = atOnce ? 0 : this.#input.indexOf('\r\n.\r\n', this.#searched)
      this.#searched = Math.max(0, this.#input.length - 4)
      if (end === -1) return false
      this.#searched = 0
      const body = this.#input.subarray(0, atOnce ? 0 : end + 2).toString('latin1')
      this.#input = this.#input.subarray(end + (atOnce ? 3 : 5))
      this.#body = [Buffer.from(body.replace(/(^|\r\n)\./g, '$1'), 'latin1')]
      this.#mode = 'line'
      await this.#keep()
      return true
    }
    if (this.#input.length < mode.left) return false
    this.#body.push(this.#input.subarray(0, mode.left))
    this.#input = this.#input.subarray(mode.left)
    this.#mode = 'line'
    if (mode.last) await this.#keep()
    else await this.#reply('bdat', String(mode.left), '250 2.0.0 go on')
    return true
  }

  async #command(line: string): Promise<void> {
    const [verb = '', ...words] = line.split(' ')
    switch (verb.toUpperCase()) {
      case 'EHLO':
        return void (await this.#reply('ehlo', line, this.#greeting()))
      case 'HELO':
        return void (await this.#reply('helo', line, '250 sink.example'))
      case 'STARTTLS':
        if (this.#sink.options.tls === undefined) return this.#say('502 5.5.1 not known here')
        if (await this.#reply('starttls', line, '220 2.0.0 go ahead')) {
          this.#upgrade()
          this.#listen()
        }
        return
      case 'AUTH':
        if (await this.#reply('auth', line, '235 2.7.0 welcome')) {
          this.#user = Buffer.from(words[1] ?? '', 'base64')
            .toString('utf8')
            .split('\0')[1]
        }
        return
      case 'MAIL':
        this.#to = []
        this.#body = []
        this.#from = undefined
        if (await this.#reply('mail', line, '250 2.1.0 sender')) this.#from = pathOf(line)
        return
      case 'RCPT':
        if (this.#from === undefined) return this.#say('503 5.5.1 MAIL first')
        if (await this.#reply('rcpt', line, '250 2.1.5 recipient')) this.#to.push(pathOf(line))
        return
      case 'DATA':
        if (this.#to.length === 0) return this.#say('554 5.5.1 no valid recipients')
        if (await this.#reply('data', line, '354 go on')) this.#mode = 'data'
        return
      case 'BDAT':
        this.#mode = { left: Number(words[0]), last: words[1]?.toUpperCase() === 'LAST' }
        return
      case 'RSET':
        this.#to = []
        this.#from = undefined
        return void (await this.#reply('rset', line, '250 2.0.0 forgotten'))
      case 'QUIT':
        await this.#reply('quit', line, '221 2.0.0 bye')
        this.#socket.end()
        return
      default:
        this.#say('502 5.5.1 not known here')
    }
  }

  #greeting(): string {
    const { extensions = USUAL_EXTENSIONS, tls, implicitTls } = this.#sink.options
    const offered =
      tls !== undefined && implicitTls !== true && !this.#secure ? [...extensions, 'STARTTLS'] : extensions
    const lines = ['sink.example', ...offered]
    return lines.map((line, index) => `250${index === lines.length - 1 ? ' ' : '-'}${line}`).join('\r\n')
  }

  async #keep(): Promise<void> {
    const from = this.#from
    const message =
      from === undefined || this.#to.length === 0
        ? undefined
        : {
            from: from.address,
            parameters: from.parameters,
            to: this.#to,
            body: Buffer.concat(this.#body),
            secure: this.#secure,
            user: this.#user,
          }
    this.#to = []
    this.#body = []
    if (message === undefined) return this.#say('503 5.5.1 no transaction')
    const kept = await this.#reply(
      'message',
      message.body.toString('latin1').slice(0, 1_000),
      '250 2.0.0 kept',
      (dropped) => {
        this.#sink.messages.push(message)
        this.#sink.options.kept?.(message, dropped)
      },
    )
    if (!kept) this.#from = undefined
  }

  /** @returns whether it was a yes. */
  async #reply(step: SinkStep, argument: string, usual: string, keep?: (dropped: boolean) => void): Promise<boolean> {
    const answer = (await this.#sink.options.answer?.(step, argument, this.#sink)) ?? usual
    if (answer === 'keep-and-drop' || /^[23]/.test(answer)) keep?.(answer === 'keep-and-drop')
    if (answer === 'drop' || answer === 'keep-and-drop') this.#socket.destroy()
    else if (answer !== 'silence') this.#say(answer)
    return /^[23]/.test(answer)
  }

  #say(text: string): void {
    if (!this.#socket.destroyed) this.#socket.write(`${text}\r\n`)
  }
}

function pathOf(line: string): { readonly address: string; readonly parameters: string } {
  const [, address = '', parameters = ''] = /^[^<]*<((?:"[^"]*"|[^">])*)>(.*)$/.exec(line) ?? []
  return { address, parameters: parameters.trim() }
}
