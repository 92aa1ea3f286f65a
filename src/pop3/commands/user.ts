/** USER (RFC 1939 §7). Every name is welcome: an answer that tells of accounts would help those who guess. @module */
import { type Command, type Completion, command, err, ok } from '../command.ts'

export const user: Command = command({
  name: 'USER',
  states: ['authorization'],
  run(args, context) {
    if (!context.plaintext) return plaintextRefusal(context.canStartTls)
    context.user = args.user
    return ok('Now the password')
  },
})

/** No password in the clear without TLS, unless the configuration allows it (RFC 2595 §2.3). */
export function plaintextRefusal(canStartTls: boolean): Completion {
  return err(
    canStartTls ? 'Passwords are taken over TLS only, use STLS first' : 'Passwords are taken over TLS only',
    'SYS/PERM',
  )
}
