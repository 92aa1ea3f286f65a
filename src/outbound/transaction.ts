/** One message over a connection: envelope, body, and what became of each recipient (RFC 5321 §3.3, RFC 2920, RFC 3030). @module */
import { domainToASCII } from 'node:url'
import { BareLineEndDetector } from '#mail/line-ends.ts'
import type { Notify } from '#store/queue.ts'
import { BareLineEnd, DotStuffer } from './dot-stuffing.ts'
import { CHUNK, SLOWEST } from './limits.ts'
import { outcomeOf, type Reply } from './reply.ts'
import type { OutboundConnection } from './transport.ts'

export interface OutgoingMessage {
  /** Empty: the null sender. */
  readonly sender: string
  /** Octets of {@link body}. */
  readonly size: number
  readonly smtpUtf8: boolean
  readonly eightBit: boolean
  readonly returns?: 'FULL' | 'HDRS' | undefined
  readonly envelopeId?: string | undefined
  /** Lines end in CRLF, none has a CR or LF alone: else it is not sent. */
  body(): Promise<AsyncIterable<Uint8Array>>
}

export interface OutgoingRecipient {
  readonly address: string
  readonly notify?: Notify | undefined
  /** `type;address`. */
  readonly original?: string | undefined
  /** What the sender named, where an alias led from there to {@link address}. */
  readonly alias?: string | undefined
}

/** What became of a recipient. */
export interface RecipientResult {
  readonly outcome: 'delivered' | 'deferred' | 'failed'
  /** The server's words, or an enhanced status and ours. */
  readonly words: string
  /** The connection broke between the final dot and its answer: the server may have the message. */
  readonly uncertain?: true
  /** More recipients than the server takes at once: another transaction may follow at once (RFC 5321 §4.5.3.1.10). */
  readonly tooMany?: true
}

/** How many chunks may be without an answer. */
const CHUNKS_AHEAD = 4

/** RFC 5321 §4.2.3. */
const BAD_SEQUENCE = 503

/** The bytes of the message are not what the queue said of them. */
class BodyFault extends Error {}

/** @returns the results in the order of the recipients. Afterwards the connection is ready for another, or lost. */
export async function transact(
  connection: OutboundConnection,
  message: OutgoingMessage,
  recipients: readonly OutgoingRecipient[],
): Promise<readonly RecipientResult[]> {
  const obstacle = obstacleOf(connection, message)
  if (obstacle !== undefined) return recipients.map(() => obstacle)
  connection.transactions += 1
  using _end = connection.giveUpAfter(connection.timeouts.transactionMs * (1 + Math.floor(message.size / SLOWEST)))
  const chunking = connection.extensions.chunking
  const { mail, rcpts, data } = await sendEnvelope(connection, message, recipients, !chunking)
  const results = rcpts.map((reply) => recipientResult(connection, mail, reply))
  const accepted = results.some(({ outcome }) => outcome === 'delivered')
  if (!accepted) {
    // a server that takes DATA all the same must not take an empty message for one (RFC 2920 §3.1)
    if (data !== undefined && data.code < 400) connection.destroy('DATA was accepted without recipients')
    connection.needsReset = true
    return results
  }
  let end: RecipientResult
  try {
    end = chunking ? await sendChunks(connection, message) : await sendData(connection, message, data)
  } catch (error) {
    connection.destroy('The message could not be sent to its end')
    if (error instanceof BareLineEnd) end = { outcome: 'failed', words: '5.6.0 The message has a CR or LF alone' }
    else if (error instanceof BodyFault) end = { outcome: 'deferred', words: `4.3.0 ${error.message}` }
    else throw error
  }
  return results.map((result) => (result.outcome === 'delivered' ? end : result))
}

/** What can be told without asking. */
function obstacleOf({ extensions, name }: OutboundConnection, message: OutgoingMessage): RecipientResult | undefined {
  const { size } = extensions
  if (size !== undefined && message.size > size) {
    return { outcome: 'failed', words: `5.3.4 The message has ${message.size} octets, ${name} takes ${size} at most` }
  }
  // RFC 6531 §3.5: no such message over a connection without it
  if (message.smtpUtf8 && !extensions.smtpUtf8) {
    return {
      outcome: 'failed',
      words: `5.6.7 The message has addresses that are not ASCII, and ${name} does not take them (SMTPUTF8)`,
    }
  }
  // RFC 6152 §3: convert, or give up; another content would not be what was signed
  if (message.eightBit && !extensions.eightBitMime) {
    return {
      outcome: 'failed',
      words: `5.6.3 The message has 8-bit text, and ${name} takes 7-bit text alone (8BITMIME)`,
    }
  }
  return undefined
}

interface EnvelopeReplies {
  readonly mail: Reply | undefined
  /** `undefined`: not asked, or the connection was lost before. */
  readonly rcpts: readonly (Reply | undefined)[]
  readonly data: Reply | undefined
}

async function sendEnvelope(
  connection: OutboundConnection,
  message: OutgoingMessage,
  recipients: readonly OutgoingRecipient[],
  withData: boolean,
): Promise<EnvelopeReplies> {
  const { timeouts, extensions, needsReset } = connection
  const mailLine = formatMail(message, extensions)
  const lines = recipients.map((recipient) => formatRcpt(recipient, message, extensions.dsn))
  connection.needsReset = false
  connection.patience(timeouts.commandMs)
  const ask = (line: string): Promise<Reply | undefined> => connection.command(line)
  if (extensions.pipelining) {
    const asked = connection.batch(() => ({
      reset: needsReset ? ask('RSET') : undefined,
      mail: ask(mailLine),
      rcpts: lines.map(ask),
      data: withData ? ask('DATA') : undefined,
    }))
    await asked.reset
    return { mail: await asked.mail, rcpts: await Promise.all(asked.rcpts), data: await asked.data }
  }
  if (needsReset) await ask('RSET')
  const mail = await ask(mailLine)
  const rcpts: (Reply | undefined)[] = []
  for (const line of lines) rcpts.push(mail === undefined || mail.code >= 300 ? undefined : await ask(line))
  const taken = rcpts.some((reply) => reply !== undefined && reply.code < 300)
  if (!taken || !withData) return { mail, rcpts, data: undefined }
  connection.patience(timeouts.dataMs)
  return { mail, rcpts, data: await ask('DATA') }
}

function recipientResult(
  connection: OutboundConnection,
  mail: Reply | undefined,
  rcpt: Reply | undefined,
): RecipientResult {
  const reply = mail === undefined || outcomeOf(mail) === 'delivered' ? rcpt : mail
  if (mail === undefined || reply === undefined) return lost(connection)
  // after other messages it tells of these, not of this one: a fresh connection is to be asked
  if (reply === mail && reply.code === BAD_SEQUENCE && connection.transactions > 1) {
    connection.destroy('The server is not where we are')
    return { outcome: 'deferred', words: reply.text }
  }
  const outcome = outcomeOf(reply)
  if (reply === rcpt && isTooMany(reply)) return { outcome: 'deferred', words: reply.text, tooMany: true }
  return { outcome, words: reply.text }
}

/** RFC 5321 §4.5.3.1.10: old servers say 552 for it, which with another status is a full mailbox (RFC 3463 §3.3). */
function isTooMany({ code, status }: Reply): boolean {
  if (code === 552) return status === undefined || status.endsWith('.5.3')
  return code === 452 && status === '4.5.3'
}

function lost(connection: OutboundConnection): RecipientResult {
  const words = connection.lost ?? 'Connection lost'
  return { outcome: 'deferred', words: /^[245]\d\d /.test(words) ? words : `4.4.2 ${words}` }
}

function verdict(connection: OutboundConnection, reply: Reply | undefined, complete: boolean): RecipientResult {
  if (reply !== undefined) {
    const outcome = outcomeOf(reply)
    return outcome === 'delivered' && !complete
      ? { outcome: 'deferred', words: `4.5.0 An answer before the end of the message: ${reply.text}` }
      : { outcome, words: reply.text }
  }
  const { words } = lost(connection)
  if (!complete) return { outcome: 'deferred', words }
  return {
    outcome: 'deferred',
    words: `${words}, after the whole message was sent: it may arrive twice`,
    uncertain: true,
  }
}

/** DATA (RFC 5321 §4.1.1.4). @param data Its reply. */
async function sendData(
  connection: OutboundConnection,
  message: OutgoingMessage,
  data: Reply | undefined,
): Promise<RecipientResult> {
  if (data === undefined) return lost(connection)
  if (data.code !== 354) {
    connection.needsReset = true
    // 250 in its place has been seen, but is no promise to read on
    return data.code < 400 ? { outcome: 'deferred', words: data.text } : { outcome: outcomeOf(data), words: data.text }
  }
  const { timeouts } = connection
  const stuffer = new DotStuffer()
  let early: Reply | undefined
  let sent = false
  const answer = connection.reply().then((reply) => {
    if (!sent) early = reply
    return reply
  })
  connection.patience(timeouts.blockMs)
  // what a chunk made goes out with the next one, or with the dot: a small message is one packet
  let held: Uint8Array[] = []
  for await (const chunk of await message.body()) {
    const pieces = held
    held = stuffer.push(chunk)
    const room = connection.batch(() => pieces.map((piece) => connection.write(piece)))
    await room.at(-1)
    if (early !== undefined || connection.lost !== undefined) break
  }
  if (early !== undefined || connection.lost !== undefined) {
    const result = verdict(connection, early, false)
    connection.destroy('The server answered before the end of the message')
    return result
  }
  const last = stuffer.end()
  sent = true
  connection.patience(timeouts.endMs)
  connection.batch(() => {
    for (const piece of [...held, last]) void connection.write(piece)
  })
  const reply = await answer
  connection.patience(0)
  // not all servers forget a message that they refuse at its end (RFC 5321 §4.1.1.4): the next MAIL would be a 503
  if (reply !== undefined && outcomeOf(reply) !== 'delivered') connection.needsReset = true
  return verdict(connection, reply, true)
}

/** BDAT (RFC 3030 §2). */
async function sendChunks(connection: OutboundConnection, message: OutgoingMessage): Promise<RecipientResult> {
  const { timeouts, extensions } = connection
  const ahead = extensions.pipelining ? CHUNKS_AHEAD : 1
  const waiting: Promise<Reply | undefined>[] = []
  const source = (await message.body())[Symbol.asyncIterator]()
  const lineEnds = new BareLineEndDetector()
  let rest: Uint8Array = new Uint8Array(0)
  let left = message.size
  let refusal: Reply | undefined
  let complete = false
  try {
    connection.patience(timeouts.blockMs)
    do {
      const length = Math.min(CHUNK, left)
      left -= length
      const head = connection.write(Buffer.from(`BDAT ${length}${left === 0 ? ' LAST' : ''}\r\n`))
      waiting.push(connection.reply())
      await head
      complete = length === 0
      for (let open = length; open > 0; ) {
        while (rest.length === 0) {
          rest = await next(source)
          lineEnds.push(rest)
          if (lineEnds.found) throw new BareLineEnd('A CR or LF stands alone')
        }
        const piece = rest.subarray(0, open)
        rest = rest.subarray(piece.length)
        open -= piece.length
        // the last octet makes it whole: nothing may be left over behind it
        if (left === 0 && open === 0) {
          await endOf(source, rest)
          lineEnds.end()
          if (lineEnds.found) throw new BareLineEnd('A CR stands alone')
          complete = connection.lost === undefined
        }
        await connection.write(piece)
        if (connection.lost !== undefined) break
      }
      while (left > 0 && waiting.length >= ahead && refusal === undefined) {
        const reply = await waiting.shift()
        if (reply === undefined) return verdict(connection, undefined, false)
        if (outcomeOf(reply) !== 'delivered') refusal = reply
      }
    } while (left > 0 && refusal === undefined && connection.lost === undefined)
  } finally {
    await source.return?.()
  }
  connection.patience(timeouts.endMs)
  const replies = await Promise.all(waiting)
  connection.patience(0)
  refusal ??= replies.find((reply) => reply !== undefined && outcomeOf(reply) !== 'delivered')
  if (refusal !== undefined) {
    connection.needsReset = true
    return verdict(connection, refusal, complete)
  }
  return verdict(connection, replies.at(-1), complete)
}

async function next(source: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  const { done, value } = await source.next()
  if (done === true) throw new BodyFault('The message is shorter than the queue knows it')
  return value
}

async function endOf(source: AsyncIterator<Uint8Array>, rest: Uint8Array): Promise<void> {
  for (let more = rest; ; ) {
    if (more.length > 0) throw new BodyFault('The message is longer than the queue knows it')
    const { done, value } = await source.next()
    if (done === true) return
    more = value
  }
}

/** `MAIL FROM:<a@example.org> SIZE=1000` */
function formatMail(message: OutgoingMessage, offers: OutboundConnection['extensions']): string {
  const { sender, size, smtpUtf8, eightBit, returns, envelopeId } = message
  const parameters = [
    offers.size === undefined ? '' : ` SIZE=${size}`,
    eightBit ? ' BODY=8BITMIME' : '',
    smtpUtf8 ? ' SMTPUTF8' : '',
    offers.dsn && returns !== undefined ? ` RET=${returns}` : '',
    offers.dsn && envelopeId !== undefined ? ` ENVID=${xtext(envelopeId)}` : '',
  ]
  return `MAIL FROM:<${sender === '' ? '' : onWire(sender, smtpUtf8)}>${parameters.join('')}`
}

/** `RCPT TO:<b@example.net> NOTIFY=NEVER ORCPT=rfc822;b@example.net` (RFC 3461 §5.2.1) */
function formatRcpt(recipient: OutgoingRecipient, message: OutgoingMessage, dsn: boolean): string {
  const { address, notify, alias } = recipient
  const path = `RCPT TO:<${onWire(address, message.smtpUtf8)}>`
  if (!dsn) return path
  // RFC 3461 §5.2.1 (d): where the sender gave none, the address it named may be told
  const original = recipient.original ?? (alias === undefined ? undefined : `${addressType(alias)};${alias}`)
  const wanted = notify === undefined || notify.length === 0 ? '' : ` NOTIFY=${notify.join(',')}`
  return `${path}${wanted}${original === undefined ? '' : originalParameter(original, message.smtpUtf8)}`
}

/** RFC 3461 §4.2, RFC 6533 §3 */
function addressType(address: string): string {
  return /^[\0-\x7f]*$/.test(address) ? 'rfc822' : 'utf-8'
}

/** RFC 3461 §4.2; an address that is not ASCII goes only where SMTPUTF8 is said (RFC 6533 §3). */
function originalParameter(original: string, smtpUtf8: boolean): string {
  const at = original.indexOf(';')
  const [type, address] = [original.slice(0, at), original.slice(at + 1)]
  if (/^[\0-\x7f]*$/.test(address)) return ` ORCPT=${type};${xtext(address)}`
  if (!smtpUtf8) return ''
  // utf-8-addr-unitext: what xtext may not hold as it is comes as \x{hex}
  const text = address.replace(/[\0- +=\\\x7f]/g, (char) => `\\x{${char.charCodeAt(0).toString(16).toUpperCase()}}`)
  return ` ORCPT=${type};${text}`
}

/** xtext (RFC 3461 §4). */
function xtext(text: string): string {
  return text.replace(/[^!-*,-<>-~]/g, (char) => `+${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

/** The domain in ASCII where SMTPUTF8 is not said: only where it is needed. */
function onWire(address: string, smtpUtf8: boolean): string {
  if (smtpUtf8) return address
  const at = address.lastIndexOf('@')
  const domain = address.slice(at + 1)
  if (at === -1 || /^[\0-\x7f]*$/.test(domain)) return address
  return `${address.slice(0, at + 1)}${domainToASCII(domain) || domain}`
}
