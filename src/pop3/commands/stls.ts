/** STLS (RFC 2595 §4). @module */
import { ANSWERED, type Command, command, err } from '../command.ts'

export const stls: Command = command({
  name: 'STLS',
  states: ['authorization'],
  async run(_, context) {
    if (context.connection.tls !== undefined) return err('TLS is active already')
    if (!context.canStartTls) return err('There is no TLS here', 'SYS/PERM')
    await context.startTls()
    return ANSWERED
  },
})
