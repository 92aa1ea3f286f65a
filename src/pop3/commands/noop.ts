/** NOOP (RFC 1939 §5). @module */
import { type Command, command, ok } from '../command.ts'
import { same } from '../words.ts'

export const noop: Command = command({
  name: 'NOOP',
  states: ['transaction'],
  run: () => ok(same('')),
})
