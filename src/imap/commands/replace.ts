import type { MessageSet } from '#wire/imap/message-set.ts'
import type { CommandReader } from '#wire/imap/reader.ts'
import { AppendUpload } from '../append-upload.ts'
import { type Command, command } from '../command.ts'
import { readMailbox } from '../mailbox-names.ts'

/**
 * REPLACE and UID REPLACE (RFC 8508): a message comes and another one goes, in one commit of the store. What holds for
 * APPEND holds here, but for MULTIAPPEND (§4.7).
 */
export const replace: Command = command<void>({
  name: 'REPLACE',
  states: ['selected'],
  uidForm: true,

  // replace = "REPLACE" SP seq-number SP mailbox append-message. Comes here only without any message.
  parse(r) {
    r.sp().oneMessage()
    readMailbox(r.sp())
    r.appendMessage()
    r.end()
  },
  run: async () => ({ status: 'BAD', text: 'A message is expected' }),

  upload(announced, r, by) {
    const message = r.attempt(() => leaving(r))
    // As in APPEND: the literal may be the mailbox name.
    if (message === undefined || r.position >= announced.frame.text.length - 1) return undefined
    return async (context) => new AppendUpload(context, { message, by }).take(announced, r.position)
  },
})

/** Up to the space before the mailbox name. */
function leaving(r: CommandReader): MessageSet {
  const message = r.sp().oneMessage()
  r.sp()
  return message
}
