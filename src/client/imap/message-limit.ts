/**
 * Servers that deal with so many messages in one command and no more (MESSAGELIMIT, RFC 9738 §3.1): they take the
 * highest UIDs and say how far down they came; the rest is asked for again until nothing is left.
 * @module
 */
import type { Uid } from '#mail/ids.ts'
import type { MessageSet, SetRange } from '#wire/imap/message-set.ts'
import type { ResponseCode } from '#wire/imap/response-codes.ts'
import { ProtocolError, RefusedError } from '../errors.ts'
import type { ImapCommand } from './command.ts'
import type { ImapHost } from './host.ts'
import { isEmpty } from './message-sets.ts'
import type { SelectedMailbox } from './selected-mailbox.ts'

/** What a command gave, and how far it came. */
export interface Portion<T> {
  readonly value: T
  /** The lowest UID that was dealt with; `undefined`: all were. */
  readonly last: Uid | undefined
}

/** The command, telling how far it came. */
export function portion<T>(command: ImapCommand<T>): ImapCommand<Portion<T>> {
  let last: Uid | undefined
  return {
    ...command,
    take(response, tag) {
      // where the tagged answer has another code (RFC 9738 §3.1)
      const limit = response.kind === 'CONDITION' ? lastOf(response.code) : undefined
      last = limit ?? last
      const taken = command.take?.(response, tag) ?? false
      return taken || limit !== undefined
    },
    finish(done) {
      last = lastOf(done.code) ?? last
      return { value: command.finish(done), last }
    },
    refuse(done) {
      const value = command.refuse?.(done)
      return value === undefined ? undefined : { value, last }
    },
  }
}

/** How far the server came, where it says so. */
export function lastOf(code: ResponseCode | undefined): Uid | undefined {
  return code?.kind === 'MESSAGELIMIT' ? code.last : undefined
}

/** Runs a command for all of the set, however many commands that takes. */
export async function inPortions<T>(
  host: ImapHost,
  set: MessageSet,
  bound: SelectedMailbox | undefined,
  make: (set: MessageSet) => ImapCommand<T>,
): Promise<readonly T[]> {
  const values: T[] = []
  let before = Number.POSITIVE_INFINITY
  for (let rest = set; !isEmpty(rest); ) {
    const asked = rest
    const { value, last } = await host.run(() => portion(make(asked)), bound)
    values.push(value)
    if (last === undefined) break
    rest = remainder(asked, last, before)
    before = last
  }
  return values
}

/**
 * What is left of a set.
 * @param before How far the server had come the time before.
 * @throws where the server does not get on, or nothing can be told of the set
 */
export function remainder(set: MessageSet, last: number, before: number): MessageSet {
  if (last >= before) throw new ProtocolError(`The server stops at message ${last} again and again`)
  if (set === '$') {
    const text = 'It takes fewer messages than were found: name them by their UIDs'
    throw new RefusedError('more messages', 'MESSAGELIMIT', text)
  }
  const rest: SetRange[] = []
  for (const [a, b] of set) {
    const first = a === '*' ? b : b === '*' ? a : Math.min(a, b)
    const end = a === '*' || b === '*' ? last - 1 : Math.min(Math.max(a, b), last - 1)
    if (first !== '*' && first <= end) rest.push([first, end])
  }
  return rest
}
