/** TOP (RFC 1939 §7). @module */
import { type Command, command } from '../command.ts'
import { sendTop } from '../message.ts'
import { numberRefusal } from '../refusals.ts'

export const top: Command = command({
  name: 'TOP',
  states: ['transaction'],
  run({ message, lines }, context) {
    const refusal = context.maildrop.refusal(message)
    return refusal === undefined ? sendTop(message, lines, context) : numberRefusal(refusal)
  },
})
