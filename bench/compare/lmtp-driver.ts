/** LMTP as a mail server speaks it: the envelope in one go (PIPELINING), then the message. @module */
import type { Contestant } from './contestant.ts'
import { Wire } from './wire.ts'

/** An answer that does not come within this time is an error. */
const PATIENCE_MS = 60_000
/** Begins the line that says that a message is kept for a recipient, on every server. */
const KEPT = '250 2.0.0 '

/** A message as it goes over the line: its lines beginning with a dot have another one, and the end is there. */
export function forLmtp(message: Buffer): Buffer {
  if (message.includes('\n.')) throw new Error('Messages of a comparison have no lines that begin with a dot')
  return Buffer.concat([message, Buffer.from('.\r\n')])
}

/** An LMTP connection of the driver. Refusals are thrown. */
export class DriverLmtp {
  readonly #wire: Wire

  private constructor(wire: Wire) {
    this.#wire = wire
    wire.socket.setTimeout(PATIENCE_MS, () => wire.socket.destroy(new Error('LMTP was not answered')))
  }

  /** Connects and says LHLO. */
  static async open(server: Pick<Contestant, 'endpoint'>): Promise<DriverLmtp> {
    const lmtp = new DriverLmtp(await Wire.open(server.endpoint('lmtp')))
    await lmtp.#wire.ask('', '220')
    await lmtp.#wire.ask('LHLO mx.example.net\r\n', '250 ')
    return lmtp
  }

  /** Delivers a message that {@link forLmtp} made; settled when it is kept for all of them. */
  async deliver(recipients: readonly string[], message: Buffer): Promise<void> {
    const to = recipients.map((recipient) => `RCPT TO:<${recipient}>\r\n`).join('')
    let { line } = await this.#wire.ask(`MAIL FROM:<sender@example.net>\r\n${to}DATA\r\n`, '')
    while (!line.startsWith('354')) {
      // what comes before the last line of all
      if (!line.startsWith('250')) throw new Error(`An envelope was answered ${line}`)
      line = (await this.#wire.ask('', '')).line
    }
    let kept = 0
    for (let octets: Buffer | string = message; kept < recipients.length; octets = '') {
      const answer = await this.#wire.ask(octets, '', KEPT)
      if (!answer.line.startsWith('250')) throw new Error(`A message was answered ${answer.line}`)
      kept += answer.count
    }
  }

  close(): void {
    this.#wire.close()
  }
}
