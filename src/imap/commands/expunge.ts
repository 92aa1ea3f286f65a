/** EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9, RFC 4315 §2.1, RFC 7162 §3.2.7, §3.2.9). @module */
import type { MessageSet } from '#wire/imap/message-set.ts'
import { type Command, command } from '../command.ts'
import { refusalCompletion } from '../completion.ts'
import { READ_ONLY } from '../message-commands.ts'

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

  async run({ messages }, by, { view, store, account, id, enabled, out }) {
    if ((by === 'uid') !== (messages !== undefined))
      return { status: 'BAD', text: by === 'uid' ? 'UIDs are expected' : 'Nothing more is expected' }
    if (view.readOnly) return READ_ONLY
    const uids = messages === undefined ? undefined : await view.resolve(out, messages, by)
    if (uids?.length === 0) return { status: 'OK', text: 'Nothing to expunge' }
    const answer = await store.write('expunge', { account, by: id, mailbox: view.mailbox, uids, which: 'deleted' })
    if (!answer.ok) return refusalCompletion(answer.error)
    const { expunged, modseq } = answer.value
    view.expect(modseq)
    if (expunged.length === 0) return { status: 'OK', text: 'Nothing was deleted' }
    return { status: 'OK', ...(enabled.qresync ? { code: `HIGHESTMODSEQ ${modseq}` } : {}), text: 'Expunged' }
  },
})
