import { ANY_STATE, type Command, command } from '../command.ts'

/** LOGOUT (RFC 9051 §6.1.3). */
export const logout: Command = command<void>({
  name: 'LOGOUT',
  states: ANY_STATE,
  parse: (r) => r.end(),
  async run(_args, _by, { out, session }) {
    // First let go of the mailbox: nothing about it may come after BYE.
    session.select(undefined)
    out.text('* BYE ').line('See you')
    session.end()
    return { status: 'OK', text: 'Logged out' }
  },
})
