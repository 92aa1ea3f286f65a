/**
 * One connection of the `smtp-server` engine, with our replies, our SASL mechanisms and no needless wait.
 * What is overridden here belongs to the engine's typed surface; the tests drive it over sockets.
 * @module
 */
import { DataReader } from './data-reader.ts'
import {
  type DsnFault,
  type EnvelopeDsn,
  NO_ENVELOPE_DSN,
  parseEnvelopeDsn,
  parseRecipientDsn,
  type RecipientDsn,
} from './dsn-parameters.ts'
import { SMTPConnection } from './engine.ts'
import { type FutureReleaseFault, futureReleaseKeyword, parseFutureRelease } from './future-release.ts'

/** Runs an AUTH exchange: gives the mechanism and initial response, asks the client through `challenge`. */
export type Authenticate = (
  connection: MalleSmtpConnection,
  mechanism: string,
  initialResponse: string | undefined,
) => Promise<void>

const ENHANCED_CODE = /^[245]\.\d{1,3}\.\d{1,3} /

/** The engine's connection, with the changes Malle needs. */
export class MalleSmtpConnection extends SMTPConnection {
  authenticate: Authenticate | undefined
  /** The mechanisms that are done now … */
  mechanisms: () => readonly string[] = () => []
  /** … and those of them that EHLO names. */
  listedMechanisms: () => readonly string[] = () => []
  /** Only port 25 makes the client wait for the greeting, to see who talks too soon. */
  waitsForEarlyTalkers = true

  /** EHLO names DSN (RFC 3461). */
  notifies = false
  /** How long a message may be made to wait (RFC 4865), seconds; 0: FUTURERELEASE is not offered. */
  holdSeconds = 0
  now: () => number = Date.now
  /** When the message of the MAIL at work may go, ms since 1970. */
  notBefore: number | undefined
  /** What the MAIL at work asks for … */
  envelopeDsn: EnvelopeDsn = NO_ENVELOPE_DSN
  /** … and the RCPT at work. */
  recipientDsn: RecipientDsn = { notify: undefined, originalRecipient: undefined }

  override _createParser(): DataReader {
    const parser = new DataReader({ maxCommandLength: this._server.options.maxCommandLength })
    parser.oncommand = (command, callback) => this._onCommand(command, callback)
    parser.on('error', (error) => this.send(421, `Error: ${error.message}`))
    return parser
  }

  override init(): void {
    if (this.waitsForEarlyTalkers) super.init()
    else this._setListeners(() => this.connectionReady())
  }

  /**
   * A text that begins with an enhanced status code of its own keeps it, in place of the engine's guess. EHLO lists the
   * mechanisms that this connection has now, none where a login would be refused.
   */
  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    this.#gather(code === 250 || code === 354)
    if (Array.isArray(data)) {
      const mechanisms = this.#mayLogIn() ? [`AUTH ${this.listedMechanisms().join(' ')}`] : []
      const lines = data.flatMap((line) => (line.startsWith('AUTH ') ? mechanisms : [line]))
      const hold = this.holdSeconds > 0 ? [futureReleaseKeyword(this.now(), this.holdSeconds)] : []
      super.send(code, [...lines, ...hold], context)
      return
    }
    super.send(code, data, typeof data === 'string' && ENHANCED_CODE.test(data) ? false : context)
  }

  /** Replies to commands that came in one piece go out in one. Any other reply goes at once, behind those before it. */
  #gather(more: boolean): void {
    const socket = this._socket
    if (!more) while (socket.writableCorked > 0) socket.uncork()
    else if (socket.writableCorked === 0) {
      socket.cork()
      process.nextTick(() => socket.uncork())
    }
  }

  override handler_MAIL(command: Buffer, callback: () => void): void {
    const release = parseFutureRelease(parametersOf(command), this.now(), this.holdSeconds)
    if (!release.ok) return this.#refuseRelease(release.error, callback)
    this.notBefore = release.value
    if (this.notifies) {
      const asked = parseEnvelopeDsn(parametersOf(command))
      if (!asked.ok) return this.#refuseParameter(asked.error, callback)
      this.envelopeDsn = asked.value
    }
    super.handler_MAIL(command, callback)
  }

  override handler_RCPT(command: Buffer, callback: () => void): void {
    if (this.notifies) {
      const asked = parseRecipientDsn(parametersOf(command), this.session.envelope.smtpUtf8 === true)
      if (!asked.ok) return this.#refuseParameter(asked.error, callback)
      this.recipientDsn = asked.value
    }
    super.handler_RCPT(command, callback)
  }

  #refuseRelease(fault: FutureReleaseFault, callback: () => void): void {
    if (this.holdSeconds === 0) this.send(555, '5.5.4 FUTURERELEASE is not offered here')
    else if (fault === 'both') this.send(501, '5.5.4 One of HOLDFOR and HOLDUNTIL is enough')
    else if (fault === 'too-long') this.send(501, `5.5.4 A message may wait ${this.holdSeconds} seconds at most`)
    else this.send(501, `5.5.4 The value of ${fault} cannot be read`)
    callback()
  }

  /** "If an SMTP server receives an invalid value, it replies 501" (RFC 3461 §4.1 to §4.4, §5.1). */
  #refuseParameter(fault: DsnFault, callback: () => void): void {
    this.send(501, `5.5.4 The value of ${fault} cannot be read`)
    callback()
  }

  /** AUTH (RFC 4954 §4): same checks as the engine's, then our own mechanisms. */
  override handler_AUTH(command: Buffer, callback: () => void): void {
    const [, mechanism = '', initialResponse, ...rest] = command.toString('latin1').trim().split(/\s+/)
    if (rest.length > 0) this.send(501, '5.5.4 AUTH takes a mechanism and one initial response')
    else if (this.session.user !== undefined && this.session.user !== false)
      this.send(503, '5.5.1 You are logged in already')
    else if (this.session.envelope.mailFrom !== false)
      this.send(503, '5.5.1 AUTH is not permitted during a mail transaction')
    else if (!this.#mayLogIn()) this.send(538, '5.7.11 Encryption is required: use STARTTLS first')
    else if (this.authenticate === undefined || !this.mechanisms().includes(mechanism.toUpperCase())) {
      this.send(504, '5.5.4 That authentication mechanism is not offered')
    } else {
      // The client waits for our answer before it speaks again, except that 334 lines go to `challenge` below.
      const exchange = this.authenticate(this, mechanism.toUpperCase(), initialResponse)
      this.#resume = callback
      void exchange.finally(() => this.#continue())
      return
    }
    callback()
  }

  #mayLogIn(): boolean {
    return this.secure || this._server.options.allowInsecureAuth === true
  }

  #resume: (() => void) | undefined

  /** Sends a 334 challenge and gives the client's next line, `*` to cancel; that too when it went away. */
  async challenge(base64: string): Promise<string> {
    return new Promise<string>((resolve) => {
      this._socket.once('close', () => resolve('*'))
      this._nextHandler = (line: Buffer, callback: () => void) => {
        this.#resume = callback
        resolve(line.toString('latin1').trim())
      }
      this.send(334, base64)
      this.#continue()
    })
  }

  /** Lets the engine read the next line. */
  #continue(): void {
    const resume = this.#resume
    this.#resume = undefined
    resume?.()
  }
}

/** What stands behind the path. */
function parametersOf(command: Buffer): string {
  const text = command.toString('utf8')
  return text.slice(text.indexOf('>') + 1)
}
