/**
 * Commands that came in one piece and are one: a client that changes message by message and does not wait for each
 * answer (RFC 9051 §5.5) is given one commit, one announcement, and every tag its own answer.
 * @module
 */
import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import type { Context, Ready } from './command.ts'
import { type Head, readHead } from './command-head.ts'
import { MOST_JOINED } from './limits.ts'

/**
 * Takes along what has come behind a command and is one with it.
 * @param tags gets theirs.
 */
export function joinAhead(first: Ready, { name }: Head, context: Context, tags: string[]): Ready {
  const { connection } = context.session
  let whole = first
  while (tags.length < MOST_JOINED) {
    const event = connection.ahead()
    if (event?.kind !== 'frame') break
    const head = readHead(event.frame, context.enabled)
    if (head instanceof SyntaxFault || head.name !== name) break
    const both = joinedWith(whole, head, context)
    if (both === undefined) break
    connection.passAhead()
    whole = both
    tags.push(head.tag)
  }
  return whole
}

function joinedWith(whole: Ready, { command, reader }: Head, context: Context): Ready | undefined {
  try {
    return command === undefined ? undefined : whole.join(command.read(reader), context)
  } catch (error) {
    // It is answered in its turn.
    if (error instanceof SyntaxFault) return undefined
    throw error
  }
}
