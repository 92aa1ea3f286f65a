import { type Command, command, LOGGED_IN } from '../command.ts'

/**
 * UNAUTHENTICATE (RFC 8437): back to where the greeting was, but for TLS, ID and the connection itself. NO is not an
 * answer here (§3): where it is switched off, it is a command that nobody knows.
 */
export const unauthenticate: Command = command<void>({
  name: 'UNAUTHENTICATE',
  states: LOGGED_IN,
  parse: (r) => r.end(),
  async run(_args, _by, { session }) {
    if (session.deps.unauthenticate === false) return { status: 'BAD', text: 'Unknown command' }
    await session.loggedOut()
    if (session.connection.compressed) session.note({ compressed: false })
    return { status: 'OK', text: 'Nobody is logged in', after: () => session.connection.uncompress() }
  },
})
