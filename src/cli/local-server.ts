/** The server on this machine, for commands that speak with it as a client: the one that runs, or one of our own. @module */
import type { Security } from '#client/connect-options.ts'
import { AuthenticationError } from '#client/errors.ts'
import { ImapClient } from '#client/imap/imap-client.ts'
import type { ImapClientOptions } from '#client/imap/options.ts'
import type { Config } from '#config/config.ts'
import { EXIT } from '#lib/exit-codes.ts'
import type { Endpoint } from '#server/listeners.ts'
import { createLog } from '#server/log.ts'
import { type RunningServer, startServer } from '#server/server.ts'
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

/** Starts one on ports of loopback that nobody else is told of, for a store whose server is stopped. */
export function startOnLoopback(config: Config, protocols: readonly OwnProtocol[]): Promise<RunningServer> {
  const closed = Object.fromEntries(Object.keys(config.listen).map((name) => [name, []]))
  const own = Object.fromEntries(protocols.map((name) => [name, [{ host: '127.0.0.1', port: 0 }]]))
  const listen = { ...config.listen, ...closed, ...own }
  return startServer(
    { ...config, listen, auth: { ...config.auth, allowPlaintext: true }, workers: { count: 1 } },
    createLog('error'),
  )
}

/** Logs in to IMAP. @param password one, or what issues one for each login. */
export function connectHere(
  { host, port, security }: Place,
  login: string,
  password: string | (() => Promise<string>),
  more: Partial<ImapClientOptions> = {},
): Promise<ImapClient> {
  return ImapClient.connect({
    host,
    port,
    security,
    // the port is the one that our server says it listens on, on this machine: its certificate is for another name
    tls: { rejectUnauthorized: false },
    allowPlaintext: security === 'none',
    credentials: { login, password, mechanisms: ['PLAIN'] },
    ...more,
  })
}

/** Runs what logs in as `address`, and says in our words when that is not allowed. */
export async function asAccount<T>(address: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error
    throw new CliError(
      EXIT.notAllowed,
      say(`${address} may not use IMAP: ${error.message}.`, `${address} ne peut pas utiliser IMAP : ${error.message}.`),
      { cause: error },
    )
  }
}

const NO_LISTENER: Readonly<Record<OwnProtocol, () => string>> = {
  imap: () => say('The server that runs has no IMAP listener.', 'Le serveur en marche n’a pas de port IMAP.'),
  submission: () =>
    say(
      'The server that runs takes no mail from its people: it has no submission listener.',
      'Le serveur en marche n’accepte pas d’envois : il n’a pas de port de soumission.',
    ),
}
