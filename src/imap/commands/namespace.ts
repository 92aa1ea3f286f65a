import { type Command, command, LOGGED_IN } from '../command.ts'

/** NAMESPACE (RFC 9051 §6.3.10, RFC 2342): one, the person's own. */
export const namespace: Command = command<void>({
  name: 'NAMESPACE',
  states: LOGGED_IN,
  parse: (r) => r.end(),
  async run(_args, _by, { out }) {
    out.text('* NAMESPACE (("" "/")) NIL NIL\r\n')
    return { status: 'OK', text: 'All mailboxes are yours' }
  },
})
