/** DELE (RFC 1939 §5): a mark in the session; the store hears of it at QUIT only. @module */
import { type Command, command, ok } from '../command.ts'
import { numberRefusal, readOnly } from '../refusals.ts'
import { words } from '../words.ts'

export const dele: Command = command({
  name: 'DELE',
  states: ['transaction'],
  run({ message }, { maildrop, terms }) {
    const refusal = maildrop.refusal(message)
    if (refusal !== undefined) return numberRefusal(refusal)
    if (terms.policy.kind === 'read-only') return readOnly()
    maildrop.delete(message)
    return ok(words('Deleted at QUIT', 'Supprimé au moment de QUIT'))
  },
})
