/** One hostile conversation over a socket, and whether what came back is within the protocol. @module */
import { connect } from 'node:net'
import { constants, inflateRawSync } from 'node:zlib'
import { ResponseFramer } from '#wire/imap/framer.ts'
import { parseResponse } from '#wire/imap/response-reader.ts'
import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import type { Endpoint } from '../crash/server-process.ts'

export type Spoken = 'imap' | 'pop3' | 'smtp' | 'lmtp'

/** What is said, and where. */
export interface Attack {
  readonly protocol: Spoken
  /** Logs in, or begins a transaction. */
  readonly enter: string
  /** Binary strings that go out one behind the other. */
  readonly inputs: readonly string[]
  /** Tags that must be answered unless the server says BYE. */
  readonly tags: readonly string[]
  /** Goes out as it is once the server has agreed on COMPRESS, as the last of the inputs asked. */
  readonly compressed?: Uint8Array
}

/** What came of it. `undefined` in `fault` is as it should be. */
export interface Outcome {
  readonly fault: string | undefined
  readonly tookMs: number
  /** What the server said, up to {@link KEPT_OCTETS}. */
  readonly output: Buffer
}

/** A conversation that has not ended by then hangs. */
const PATIENCE_MS = 20_000
/** More than this is not kept; a mailbox of ours has less. */
const KEPT_OCTETS = 64 * 1024 * 1024

/** How the protocols agree on a TLS handshake: not a greeting, and not a list of capabilities. */
const AGREED_ON_TLS = /^(?:[^*\s]\S* OK|\+OK|220) (?!\[)[^\r\n]*\bTLS\b/m
/** How IMAP agrees on what is not text any more. */
const AGREED_ON_OTHER_BYTES = /^[^*\s]\S* OK (?!\[)[^\r\n]*\b(?:DEFLATE|TLS)\b/
const AGREED_ON_DEFLATE = /^[^*\s]\S* OK (?!\[)[^\r\n]*\bDEFLATE\b[^\r\n]*\r\n/m

/** Says everything, closes our side, reads to the end. */
export async function attack(endpoint: Endpoint, said: Attack): Promise<Outcome> {
  const started = performance.now()
  const chunks: Buffer[] = []
  let octets = 0
  const ended = await new Promise<string | undefined>((resolve) => {
    // half-open: what comes after our end is still wanted
    const socket = connect({ ...endpoint, noDelay: true, allowHalfOpen: true })
    let greeted = false
    let awaiting = said.compressed
    let last = ''
    const timer = setTimeout(() => {
      socket.destroy()
      const heard = Buffer.concat(chunks).toString('latin1')
      resolve(`nothing came, and the connection stayed open; the end was ${show(heard.slice(-200))}`)
    }, PATIENCE_MS)
    socket.on('data', (bytes: Buffer) => {
      octets += bytes.length
      if (octets <= KEPT_OCTETS) chunks.push(bytes)
      const text = `${last}${bytes.toString('latin1')}`
      last = text.slice(-200)
      // the handshake that was agreed on never comes, and the server would wait for it
      if (AGREED_ON_TLS.test(text)) setTimeout(() => socket.destroy(), 20)
      if (awaiting !== undefined && AGREED_ON_DEFLATE.test(text)) {
        socket.end(awaiting)
        awaiting = undefined
      }
      if (greeted) return
      greeted = true
      // who speaks before the greeting is turned away at port 25
      socket.write(Buffer.from(`${said.enter}${said.inputs.join('')}`, 'latin1'))
      if (awaiting === undefined) socket.end()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(undefined)
    })
    socket.on('end', () => socket.end())
  })
  const tookMs = performance.now() - started
  const output = Buffer.concat(chunks)
  return { fault: ended ?? judge(said, output), tookMs, output }
}

/** What is wrong with an answer, `undefined` where it is within the protocol. */
export function judge(said: Attack, output: Buffer): string | undefined {
  if (output.length === 0) return 'the connection ended without a greeting'
  switch (said.protocol) {
    case 'imap':
      return judgeImap(said, output)
    case 'pop3':
      return judgePop3(output)
    default:
      return judgeSmtp(output)
  }
}

/** What came before DEFLATE and, readable, behind it; a stream that was cut off counts as far as it goes. */
function inflated(output: Buffer): Buffer {
  const agreed = AGREED_ON_DEFLATE.exec(output.toString('latin1'))
  if (agreed === null) return output
  const end = agreed.index + agreed[0].length
  return Buffer.concat([
    output.subarray(0, end),
    inflateRawSync(output.subarray(end), { finishFlush: constants.Z_SYNC_FLUSH }),
  ])
}

function judgeImap(said: Attack, sent: Buffer): string | undefined {
  const { tags } = said
  const output = said.compressed === undefined ? sent : inflated(sent)
  const answered = new Set<string>()
  let bye = false
  const framer = new ResponseFramer()
  framer.push(output)
  let utf8 = false
  for (;;) {
    const event = framer.next()
    if (event === undefined) break
    if (event.kind === 'literal') framer.buffer()
    else if (event.kind === 'frame') {
      const { frame } = event
      try {
        const response = parseResponse(frame, { utf8 })
        if (response.kind === 'UNKNOWN' && !/^\* [A-Z0-9]/.test(frame.text))
          return `not a response: ${show(frame.text)}`
      } catch (error) {
        if (!(error instanceof SyntaxFault)) throw error
        return `${error.message}: ${show(frame.text)}`
      }
      if (/^\* ENABLED.*(?:UTF8=ACCEPT|IMAP4rev2)/i.test(frame.text)) utf8 = true
      if (frame.text.startsWith('* BYE')) bye = true
      if (frame.text.includes('[SERVERBUG]')) return `a fault of the server: ${show(frame.text)}`
      const tag = /^([^*+ ]\S*) /.exec(frame.text)?.[1]
      if (tag !== undefined) answered.add(tag)
      // what follows is not text any more
      if (said.compressed === undefined && AGREED_ON_OTHER_BYTES.test(frame.text)) return undefined
    } else return `cannot be read: ${JSON.stringify(event).slice(0, 300)}`
  }
  const missing = bye ? undefined : tags.find((tag) => !answered.has(tag))
  return missing === undefined
    ? undefined
    : `${missing} was not answered; the end was ${show(output.toString('latin1').slice(-200))}`
}

function judgePop3(output: Buffer): string | undefined {
  const lines = output.toString('latin1').split('\r\n')
  if (!lines[0]?.startsWith('+OK ')) return `not a greeting: ${show(lines[0] ?? '')}`
  // the last line, if it is whole, ends an answer: a status line or the dot
  const last = lines.at(-1) === '' ? (lines.at(-2) ?? '') : '.'
  if (!/^(?:\+OK|-ERR|\+ |\+$|\.$)/.test(last)) return `not the end of an answer: ${show(last)}`
  const fault = lines.find((line) => line.startsWith('-ERR [SYS/'))
  return fault === undefined ? undefined : `a fault of the server: ${show(fault)}`
}

function judgeSmtp(output: Buffer): string | undefined {
  const lines = output.toString('latin1').split('\r\n')
  const rest = lines.pop()
  if (rest !== '') return `an answer without end: ${show(rest ?? '')}`
  const strange = lines.find((line) => !/^[2-5]\d\d[ -]/.test(line))
  if (strange !== undefined) return `not a reply: ${show(strange)}`
  const fault = lines.find((line) => /^(?:451 4\.3\.0|421 4\.3\.0)/.test(line))
  return fault === undefined ? undefined : `a fault of the server: ${show(fault)}`
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 300))
}
