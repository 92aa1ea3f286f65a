/** STLS (RFC 2595 §4), not behind UTF8 (RFC 6856 §2.1). @module */
import { ANSWERED, type Command, command, err } from '../command.ts'
import { words } from '../words.ts'

export const stls: Command = command({
  name: 'STLS',
  states: ['authorization'],
  async run(_, context) {
    if (context.connection.tls !== undefined) return err(words('TLS is active already', 'TLS est déjà actif'))
    if (!context.canStartTls) return err(words('There is no TLS here', 'TLS n’est pas disponible ici'), 'SYS/PERM')
    if (context.utf8) return err(words('STLS comes before UTF8', 'STLS vient avant UTF8'))
    await context.startTls()
    return ANSWERED
  },
})
