/** RSET (RFC 1939 §5). @module */
import { type Command, command, ok } from '../command.ts'
import { dropText } from '../message.ts'
import { same } from '../words.ts'

export const rset: Command = command({
  name: 'RSET',
  states: ['transaction'],
  run(_, { maildrop }) {
    maildrop.reset()
    return ok(same(dropText(maildrop.remaining, maildrop.remainingOctets)))
  },
})
