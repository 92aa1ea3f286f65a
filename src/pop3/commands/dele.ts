/** DELE (RFC 1939 §5): a mark in the session; the store hears of it at QUIT only. @module */
import { type Command, command, ok } from '../command.ts'
import { numberRefusal } from '../refusals.ts'

export const dele: Command = command({
  name: 'DELE',
  states: ['transaction'],
  run({ message }, { maildrop }) {
    const refusal = maildrop.refusal(message)
    if (refusal !== undefined) return numberRefusal(refusal)
    maildrop.delete(message)
    return ok('Deleted at QUIT')
  },
})
