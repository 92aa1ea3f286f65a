/** RETR (RFC 1939 §5). What was sent whole is noted; at QUIT the account's policy says what that means. @module */
import { ANSWERED, type Answer, type Command, command } from '../command.ts'
import { sendMessage } from '../message.ts'
import { numberRefusal } from '../refusals.ts'

export const retr: Command = command({
  name: 'RETR',
  states: ['transaction'],
  run({ message }, context) {
    const refusal = context.maildrop.refusal(message)
    if (refusal !== undefined) return numberRefusal(refusal)
    const noted = (answer: Answer): Answer => {
      if (answer === ANSWERED) context.maildrop.retrieve(message)
      return answer
    }
    const answer = sendMessage(message, context)
    return answer instanceof Promise ? answer.then(noted) : noted(answer)
  },
})
