/** NOOP and CHECK (RFC 9051 §6.1.2, RFC 3501 §6.4.1): what is new goes out before the answer, as with any command. @module */
import { ANY_STATE, type Command, command } from '../command.ts'

export const noop: Command = command<void>({
  name: 'NOOP',
  states: ANY_STATE,
  parse: (r) => r.end(),
  run: async () => ({ status: 'OK', text: 'Nothing done' }),
})

/** Every change is on disk when it is answered, so a checkpoint is nothing of its own. */
export const check: Command = command<void>({
  name: 'CHECK',
  states: ['selected'],
  parse: (r) => r.end(),
  run: async () => ({ status: 'OK', text: 'Checked' }),
})
