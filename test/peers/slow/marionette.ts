/** Marionette, by which programs of Mozilla are driven: JSON in frames `length:json` over TCP. @module */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** What a script may be given and may give back. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

interface Waiting {
  readonly done: (value: Json) => void
  readonly failed: (error: Error) => void
}

const SCRIPT_MS = 60_000

export class Marionette {
  readonly #socket: Socket
  readonly #waiting = new Map<number, Waiting>()
  #rest: Buffer = Buffer.alloc(0)
  #id = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.on('close', () => {
      for (const { failed } of this.#waiting.values()) failed(new Error('The program closed its connection'))
      this.#waiting.clear()
    })
    // 'close' says it to whoever waits.
    socket.on('error', () => undefined)
  }

  /** Connects and begins a session in the context of the program itself, where scripts may do what it can. */
  static async connect(port: number): Promise<Marionette> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const marionette = new Marionette(socket)
    await marionette.#ask('WebDriver:NewSession', {})
    await marionette.#ask('WebDriver:SetTimeouts', { script: SCRIPT_MS })
    await marionette.#ask('Marionette:SetContext', { value: 'chrome' })
    return marionette
  }

  /** Runs the body of a function, waits for the promise it returns. Its `arguments` are `args`. */
  async run(script: string, ...args: readonly Json[]): Promise<Json> {
    const answer = await this.#ask('WebDriver:ExecuteScript', { script, args, sandbox: 'system', newSandbox: false })
    assert.ok(answer !== null && typeof answer === 'object' && 'value' in answer)
    return answer.value
  }

  /** What the window shows, as PNG: for people who look for what is wrong. */
  async screenshot(): Promise<Buffer> {
    const answer = await this.#ask('WebDriver:TakeScreenshot', { full: true })
    assert.ok(answer !== null && typeof answer === 'object' && 'value' in answer)
    assert.ok(typeof answer.value === 'string')
    return Buffer.from(answer.value, 'base64')
  }

  /** Ends the program as File > Quit does; it may be gone before it answers. */
  async quit(): Promise<void> {
    await this.#ask('Marionette:Quit', { flags: ['eForceQuit'] }).catch(() => undefined)
    this.#socket.destroy()
  }

  #ask(command: string, parameters: Json): Promise<Json> {
    this.#id += 1
    const id = this.#id
    const frame = Buffer.from(JSON.stringify([0, id, command, parameters]))
    return new Promise((done, failed) => {
      this.#waiting.set(id, { done, failed })
      this.#socket.write(Buffer.concat([Buffer.from(`${frame.length}:`), frame]))
    })
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    for (;;) {
      const colon = this.#rest.indexOf(':')
      if (colon < 0) return
      const end = colon + 1 + Number(this.#rest.subarray(0, colon).toString('latin1'))
      if (this.#rest.length < end) return
      const message: unknown = JSON.parse(this.#rest.subarray(colon + 1, end).toString('utf8'))
      this.#rest = this.#rest.subarray(end)
      // The first one is a greeting, an object.
      if (Array.isArray(message)) this.#answered(message[1], message[2], message[3])
    }
  }

  #answered(id: number, error: { readonly error: string; readonly message: string } | null, value: Json): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === null) waiting?.done(value)
    else waiting?.failed(new Error(`${error.error}: ${error.message}`))
  }
}
