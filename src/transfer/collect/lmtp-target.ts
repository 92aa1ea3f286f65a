/** A mail server that takes mail by LMTP (RFC 2033) as a target, on one connection for the whole run. @module */
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import { parseAddresses } from '#mail/addresses.ts'
import { firstValue, headerFields } from '#mail/headers.ts'
import { HandOverTarget } from './hand-over-target.ts'
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
  let connection: SMTPConnection | undefined
  const handOver = async (message: Spooled): Promise<string | undefined> => {
    connection ??= await connect(options)
    const from = addressIn(message, 'Return-Path') ?? false
    const to = (options.envelopeField && addressIn(message, options.envelopeField)) || options.recipient
    try {
      await send(connection, { from, to, size: message.octets }, message)
      return undefined
    } catch (error) {
      const code = (error as { responseCode?: number }).responseCode
      // without an answer of the server nobody knows what became of the message
      if (code === undefined) throw error
      return `The LMTP server said: ${(error as { response?: string }).response ?? code}`
    }
  }
  return new HandOverTarget(handOver, () => connection?.quit())
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
    connection.once('error', reject)
    connection.connect((error) => (error === undefined || error === null ? resolve() : reject(error)))
  })
  // what breaks later is told to the message at hand
  connection.on('error', () => undefined)
  return connection
}

function send(
  connection: SMTPConnection,
  envelope: { readonly from: string | false; readonly to: string; readonly size: number },
  message: Spooled,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('The LMTP server has closed the connection'))
    connection.once('end', gone)
    connection.send(envelope, message.stream(), (error, info) => {
      connection.off('end', gone)
      const refusal = error ?? info?.rejectedErrors?.[0]
      if (refusal === undefined || refusal === null) resolve()
      else reject(refusal)
    })
  })
}

/** The first address of a field, without what stands beside it. */
function addressIn({ beginning }: Spooled, field: string): string | undefined {
  const value = firstValue(headerFields(beginning.toString('latin1'), 1_000), field.toLowerCase())
  const [address] = value === undefined ? [] : parseAddresses(value)
  return address?.mailbox === undefined || address.host === undefined ? undefined : `${address.mailbox}@${address.host}`
}
