/** RETR (RFC 1939 §5). It sets no flag: `\Seen` is IMAP's, and a client that keeps mail here reads it elsewhere. @module */
import { type Command, command } from '../command.ts'
import { sendMessage } from '../message.ts'
import { numberRefusal } from '../refusals.ts'

export const retr: Command = command({
  name: 'RETR',
  states: ['transaction'],
  run({ message }, context) {
    const refusal = context.maildrop.refusal(message)
    return refusal === undefined ? sendMessage(message, context) : numberRefusal(refusal)
  },
})
