/** The servers that mail comes from: named, or found at the same host. @module */
import type { DiscoveryNetwork } from '#client/index.ts'
import { EXIT } from '#lib/exit-codes.ts'
import type { SourceServer } from '#server/verbs.ts'
import { parseSourceUrl, type SourceUrl, withoutPassword } from '#transfer/source-url.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'

type SourceProtocol = SourceUrl['protocol']

/** A server, and whose mailbox on it where that was said. */
export interface NamedServer extends SourceServer {
  readonly protocol: SourceProtocol
  readonly login: string | undefined
}

/** Both ends of a host; `guessed`: POP3 was found and not named. */
export interface SourceServers {
  readonly imap: NamedServer | undefined
  readonly pop3: NamedServer | undefined
  readonly guessed: boolean
}

/** `imaps://imap.example.org`, with or without a login. @throws {CliError} */
export function parseServer(text: string): NamedServer {
  const whole = parseSourceUrl(text)
  const url = whole === 'no-login' ? parseSourceUrl(text.replace('://', `://${NOBODY}@`)) : whole
  if (typeof url === 'object' && url.mailbox === undefined) {
    const { protocol, host, port, security, login } = url
    return { protocol, host, port: port ?? null, security, login: login === NOBODY ? undefined : login }
  }
  throw new CliError(
    EXIT.usage,
    say(
      `"${withoutPassword(text)}" is not a server to migrate from: write a URL such as imaps://imap.example.org or pop3s://ann@pop.example.org, without password and mailbox.`,
      `« ${withoutPassword(text)} » n’est pas un serveur d’où migrer : écrivez une URL comme imaps://imap.example.org ou pop3s://anne@pop.example.org, sans mot de passe ni boîte.`,
    ),
  )
}

const NOBODY = 'nobody'

/** One of each protocol at most. @throws {CliError} */
export function serversOf(texts: readonly string[]): SourceServers {
  const servers = texts.map(parseServer)
  const of = (protocol: SourceProtocol): NamedServer | undefined => {
    const [first, second] = servers.filter((server) => server.protocol === protocol)
    if (second === undefined) return first
    throw new CliError(
      EXIT.usage,
      say(
        'Name one IMAP server, one POP3 server, or one of each.',
        'Indiquez un serveur IMAP, un serveur POP3, ou un de chaque.',
      ),
    )
  }
  return { imap: of('imap'), pop3: of('pop3'), guessed: false }
}

const OTHERS: Readonly<
  Record<SourceProtocol, readonly { readonly port: number; readonly security: 'tls' | 'starttls' }[]>
> = {
  imap: [
    { port: 993, security: 'tls' },
    { port: 143, security: 'starttls' },
  ],
  pop3: [
    { port: 995, security: 'tls' },
    { port: 110, security: 'starttls' },
  ],
}
const PROBE_MS = 8_000

/**
 * Looks for the other protocol at the host of the one that was named.
 * @param only A protocol that nothing is looked for beside.
 */
export async function withOther(
  servers: SourceServers,
  only: SourceProtocol | undefined,
  network: DiscoveryNetwork,
): Promise<SourceServers> {
  const known = servers.imap ?? servers.pop3
  if (known === undefined || (servers.imap !== undefined && servers.pop3 !== undefined) || only !== undefined)
    return servers
  const protocol: SourceProtocol = known.protocol === 'imap' ? 'pop3' : 'imap'
  for (const { port, security } of OTHERS[protocol]) {
    const target = { protocol, host: known.host, port, security }
    if ((await network.probe(target, AbortSignal.timeout(PROBE_MS))) !== 'fits') continue
    const found: NamedServer = { ...target, login: known.login }
    return protocol === 'pop3' ? { ...servers, pop3: found, guessed: true } : { ...servers, imap: found }
  }
  return servers
}

/** What people should know before anything is done; `undefined`: both were named. */
export function foundSentence(named: SourceServers, used: SourceServers): string | undefined {
  if (named.imap !== undefined && named.pop3 !== undefined) return undefined
  const other = named.imap === undefined ? used.imap : used.pop3
  const host = (named.imap ?? named.pop3)?.host ?? ''
  if (other !== undefined) {
    const url = formatServer(other)
    const name = other.protocol.toUpperCase()
    const only = other.protocol === 'pop3' ? 'imap' : 'pop3'
    return say(
      `${name} was found at ${url} and is used too; --only ${only} leaves it out.`,
      `${name} a été trouvé à ${url} et sert aussi ; --only ${only} s’en passe.`,
    )
  }
  return named.imap === undefined
    ? say(
        `Only POP3 at ${host}: the INBOX alone comes over, without flags.`,
        `POP3 seulement chez ${host} : seule la boîte de réception est reprise, sans marques.`,
      )
    : say(
        `Only IMAP at ${host}: programs on POP3 will fetch the INBOX again.`,
        `IMAP seulement chez ${host} : les programmes POP3 relèveront à nouveau la boîte de réception.`,
      )
}

function formatServer({ protocol, security, host, port }: NamedServer): string {
  const name = host.includes(':') ? `[${host}]` : host
  return `${protocol}${security === 'tls' ? 's' : ''}://${name}${port === null ? '' : `:${port}`}`
}
