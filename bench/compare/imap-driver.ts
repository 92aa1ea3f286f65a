/** IMAP and POP3 as the driver speaks them. @module */

import type { Endpoint } from '../raw.ts'
import { type Listener, PASSWORD } from './contestant.ts'
import { type Answer, type Openness, Wire } from './wire.ts'

/** Begins every tag; no message of a comparison holds it. */
const TAG = 'zq'
const CRLF = Buffer.from('\r\n')

/** All that the driver needs of a server. */
export interface Reachable {
  endpoint(listener: Listener): Endpoint
}

/** An IMAP connection of the driver. Commands are refused by throwing. */
export class DriverImap {
  readonly wire: Wire
  #tags = 0

  private constructor(wire: Wire) {
    this.wire = wire
  }

  /** Connects and reads the greeting. */
  static async connect(server: Reachable, openness: Openness = {}): Promise<DriverImap> {
    const wire = await Wire.open(server.endpoint(openness.tls === true ? 'imaps' : 'imap'), openness)
    await wire.ask('', '* OK')
    return new DriverImap(wire)
  }

  static async login(server: Reachable, address: string, openness: Openness = {}): Promise<DriverImap> {
    const imap = await DriverImap.connect(server, openness)
    await imap.ok(`LOGIN ${address} "${PASSWORD}"`)
    return imap
  }

  /** Sends a command and waits for its OK. @param counted text whose occurrences are counted, such as ` FETCH (`. */
  async ok(command: string | Uint8Array, counted?: string): Promise<Answer> {
    this.#tags += 1
    const tag = `${TAG}${this.#tags}`
    const octets =
      typeof command === 'string'
        ? `${tag} ${command}\r\n`
        : Buffer.concat([Buffer.from(`${tag} `), command, Buffer.from('\r\n')])
    return succeeded(await this.wire.ask(octets, `${tag} `, counted), tag, command)
  }

  /** Sends commands in one go and waits for the last OK. @returns an answer whose `count` is how many were OK. */
  async pipeline(commands: readonly (string | Uint8Array)[]): Promise<Answer> {
    const pieces = commands.flatMap((command) => {
      this.#tags += 1
      return [Buffer.from(`${TAG}${this.#tags} `), Buffer.from(command), CRLF]
    })
    const tag = `${TAG}${this.#tags}`
    // `zq17 OK`: the tag's number is not looked at
    return succeeded(await this.wire.ask(Buffer.concat(pieces), `${tag} `, ' OK '), tag, 'a pipeline')
  }

  /** Says LOGOUT, and waits for the answer and for the server to close the connection. */
  async logout(): Promise<void> {
    await this.ok('LOGOUT')
    await this.wire.ended()
  }

  close(): void {
    this.wire.close()
  }
}

function succeeded(answer: Answer, tag: string, command: string | Uint8Array): Answer {
  if (answer.line.startsWith(`${tag} OK`)) return answer
  const what = typeof command === 'string' ? command.slice(0, 100) : `${command.length} octets`
  throw new Error(`${what} was answered ${answer.line}`)
}

/** Everybody logs in once: a password that is seen for the first time is hashed, and nobody measures that. */
export async function meet(server: Reachable, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) (await DriverImap.login(server, address)).close()
}

/** A POP3 connection, logged in. */
export async function loginPop3(server: Reachable, address: string, listener: Listener = 'pop3'): Promise<Wire> {
  const wire = await Wire.open(server.endpoint(listener), { tls: listener === 'pop3s' })
  await wire.ask('', '+OK')
  await wire.ask(`USER ${address}\r\n`, '+OK')
  await wire.ask(`PASS ${PASSWORD}\r\n`, '+OK')
  return wire
}
