import { capabilities } from '../capabilities.ts'
import { ANY_STATE, type Command, command } from '../command.ts'

/** CAPABILITY (RFC 9051 §6.1.1). */
export const capability: Command = command<void>({
  name: 'CAPABILITY',
  states: ANY_STATE,
  parse: (r) => r.end(),
  async run(_args, _by, { out, session }) {
    out.text(`* CAPABILITY ${capabilities(session)}\r\n`)
    return { status: 'OK', text: 'That is all' }
  },
})
