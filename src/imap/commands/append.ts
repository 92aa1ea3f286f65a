import { AppendUpload } from '../append-upload.ts'
import { type Command, command, LOGGED_IN } from '../command.ts'
import { readMailbox } from '../mailbox-names.ts'

/**
 * APPEND (RFC 9051 §6.3.12) with MULTIAPPEND (RFC 3502), UTF8 (RFC 6855 §4), literal8 (RFC 3516 §4.4), APPENDUID
 * (RFC 4315 §3) and APPENDLIMIT (RFC 7889). Messages go into the store as they come; a client that vanishes leaves none.
 * Header fields with 8-bit characters are taken from everybody, where RFC 6855 §4 and RFC 9755 §4 want NO without
 * UTF8=ACCEPT: old mail has them, and whoever moves it here must not lose it.
 */
export const append: Command = command<void>({
  name: 'APPEND',
  states: LOGGED_IN,

  // append = "APPEND" SP mailbox 1*append-message. Comes here only without any message.
  parse(r) {
    readMailbox(r.sp())
    r.appendMessage()
    r.end()
  },
  run: async () => ({ status: 'BAD', text: 'A message is expected' }),

  upload(announced, r) {
    if (!r.spaces()) return undefined
    // A mailbox name may be a literal too: the one announced is the last of the text so far.
    if (r.position >= announced.frame.text.length - 1) return undefined
    return async (context) => new AppendUpload(context).take(announced, r.position)
  },
})
