/** USER (RFC 1939 §7). Every name is welcome: an answer that tells of accounts would help those who guess. @module */
import { saslPrep } from '#lib/sasl-prep.ts'
import { type Command, type Completion, command, err, ok } from '../command.ts'
import { words } from '../words.ts'

export const user: Command = command({
  name: 'USER',
  states: ['authorization'],
  run(args, context) {
    if (!context.plaintext) return plaintextRefusal(context.canStartTls)
    const name = saslPrep(args.user)
    if (name === undefined) return prohibited()
    context.user = name
    return ok(words('Now the password', 'À présent le mot de passe'))
  },
})

/** A name or password with characters that SASLprep prohibits (RFC 6856 §2.2, RFC 4013 §2.3). */
export function prohibited(): Completion {
  return err(words('Characters in it are not allowed', 'Certains caractères ne sont pas permis'), 'AUTH')
}

/** No password in the clear without TLS, unless the configuration allows it (RFC 2595 §2.3). */
export function plaintextRefusal(canStartTls: boolean): Completion {
  return err(
    canStartTls
      ? words('Passwords are taken over TLS only, use STLS first', 'Mot de passe par TLS seulement, utilisez STLS')
      : words('Passwords are taken over TLS only', 'Mot de passe par TLS seulement'),
    'SYS/PERM',
  )
}
