import { type Command, command, LOGGED_IN } from '../command.ts'

/** NAMESPACE (RFC 9051 §6.3.10, RFC 2342): the person's own, and that of other people; no account belongs to nobody here. */
export const namespace: Command = command<void>({
  name: 'NAMESPACE',
  states: LOGGED_IN,
  parse: (r) => r.end(),
  async run(_args, _by, { out }) {
    out.text('* NAMESPACE (("" "/")) (("Other users/" "/")) NIL\r\n')
    return { status: 'OK', text: 'Those are the namespaces' }
  },
})
