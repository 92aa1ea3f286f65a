/** APPEND (RFC 9051 §6.3.12), several messages in one where the server can (RFC 3502), UTF8 (RFC 6855 §4). @module */
import { Buffer } from 'node:buffer'
import type { Uid } from '#mail/ids.ts'
import { uidsOf } from '#mail/uid-set.ts'
import { writeAppendHead } from '#wire/imap/append-message.ts'
import type { DateTime } from '#wire/imap/date-time.ts'
import { RefusedError } from '../../errors.ts'
import type { ImapCommand } from '../command.ts'
import type { ImapHost } from '../host.ts'
import { APPEND_UNASKED_BYTES, MULTIAPPEND_BYTES, MULTIAPPEND_MESSAGES } from '../limits.ts'
import type { ImapSession } from '../session.ts'

/** A message to be added. */
export interface NewMessage {
  /** The message, or its bytes as they come; then with `size`. A text is sent as UTF-8. */
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>
  /** Octets; only needed, and then exactly, for bytes that are yet to come. */
  readonly size?: number
  readonly flags?: readonly string[]
  /** When it arrived; default: now. A `Date` is told in UTC. */
  readonly date?: Date | DateTime
  /** Its header has UTF-8 in it (RFC 6532): only with UTF8=ACCEPT. */
  readonly utf8?: boolean
  /** NUL is in it; only needed for bytes that are yet to come, others are looked through. */
  readonly binary?: boolean
}

/** Where a message went. */
export interface Appended {
  readonly uidValidity: number
  readonly uid: Uid
}

interface Prepared {
  readonly size: number
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
  readonly message: NewMessage
}

/** One answer for each message, in their order; `undefined`: the server does not tell (no UIDPLUS). */
export async function append(
  host: ImapHost,
  mailbox: string,
  messages: readonly NewMessage[],
): Promise<readonly (Appended | undefined)[]> {
  const session = host.now ?? (await host.ready())
  const { capabilities } = session
  const prepared = messages.map(prepare)
  const limit = capabilities.appendLimit
  for (const { size } of prepared) {
    if (limit !== undefined && size > limit)
      throw new RefusedError('APPEND', 'TOOBIG', `${size} octets are more than the ${limit} that the server takes`)
  }
  const results = batches(prepared, capabilities.has('MULTIAPPEND')).map((batch) => {
    // bytes that come once cannot be sent twice
    const kept = batch.every(({ body }) => body instanceof Uint8Array)
    return kept
      ? host.run((at) => appendCommand(at, mailbox, batch))
      : host.once(session, appendCommand(session, mailbox, batch))
  })
  return (await Promise.all(results)).flat()
}

function prepare(message: NewMessage): Prepared {
  const { body, size } = message
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body
  if (bytes instanceof Uint8Array) return { size: bytes.length, body: bytes, message }
  if (size === undefined || !Number.isSafeInteger(size) || size < 0)
    throw new TypeError('The size of a message whose bytes are yet to come must be said')
  return { size, body: bytes, message }
}

function batches(messages: readonly Prepared[], together: boolean): readonly (readonly Prepared[])[] {
  if (!together) return messages.map((each) => [each])
  const all: Prepared[][] = []
  let bytes = 0
  for (const each of messages) {
    const last = all.at(-1)
    if (last !== undefined && last.length < MULTIAPPEND_MESSAGES && bytes + each.size <= MULTIAPPEND_BYTES) {
      last.push(each)
      bytes += each.size
    } else {
      all.push([each])
      bytes = each.size
    }
  }
  return all
}

function appendCommand(
  { capabilities }: ImapSession,
  mailbox: string,
  messages: readonly Prepared[],
): ImapCommand<readonly (Appended | undefined)[]> {
  const sent = messages.filter(({ size }) => size > 0)
  const large = messages.some(({ size }) => size > APPEND_UNASKED_BYTES)
  return {
    name: 'APPEND',
    asks: large,
    write(w) {
      w.text('APPEND ').mailbox(mailbox)
      for (const { message, size, body } of messages) {
        const { flags = [], date, utf8 = false, binary: nul = false } = message
        writeAppendHead(w, { flags, date: dateTime(date), utf8 })
        // only literal8 may hold NUL (RFC 3516 §4.4)
        const binary = utf8 || (capabilities.has('BINARY') && (nul || (body instanceof Uint8Array && body.includes(0))))
        w.announce(size, binary)
        if (utf8) w.text(')')
      }
    },
    async *follow(n) {
      const body = sent[n]?.body ?? []
      if (body instanceof Uint8Array) yield body
      else yield* body
    },
    finish({ code }) {
      if (code?.kind !== 'APPENDUID') return messages.map(() => undefined)
      const uids = [...uidsOf(code.uids)]
      return messages.map((_, n) => {
        const uid = uids[n]
        return uid === undefined ? undefined : { uidValidity: code.uidValidity, uid }
      })
    },
  }
}

function dateTime(date: Date | DateTime | undefined): DateTime | undefined {
  if (!(date instanceof Date)) return date
  return { time: Math.floor(date.getTime() / 1000) * 1000, zone: 0 }
}
