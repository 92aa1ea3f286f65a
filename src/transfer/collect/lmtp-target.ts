/** A mail server that takes mail by LMTP (RFC 2033) as a target, on one connection for the whole run. @module */
import SMTPConnection, { type SMTPConnectionSendInfo, type SMTPError } from 'nodemailer/lib/smtp-connection'
import { addressesIn } from './envelope.ts'
import { TargetGone } from './errors.ts'
import { type Answer, HandOverTarget } from './hand-over-target.ts'
import type { Spooled } from './spool.ts'

export interface LmtpOptions {
  readonly host: string
  readonly port: number
  /** Who gets the mail. */
  readonly recipient: string
  /** Multidrop: the field that says who it was for, such as `Delivered-To`; mail without it goes to `recipient`. */
  readonly envelopeField: string | undefined
}

/** Connects at the first message. */
export function openLmtpTarget(options: LmtpOptions): HandOverTarget {
  const { host, port, recipient, envelopeField } = options
  let connection: SMTPConnection | undefined
  const handOver = async (message: Spooled, left: readonly string[] | undefined): Promise<Answer> => {
    connection ??= await connect(options)
    const [from = false] = addressesIn(message, 'Return-Path')
    const named = envelopeField === undefined ? [] : addressesIn(message, envelopeField)
    const to = left ?? (named.length === 0 ? [recipient] : named)
    return await send(connection, { from, to: [...to], size: message.octets }, message, left !== undefined)
  }
  return new HandOverTarget(`lmtp:${host}:${port}/${recipient}`, handOver, () => connection?.quit())
}

async function connect({ host, port }: LmtpOptions): Promise<SMTPConnection> {
  const connection = new SMTPConnection({
    host,
    port,
    lmtp: true,
    secure: false,
    ignoreTLS: true,
    // a line of the machine itself, or of a network that one trusts
    allowInternalNetworkInterfaces: true,
  })
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error): void => reject(gone(error.message, error))
    connection.once('error', fail)
    connection.connect((error) => (error === undefined || error === null ? resolve() : fail(error)))
  })
  // what breaks later is told to the message at hand
  connection.on('error', () => undefined)
  return connection
}

/** RFC 2033 §4.2: an answer for each recipient. @param had Others have it from before. */
async function send(
  connection: SMTPConnection,
  envelope: { readonly from: string | false; readonly to: string[]; readonly size: number },
  message: Spooled,
  had: boolean,
): Promise<Answer> {
  const { error, info } = await sent(connection, envelope, message)
  const refusals = info?.rejectedErrors ?? (error === undefined ? [] : (error.rejectedErrors ?? [error]))
  const [first] = refusals
  if (first === undefined) return {}
  // without an answer of the server nobody knows what became of the message
  if (first.responseCode === undefined) throw gone(first.message, first)
  const words = refusals.map(({ response, responseCode, recipient }) => {
    const said = `The LMTP server said: ${response ?? responseCode}`
    return envelope.to.length === 1 || recipient === undefined ? said : `${said} (${recipient})`
  })
  if (!had && (info?.accepted ?? []).length === 0) return { refusal: words.join('; ') }
  // who is refused for good does not keep the others from having it
  const later = refusals.filter(({ responseCode = 0 }) => responseCode < 500)
  if (later.length === 0) return { note: words.join('; ') }
  return { refusal: words.join('; '), left: later.flatMap(({ recipient }) => recipient ?? []) }
}

interface Sent {
  readonly error: SMTPError | undefined
  readonly info: SMTPConnectionSendInfo | undefined
}

function sent(
  connection: SMTPConnection,
  envelope: { readonly from: string | false; readonly to: string[]; readonly size: number },
  message: Spooled,
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(gone('it has closed the connection'))
    connection.once('end', ended)
    connection.send(envelope, message.stream(), (error, info) => {
      connection.off('end', ended)
      resolve({ error: error ?? undefined, info: info ?? undefined })
    })
  })
}

function gone(why: string, cause?: Error): TargetGone {
  return new TargetGone(`The LMTP server cannot be used: ${why}`, { cause })
}
