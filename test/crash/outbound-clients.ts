/** Those who hand mail over to the server that is killed. @module */
import { connect, type Socket } from 'node:net'
import type { Endpoint } from './server-process.ts'
import { DOMAINS, SENDER } from './unruly/unruly.ts'

/** Names under which mail is sent; each leads elsewhere. */
export const ALIASES = 12

/** An address of an alias. */
export function addressOf(alias: number): string {
  return `to${alias}@example.org`
}

/** Where the address of an alias leads. */
export function targetsOf(address: string): readonly string[] {
  const alias = Number(/^to(\d+)@/.exec(address)?.[1])
  const one = `u${alias}@${DOMAINS[alias % DOMAINS.length]}`
  return alias % 3 === 0 ? [one, `v${alias}@${DOMAINS[(alias + 1) % DOMAINS.length]}`] : [one]
}

/** The end of every text: a copy without it is not whole. */
export const LAST_LINE = 'This is the last line.'

/** Messages that were handed over, and where they must arrive. */
export class HandedIn {
  /** With 250: the address that was named, by the name in Subject. */
  readonly acknowledged: Map<string, string> = new Map<string, string>()
  #last = 0

  /** Hands over one message after the other, until the connection breaks. */
  async client({ host, port }: Endpoint, signal: AbortSignal): Promise<void> {
    const lines = new Lines(connect({ host, port }))
    try {
      await lines.reply()
      await lines.say('EHLO client.example')
      for (let n = 0; !signal.aborted; n += 1) {
        this.#last += 1
        await this.#handIn(lines, `m-${this.#last}`, n % ALIASES)
      }
    } catch (error) {
      if (!(error instanceof Closed)) throw error
    } finally {
      lines.close()
    }
  }

  async #handIn(lines: Lines, name: string, alias: number): Promise<void> {
    await lines.say(`MAIL FROM:<${SENDER}>`)
    await lines.say(`RCPT TO:<${addressOf(alias)}>`)
    await lines.say('DATA')
    const text = `From: ${SENDER}\r\nSubject: ${name}.\r\n\r\n${'text '.repeat(100)}\r\n${LAST_LINE}`
    const reply = await lines.say(`${text}\r\n.`)
    if (reply.startsWith('250')) this.acknowledged.set(name, addressOf(alias))
  }
}

class Closed extends Error {}

/** Speaks SMTP a line at a time. */
class Lines {
  readonly #socket: Socket
  #text = ''
  #closed = false
  #wake = (): void => undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#closed = true
      this.#wake()
    })
  }

  say(line: string): Promise<string> {
    this.#socket.write(`${line}\r\n`)
    return this.reply()
  }

  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*(\d{3} [^\n]*)\n/.exec(this.#text)
      if (match !== null) {
        this.#text = this.#text.slice(match[0].length)
        return match[1] ?? ''
      }
      if (this.#closed) throw new Closed('The connection is closed')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}
