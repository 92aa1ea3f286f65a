/** PASS (RFC 1939 §7), answering [AUTH] and [IN-USE] (RFC 3206 §6, RFC 2449 §8.1.2). @module */
import { saslPrep } from '#lib/sasl-prep.ts'
import { type Command, command, err } from '../command.ts'
import { loginRefusal } from '../refusals.ts'
import { words } from '../words.ts'
import { plaintextRefusal, prohibited } from './user.ts'

export const pass: Command = command({
  name: 'PASS',
  states: ['authorization'],
  async run({ password }, context) {
    if (!context.plaintext) return plaintextRefusal(context.canStartTls)
    const login = context.user
    if (login === undefined) return err(words('USER comes first', 'USER vient d’abord'))
    context.user = undefined
    if (password !== '' && saslPrep(password) === undefined) return prohibited()
    const answer = await context.authority.password({ login, authorizeAs: '', password })
    return answer.ok ? context.enter(answer.value) : loginRefusal(answer.error)
  },
})
