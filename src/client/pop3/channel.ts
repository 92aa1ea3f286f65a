/**
 * A POP3 conversation: commands out, responses in, each read to its end before the next one is looked at. With
 * PIPELINING (RFC 2449 §6.6) a command goes out although those before it are not answered yet.
 * @module
 */

import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import { formatCommand, type Pop3Command } from '#wire/pop3/commands.ts'
import { TOLERATED_RESPONSE_OCTETS } from '#wire/pop3/limits.ts'
import { type LineEvent, LineFramer } from '#wire/pop3/line-framer.ts'
import { type Continuation, parseStatusLine, type StatusLine } from '#wire/pop3/responses.ts'
import type { ClientConnection } from '../connection.ts'
import { ProtocolError, RefusedError } from '../errors.ts'
import { LISTING_LINES, LISTING_OCTETS } from './limits.ts'
import { MessageBody } from './message-body.ts'

/** A right to read the response to one command; whoever has it must end it. */
interface Turn {
  readonly status: StatusLine | Continuation
  /** The first line ended in LF alone (quirk `bare-lf`). */
  readonly bareLf: boolean
  end(): void
}

/** See the module. */
export class Pop3Channel {
  readonly connection: ClientConnection
  readonly #framer = LineFramer.forResponses()
  /** Set once the server has said so. */
  pipelining = false
  /** A run of messages is being asked for ahead: other commands would wait for bodies that nobody reads. */
  reserved = false
  /** Settles when every response before was read. */
  #turn: Promise<void> = Promise.resolve()
  #waiting = 0
  #written: Promise<void> | undefined

  constructor(connection: ClientConnection) {
    this.connection = connection
  }

  /** The line that the server begins with. */
  async greeting(): Promise<StatusLine> {
    const { status } = await this.#status()
    if (status.status === '+') throw this.#nonsense('began with a challenge')
    return status
  }

  /**
   * A command with an answer of one line.
   * @throws {RefusedError} on `-ERR`
   */
  async ask(command: Pop3Command): Promise<StatusLine> {
    const turn = await this.#begin(command)
    turn.end()
    return this.#accepted(command, turn)
  }

  /** A step of AUTH: the command, or a line of its exchange, and whatever the server says to it. */
  async step(line: string): Promise<StatusLine | Continuation> {
    const turn = await this.#send(Buffer.from(line, 'latin1'))
    turn.end()
    return turn.status
  }

  /**
   * A command with an answer of many lines, without their ends and unstuffed (RFC 1939 §3).
   * @throws {RefusedError} on `-ERR`
   */
  async listing(command: Pop3Command, mostLines: number = LISTING_LINES): Promise<string[]> {
    const turn = await this.#begin(command)
    try {
      this.#accepted(command, turn)
      const lines: string[] = []
      let octets = 0
      for (;;) {
        const { text } = this.#lineThere() ?? (await this.#line())
        if (text === '.') return lines
        octets += text.length
        if (lines.length === mostLines || octets > LISTING_OCTETS) {
          throw this.#nonsense(`does not end its answer to ${command.name}`)
        }
        lines.push(text.startsWith('.') ? text.slice(1) : text)
      }
    } finally {
      turn.end()
    }
  }

  /**
   * A command that is answered by a message. The next response is read when the body was: to its end, or drained.
   * @throws {RefusedError} on `-ERR`
   */
  async message(command: Pop3Command, limitOctets: number, ahead = false): Promise<MessageBody> {
    const turn = await this.#begin(command, ahead)
    try {
      this.#accepted(command, turn)
    } catch (error) {
      turn.end()
      throw error
    }
    return new MessageBody({
      first: this.#framer.takeRest(),
      bareLf: turn.bareLf,
      limitOctets,
      read: () => this.connection.read(),
      end: (rest) => {
        this.#framer.push(rest)
        turn.end()
      },
      fail: (what) => {
        turn.end()
        return this.#nonsense(what)
      },
    })
  }

  /** TLS from here on, once the server has agreed to it (RFC 2595 §4). */
  async startTls(): Promise<void> {
    await this.connection.startTls(this.#framer.takeRest().length)
  }

  #begin(command: Pop3Command, ahead = false): Promise<Turn> {
    if (this.reserved && !ahead) {
      return Promise.reject(new TypeError(`${command.name} cannot be given before retrieveAll() is over`))
    }
    return this.#send(Buffer.from(formatCommand(command), 'latin1'))
  }

  /** Sends, at once or in turn, and reads the first line of the answer. */
  async #send(bytes: Uint8Array): Promise<Turn> {
    const before = this.#turn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turn = promise
    this.#waiting += 1
    const end = (): void => {
      this.#waiting -= 1
      resolve()
    }
    try {
      if (this.pipelining || this.#waiting === 1) await this.#write(bytes)
      else {
        await before
        await this.#write(bytes)
      }
      await before
      return { ...(await this.#status()), end: once(end) }
    } catch (error) {
      end()
      throw error
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    // writes must not overlap; mostly there is nothing to wait for
    while (this.#written !== undefined) await this.#written
    const slow = this.connection.write([bytes])
    if (slow === undefined) return
    this.#written = slow
    try {
      await slow
    } finally {
      this.#written = undefined
    }
  }

  #accepted(command: Pop3Command, { status }: Turn): StatusLine {
    if (status.status === '+') throw this.#nonsense(`answered ${command.name} with a challenge`)
    if (status.status === '-ERR') throw new RefusedError(command.name, status.code, status.text)
    return status
  }

  async #status(): Promise<Pick<Turn, 'status' | 'bareLf'>> {
    const { text, bareLf } = await this.#line()
    try {
      return { status: parseStatusLine(text), bareLf }
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error
      throw this.#nonsense('said what is no answer of POP3', error)
    }
  }

  async #line(): Promise<Extract<LineEvent, { kind: 'line' }>> {
    for (let octets = 0; octets <= TOLERATED_RESPONSE_OCTETS; ) {
      const line = this.#lineThere()
      if (line !== undefined) return line
      const chunk = await this.connection.read()
      octets += chunk.length
      this.#framer.push(chunk)
    }
    throw this.#tooLong()
  }

  /** A line that has come already. */
  #lineThere(): Extract<LineEvent, { kind: 'line' }> | undefined {
    const event = this.#framer.next()
    if (event?.kind === 'too-long') throw this.#tooLong()
    return event
  }

  #tooLong(): ProtocolError {
    return this.#nonsense('sent a line without end')
  }

  #nonsense(what: string, cause?: unknown): ProtocolError {
    const error = new ProtocolError(`${this.connection.where} ${what}`, { cause })
    this.connection.destroy()
    return error
  }
}

function once(run: () => void): () => void {
  let over = false
  return () => {
    if (over) return
    over = true
    run()
  }
}
