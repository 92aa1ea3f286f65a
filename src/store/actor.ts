/** Who asks for a write, in one string: what announcements repeat and what history keeps. @module */

/** See {@link formatActor}. */
export interface Actor {
  /** The protocol of a session, or the name of a service. */
  readonly service: string
  /** Connection id, as in the log. */
  readonly session?: string | undefined
  /** IP address of the peer. */
  readonly peer?: string | undefined
  /** Address of the account that logged in, which may be another one's guest. */
  readonly address?: string | undefined
  /** Name of the app password; `undefined` for the person's own. */
  readonly appPassword?: string | undefined
}

/** The fields with a tab between, without those that are empty at the end. @example `imap\tc1\t192.0.2.7\tann@example.org\tphone` */
export function formatActor({ service, session, peer, address, appPassword }: Actor): string {
  return [service, session, peer, address, appPassword]
    .map((field) => (field ?? '').replace(/[\t\r\n]/g, ' '))
    .join('\t')
    .replace(/\t+$/, '')
}

/** Reads what {@link formatActor} wrote; a string without tabs is the name of a service. */
export function parseActor(text: string): Actor {
  const [service = '', session, peer, address, appPassword] = text
    .split('\t')
    .map((field) => (field === '' ? undefined : field))
  return { service: service ?? '', session, peer, address, appPassword }
}
