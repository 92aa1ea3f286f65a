/** The listeners of the server on this machine, for commands that speak with it as a client. @module */
import type { Security } from '#client/connect-options.ts'
import { EXIT } from '#lib/exit-codes.ts'
import type { Endpoint } from '#server/listeners.ts'
import type { StatusView } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'

/** A protocol of a person who is at home here. */
export type OwnProtocol = 'imap' | 'submission'

/** Where a listener is, and how it is spoken with. */
export interface Place extends Endpoint {
  readonly security: Security
}

/**
 * A listener of the server, as it is reached from this machine.
 * @param running `false`: it is one of our own on loopback, which takes passwords in the clear.
 */
export function placeOf(endpoints: StatusView['endpoints'], protocol: OwnProtocol, running: boolean): Place {
  const here = ({ host, port }: Endpoint): Endpoint => {
    const any = host === '0.0.0.0' || host === '::' || host === '[::]'
    return { host: any ? '127.0.0.1' : host.replace(/^\[|\]$/g, ''), port }
  }
  const [tls, plain] = [endpoints?.[`${protocol}s`][0], endpoints?.[protocol][0]]
  if (tls !== undefined) return { ...here(tls), security: 'tls' }
  if (plain !== undefined) return { ...here(plain), security: running ? 'starttls' : 'none' }
  throw new CliError(EXIT.unavailable, NO_LISTENER[protocol]())
}

const NO_LISTENER: Readonly<Record<OwnProtocol, () => string>> = {
  imap: () => say('The server that runs has no IMAP listener.', 'Le serveur en marche n’a pas de port IMAP.'),
  submission: () =>
    say(
      'The server that runs takes no mail from its people: it has no submission listener.',
      'Le serveur en marche n’accepte pas d’envois : il n’a pas de port de soumission.',
    ),
}
