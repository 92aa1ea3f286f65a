import { mayStartTls } from '../capabilities.ts'
import { type Command, command } from '../command.ts'

/**
 * STARTTLS (RFC 9051 §6.2.1). From the moment it is read, nothing sent in the clear is listened to: commands that
 * someone slipped in behind it are thrown away (CVE-2011-0411). The session knows nothing yet that had to be forgotten.
 */
export const starttls: Command = command<void>({
  name: 'STARTTLS',
  states: ['not-authenticated'],
  parse: (r) => r.end(),
  async run(_args, _by, { session }) {
    if (session.secure) return { status: 'BAD', text: 'TLS is on already' }
    if (!mayStartTls(session)) return { status: 'NO', text: 'There is no certificate for TLS' }
    const { connection, deps } = session
    connection.holdInput()
    return {
      status: 'OK',
      text: 'Begin TLS now',
      async after() {
        await connection.upgrade(deps.tls)
        session.note({ secure: true })
      },
    }
  },
})
