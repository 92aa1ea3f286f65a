/**
 * One connection to an IMAP server: commands go out without waiting for each other where the protocol allows it
 * (RFC 9051 §5.5), answers find their command, everything else goes to who listens. A command that must be alone waits
 * until nothing is under way; one that can be interrupted (IDLE) ends when another comes.
 * @module
 */
import { CommandWriter } from '#wire/imap/command-writer.ts'
import type { LiteralAnnounced } from '#wire/imap/frame-events.ts'
import { ResponseFramer } from '#wire/imap/framer.ts'
import { parseResponse } from '#wire/imap/response-reader.ts'
import type { ConditionResponse, Response } from '#wire/imap/responses.ts'
import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import type { ClientConnection } from '../connection.ts'
import { ClientError, ConnectionError, ProtocolError, RefusedError } from '../errors.ts'
import { Capabilities } from './capabilities.ts'
import type { ImapCommand, LiteralSink } from './command.ts'
import { COMMANDS_IN_FLIGHT, FRAME_LIMITS, LITERAL_BYTES, UNREADABLE_RESPONSES } from './limits.ts'
import { codeName } from './response-code.ts'

/** A command on its way. */
interface Pending {
  readonly command: ImapCommand<unknown>
  readonly tag: string
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  sent: boolean
  over: boolean
}

/** Who hears what is not the answer to a command, or is that too. */
export interface SessionListener {
  /** Every untagged response; `answered`: it was the answer to a command. */
  untagged(response: Response, answered: boolean): void
  /** Nothing is under way any more; with the last tagged response. */
  settled(done: ConditionResponse): void
  /** The connection is over. */
  lost(error: ClientError): void
}

/** See the module. */
export class ImapSession {
  readonly connection: ClientConnection
  capabilities: Capabilities = new Capabilities([])
  /** Mailbox names are UTF-8: IMAP4rev2 or UTF8=ACCEPT was enabled. */
  utf8 = false
  /** What ENABLE switched on. */
  readonly enabled: Set<string> = new Set()
  readonly #answerMs: number
  #framer = new ResponseFramer(FRAME_LIMITS)
  #listener: SessionListener | undefined
  #tags = 0
  readonly #queue: Pending[] = []
  readonly #underWay: Pending[] = []
  #pumping = false
  #greeting: ((greeting: ConditionResponse) => void) | undefined
  /** Who waits for `+`, to send a literal. */
  #awaitsGo: { readonly pending: Pending; readonly go: (on: boolean) => void } | undefined
  #continuing: Promise<void> | undefined
  #failure: ClientError | undefined
  #unreadable = 0
  #paused: (() => void) | undefined

  constructor(connection: ClientConnection, answerMs: number) {
    this.connection = connection
    this.#answerMs = answerMs
  }

  /** Why it is over. */
  get failure(): ClientError | undefined {
    return this.#failure
  }

  /** Begins to read; gives the greeting. */
  async begin(): Promise<ConditionResponse> {
    const greeting = new Promise<ConditionResponse>((resolve, reject) => {
      this.#greeting = resolve
      this.#read().catch((error: unknown) => {
        this.#lose(error)
        reject(this.#failure)
      })
    })
    const said = await greeting
    this.connection.expect(undefined)
    return said
  }

  listen(listener: SessionListener | undefined): void {
    this.#listener = listener
  }

  /** Queues a command; the promise settles with its tagged response. */
  run<T>(command: ImapCommand<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      this.#tags += 1
      const tag = `m${this.#tags}`
      const take = (value: unknown): void => resolve(value as T)
      this.#queue.push({ command, tag, resolve: take, reject, sent: false, over: false })
      for (const pending of this.#underWay) pending.command.hurry?.()
      this.#kick()
    })
  }

  /** Whether commands outside of the group wait for an answer. */
  othersWait(group: object): boolean {
    const other = ({ command }: Pending): boolean => command.group !== group && command.patient !== true
    return this.#queue.some(other) || this.#underWay.some(other)
  }

  /** Ends the connection; what waits fails with the error. */
  fail(error: ClientError): void {
    this.#lose(error)
  }

  /** Sends a line outside of any command: DONE. */
  async sendLine(line: string): Promise<void> {
    this.#await()
    await this.#write([Buffer.from(`${line}\r\n`, 'latin1')])
  }

  /**
   * Holds the reader right behind the tagged response of the command at work, gives what came behind it, and lets it
   * read on when `change` is over: for STARTTLS and COMPRESS.
   */
  async between(command: ImapCommand<void>, change: (early: Uint8Array) => Promise<void> | void): Promise<void> {
    await this.run({ ...command, alone: true, holds: true })
    try {
      await change(this.#framer.takeRest())
    } catch (error) {
      this.#lose(error)
      throw this.#failure ?? error
    } finally {
      this.#goOn()
    }
  }

  #goOn(): void {
    const go = this.#paused
    this.#paused = undefined
    go?.()
    if (this.#failure === undefined) this.#kick()
  }

  #kick(): void {
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => {
      this.#pump().then(
        () => {
          this.#pumping = false
          // what came after the last look
          if (this.#failure === undefined && this.#maySend()) this.#kick()
        },
        (error: unknown) => {
          this.#pumping = false
          this.#lose(error)
        },
      )
    })
  }

  #maySend(): boolean {
    const next = this.#queue[0]
    if (next === undefined || this.#paused !== undefined) return false
    const [first] = this.#underWay
    if (first === undefined) return true
    return next.command.alone !== true && first.command.alone !== true && this.#underWay.length < COMMANDS_IN_FLIGHT
  }

  async #pump(): Promise<void> {
    let chunks: Uint8Array[] = []
    while (this.#maySend()) {
      const pending = this.#queue.shift()
      if (pending === undefined) break
      const literals = pending.command.asks === true ? 'none' : this.capabilities.literals
      const w = new CommandWriter({ utf8: this.utf8, literals })
      try {
        pending.command.write(w.text(`${pending.tag} `))
      } catch (error) {
        // nothing of it was sent
        pending.over = true
        pending.reject(error)
        continue
      }
      this.#underWay.push(pending)
      pending.sent = true
      this.#await()
      let literal = 0
      for (const chunk of w.chunks()) {
        chunks.push(chunk.bytes)
        if (!chunk.wait && chunk.follow === 0) continue
        await this.#write(chunks)
        chunks = []
        if (chunk.wait && !(await this.#go(pending))) break
        if (chunk.follow === 0) continue
        await this.#follow(pending, literal, chunk.follow)
        literal += 1
      }
    }
    if (chunks.length > 0) await this.#write(chunks)
    if (this.#queue.length > 0) for (const { command } of this.#underWay) command.hurry?.()
  }

  async #write(chunks: readonly Uint8Array[]): Promise<void> {
    const full = this.connection.write(chunks)
    if (full !== undefined) await full
  }

  /** Waits for `+`; `false`: the command was answered instead. */
  #go(pending: Pending): Promise<boolean> | boolean {
    if (pending.over) return false
    return new Promise((resolve) => {
      this.#awaitsGo = { pending, go: resolve }
    })
  }

  /** Sends the bytes of a literal that was announced with their number. */
  async #follow(pending: Pending, n: number, size: number): Promise<void> {
    try {
      let left = size
      for await (const bytes of pending.command.follow?.(n) ?? []) {
        left -= bytes.length
        if (left < 0) break
        if (bytes.length > 0) await this.#write([bytes])
      }
      if (left !== 0) throw new TypeError(`The message is not ${size} octets long, as was said`)
    } catch (error) {
      // the server counts on the number: nothing but an end of the connection helps
      pending.reject(error)
      throw error
    }
  }

  /** The deadline of what is under way. */
  #await(): void {
    const patient = this.#underWay.every(({ command }) => command.patient === true)
    this.connection.expect(patient ? undefined : this.#answerMs)
  }

  async #read(): Promise<void> {
    for (;;) {
      const event = this.#framer.next()
      if (event === undefined) {
        if (this.#framer.dropping) throw this.#tooLong()
        this.#framer.push(await this.connection.read())
        continue
      }
      switch (event.kind) {
        case 'frame': {
          const waits = this.#frame(event.frame)
          if (waits !== undefined) await waits
          if (this.#continuing !== undefined) await this.#continuing
          break
        }
        case 'literal':
          await this.#literal(event)
          break
        case 'fault':
          throw this.#tooLong()
        case 'chunk':
        case 'line':
        case 'refused':
          throw new Error(`Unexpected ${event.kind}`)
      }
    }
  }

  #tooLong(): ProtocolError {
    return new ProtocolError(`${this.connection.where} sent a response that is too long to be read`)
  }

  /** A large literal: to the command that can take it as it comes, else into memory. */
  async #literal(announced: LiteralAnnounced): Promise<void> {
    let sink: LiteralSink | undefined
    for (const { command } of this.#underWay) {
      sink = command.literal?.(announced)
      if (sink !== undefined) break
    }
    if (sink === undefined) {
      if (announced.bufferedBytes > LITERAL_BYTES) {
        throw new ProtocolError(
          `${this.connection.where} sent a literal of ${announced.size} octets that nobody asked for`,
        )
      }
      return this.#framer.buffer()
    }
    this.#framer.stream()
    for (let last = false; !last; ) {
      const event = this.#framer.next()
      if (event === undefined) this.#framer.push(await this.connection.read())
      else if (event.kind === 'chunk') {
        last = event.last
        const waits = sink.push(event.bytes, last)
        if (waits !== undefined) await waits
      } else throw new Error(`Unexpected ${event.kind}`)
    }
  }

  #frame(frame: Parameters<typeof parseResponse>[0]): Promise<void> | undefined {
    let response: Response
    try {
      response = parseResponse(frame, { utf8: this.utf8 })
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error
      this.#unreadable += 1
      const untagged = frame.text.startsWith('* ')
      if (untagged && this.#greeting === undefined && this.#unreadable <= UNREADABLE_RESPONSES) return undefined
      const shown = JSON.stringify(frame.text.slice(0, 60))
      throw new ProtocolError(`${this.connection.where} does not speak IMAP: ${shown}`, { cause: error })
    }
    if (response.kind === 'CONTINUATION') return this.#continuation(response.text)
    if (response.kind === 'CONDITION') {
      if (response.code?.kind === 'CAPABILITY') this.capabilities = new Capabilities(response.code.names)
      if (response.tag !== undefined) return this.#tagged(response.tag, response)
      if (this.#greeting !== undefined) {
        const greet = this.#greeting
        this.#greeting = undefined
        greet(response)
        return undefined
      }
      if (response.condition === 'BYE' && !this.#underWay.some(({ command }) => command.name === 'LOGOUT')) {
        throw new ConnectionError('closed', `${this.connection.where} closes the connection: ${response.text}`)
      }
    } else if (response.kind === 'CAPABILITY') this.capabilities = new Capabilities(response.names)
    else if (response.kind === 'ENABLED') for (const name of response.names) this.#enable(name)
    return this.#untagged(response)
  }

  #enable(name: string): void {
    this.enabled.add(name)
    if (name === 'IMAP4REV2' || name === 'UTF8=ACCEPT') this.utf8 = true
  }

  #untagged(response: Response): Promise<void> | undefined {
    for (const { command, tag } of this.#underWay) {
      if (command.take?.(response, tag) !== true) continue
      this.#listener?.untagged(response, true)
      return command.room?.()
    }
    this.#listener?.untagged(response, false)
    return undefined
  }

  #continuation(text: string): undefined {
    if (this.#greeting !== undefined) throw new ProtocolError(`${this.connection.where} does not speak IMAP but POP3`)
    const waiting = this.#awaitsGo
    if (waiting !== undefined) {
      this.#awaitsGo = undefined
      waiting.go(true)
      return
    }
    const continued = this.#underWay.find(({ command }) => command.continued !== undefined)
    if (continued === undefined) return
    // read on only when the answer is made: STARTTLS and the like never overlap with it
    this.#continuing = (async () => {
      const line = await continued.command.continued?.(text)
      if (line !== undefined) await this.sendLine(line)
      this.#continuing = undefined
    })()
  }

  #tagged(tag: string, done: ConditionResponse): Promise<void> | undefined {
    const index = this.#underWay.findIndex((pending) => pending.tag === tag)
    const [pending] = index < 0 ? [] : this.#underWay.splice(index, 1)
    if (pending === undefined) throw new ProtocolError(`${this.connection.where} answers a command that was not sent`)
    pending.over = true
    if (this.#awaitsGo?.pending === pending) {
      const { go } = this.#awaitsGo
      this.#awaitsGo = undefined
      go(false)
    }
    if (this.#underWay.length === 0) this.#listener?.settled(done)
    this.#await()
    const hold = pending.command.holds === true && done.condition === 'OK' ? this.#hold() : undefined
    this.#settle(pending, done)
    this.#kick()
    return hold
  }

  #hold(): Promise<void> {
    return new Promise((resolve) => {
      this.#paused = resolve
    })
  }

  #settle({ command, resolve, reject }: Pending, done: ConditionResponse): void {
    try {
      if (done.condition === 'OK') return resolve(command.finish(done))
      const value = command.refuse?.(done)
      if (value !== undefined) return resolve(value)
      throw new RefusedError(command.name, codeName(done.code), done.text)
    } catch (error) {
      command.fail?.(error)
      reject(error)
    }
  }

  #lose(error: unknown): void {
    if (this.#failure !== undefined) return
    const failure =
      error instanceof ClientError
        ? error
        : new ConnectionError('aborted', 'The connection cannot go on', { cause: error })
    this.#failure = failure
    this.connection.fail(
      failure instanceof ConnectionError
        ? failure
        : new ConnectionError('aborted', failure.message, { cause: failure }),
    )
    this.#awaitsGo?.go(false)
    const pending = [...this.#underWay.splice(0), ...this.#queue.splice(0)]
    for (const { command, reject, sent } of pending) {
      const own = sent && failure instanceof ConnectionError ? maybeDone(failure, command.name) : failure
      command.fail?.(own)
      reject(own)
    }
    this.#goOn()
    this.#listener?.lost(failure)
  }
}

function maybeDone(failure: ConnectionError, command: string): ConnectionError {
  const { trouble, message } = failure
  return new ConnectionError(trouble, `${message} (during ${command})`, {
    cause: failure.cause ?? failure,
    maybeDone: true,
  })
}
