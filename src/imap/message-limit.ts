/**
 * MESSAGELIMIT (RFC 9738): how many messages one command may be about. Clients that know it keep to the number in
 * CAPABILITY; for the others the limit is far higher (§4.2), as they would not ask for the rest.
 * @module
 */
import type { Uid } from '#mail/ids.ts'
import { type UidSet, uidSetSize } from '#mail/uid-set.ts'
import type { SessionLimits } from '#services/session-deps.ts'
import type { Completion, Context } from './command.ts'
import { MESSAGES_ADVISED, MESSAGES_AT_ONCE } from './limits.ts'

/** What stands in CAPABILITY. */
export function advisedLimit({ messagesPerCommand }: SessionLimits): number {
  return messagesPerCommand ?? MESSAGES_ADVISED
}

/** What one command may be about. */
export function messageLimit({ session }: Context): number {
  return session.deps.limits.messagesPerCommand ?? MESSAGES_AT_ONCE
}

/** Messages that a command deals with. */
export interface Limited {
  readonly uids: UidSet
  /** The response code for the rest, `undefined` where there is none. */
  readonly code: string | undefined
}

/** The highest UIDs of the set, as many as one command may have (§3.1). */
export function limited(context: Context, uids: UidSet): Limited {
  const limit = messageLimit(context)
  // Ranges are cheap to count; sets within the limit, which are nearly all, cost no more than this.
  if (uidSetSize(uids) <= limit) return { uids, code: undefined }
  const kept: (readonly [Uid, Uid])[] = []
  let room = limit
  for (let at = uids.length - 1; at >= 0 && room > 0; at -= 1) {
    const [first, last] = uids[at] ?? [0 as Uid, 0 as Uid]
    const from = Math.max(first, last - room + 1) as Uid
    kept.unshift([from, last])
    room -= last - from + 1
  }
  return { uids: kept, code: `MESSAGELIMIT ${limit} ${kept[0]?.[0]}` }
}

/** Says that there is more, in the tagged answer where it has no other code (§3.1). */
export function withLimit({ out }: Context, completion: Completion, code: string | undefined): Completion {
  if (code === undefined) return completion
  if (completion.code === undefined) return { ...completion, code, text: MORE }
  out.text(`* NO [${code}] `).line(MORE)
  return completion
}

const MORE = 'There are more messages than one command may have'

/** All or nothing: COPY and APPEND of too many, PARTIAL of more (§3.1), SORT and THREAD (§3.3). */
export function tooMany(code: string): Completion {
  return { status: 'NO', code, text: MORE }
}

/** The code where no UID can be told. */
export function limitCode(context: Context): string {
  return `MESSAGELIMIT ${messageLimit(context)}`
}
