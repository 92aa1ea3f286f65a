/** Replies of SMTP servers: from bytes, and as they are told to people (RFC 5321 §4.2, RFC 2034). @module */
import { MOST_REPLY, MOST_REPLY_TEXT } from './limits.ts'

export interface Reply {
  readonly code: number
  /** Enhanced status (RFC 3463), where there is one. */
  readonly status: string | undefined
  /** `550 5.1.1 No such user`: lines joined, without controls. */
  readonly text: string
}

/** The stream is no SMTP. */
export class ReplyFault extends Error {}

/** Cuts replies out of what comes. */
export class ReplyReader {
  #bytes = Buffer.alloc(0)
  #lines: string[] = []
  #size = 0

  /** @throws {ReplyFault} */
  push(chunk: Uint8Array): Reply[] {
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#bytes, chunk])
    const replies: Reply[] = []
    for (let end = this.#bytes.indexOf(10); end !== -1; end = this.#bytes.indexOf(10)) {
      const line = decode(this.#bytes.subarray(0, end)).replace(/\r$/, '')
      this.#bytes = this.#bytes.subarray(end + 1)
      this.#size += end + 1
      // Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
      const [, code, mark] = /^(\d{3})([ -]|$)/.exec(line) ?? []
      if (code === undefined || this.#size > MOST_REPLY) throw new ReplyFault(`Not a reply: ${printable(line)}`)
      this.#lines.push(line)
      if (mark === '-') continue
      replies.push(replyOf(this.#lines))
      this.#lines = []
      this.#size = 0
    }
    if (this.#size + this.#bytes.length > MOST_REPLY) throw new ReplyFault('A reply without an end')
    return replies
  }
}

/** A reply from its whole text, lines ended by CRLF or LF; `undefined`: it is none. */
export function parseReply(text: string): Reply | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line !== '')
  return /^\d{3}(?:[ -]|$)/.test(lines[0] ?? '') ? replyOf(lines) : undefined
}

function replyOf(lines: readonly string[]): Reply {
  const [first = ''] = lines
  const code = Number(first.slice(0, 3))
  const texts = lines.map((line) => line.slice(4).trim())
  const status = /^[245]\.\d{1,3}\.\d{1,3}(?= |$)/.exec(texts[0] ?? '')?.[0]
  // each line of a reply may repeat the status (RFC 2034 §4)
  const rest = texts.map((line, index) =>
    index > 0 && status !== undefined && line.startsWith(`${status} `) ? line.slice(status.length + 1) : line,
  )
  return { code, status, text: printable(`${code} ${rest.join(' ')}`).trim() }
}

/** What another server says never commands a terminal, and has an end. */
export function printable(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, MOST_REPLY_TEXT)
}

function decode(line: Buffer): string {
  const text = line.toString('utf8')
  return text.includes('\ufffd') ? line.toString('latin1') : text
}

/** What a reply means for the recipient it is about; only 4yz and 5yz are asked for, whatever else is a fault. */
export function outcomeOf(reply: Reply): 'delivered' | 'deferred' | 'failed' {
  if (reply.code >= 200 && reply.code < 300) return 'delivered'
  return reply.code >= 500 && reply.code < 600 ? 'failed' : 'deferred'
}
