/** EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9, RFC 4315 §2.1, RFC 7162 §3.2.7, §3.2.9). @module */
import { type UidSet, uidSetOf, uidSetSize } from '#mail/uid-set.ts'
import { SnapshotWalk } from '#services/snapshot-walk.ts'
import { DELETED } from '#store/flags.ts'
import type { MessageSet } from '#wire/imap/message-set.ts'
import { type Command, type Context, command } from '../command.ts'
import { refusalCompletion } from '../completion.ts'
import { READ_ONLY } from '../message-commands.ts'
import { type Limited, limited, messageLimit, withLimit } from '../message-limit.ts'
import { NOT_ALLOWED } from '../resolve.ts'

/** Only the UID form names messages. */
interface Args {
  readonly messages: MessageSet | undefined
}

export const expunge: Command = command<Args>({
  name: 'EXPUNGE',
  states: ['selected'],
  uidForm: true,
  byNumber: false,

  // "EXPUNGE" / "UID" SP "EXPUNGE" SP sequence-set
  parse(r) {
    if (r.onlySpacesLeft) {
      r.end()
      return { messages: undefined }
    }
    const messages = r.sp().messageSet()
    r.end()
    return { messages }
  },

  async run({ messages }, by, context) {
    const { view, store, actor, enabled, out } = context
    const { account, mailbox } = view
    if ((by === 'uid') !== (messages !== undefined))
      return { status: 'BAD', text: by === 'uid' ? 'UIDs are expected' : 'Nothing more is expected' }
    if (view.readOnly) return READ_ONLY
    if (!view.may('e')) return NOT_ALLOWED
    // Only UID EXPUNGE has a limit, and only what is deleted counts (RFC 9738 §3.1).
    const named = messages === undefined ? undefined : await view.resolve(out, messages, by)
    const { uids, code } = named === undefined ? { uids: undefined, code: undefined } : limitedDeleted(context, named)
    if (uids?.length === 0) return { status: 'OK', text: 'Nothing to expunge' }
    const answer = await store.write('expunge', { account, by: actor, mailbox, uids, which: 'deleted' })
    if (!answer.ok) return refusalCompletion(answer.error)
    const { expunged, modseq } = answer.value
    view.expect(modseq, expunged)
    if (expunged.length === 0) return { status: 'OK', text: 'Nothing was deleted' }
    const done = {
      status: 'OK',
      ...(enabled.qresync ? { code: `HIGHESTMODSEQ ${modseq}` } : {}),
      text: 'Expunged',
    } as const
    return withLimit(context, done, code)
  },
})

function limitedDeleted(context: Context, named: UidSet): Limited {
  if (uidSetSize(named) <= messageLimit(context)) return { uids: named, code: undefined }
  const deleted: number[] = []
  for (const walk = new SnapshotWalk(context.view.shown, named); walk.next(); )
    if ((walk.flags & DELETED) !== 0) deleted.push(walk.uid)
  return limited(context, uidSetOf(deleted))
}
