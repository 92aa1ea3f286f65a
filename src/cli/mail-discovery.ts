/** The servers of an address, which are named before they are used. @module */
import { type DiscoverOptions, discover } from '#client/discovery/discover.ts'
import type { DiscoveredServer } from '#client/discovery/types.ts'
import { EXIT } from '#lib/exit-codes.ts'
import type { SourceUrl } from '#transfer/source-url.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import { confirmed } from './options.ts'

/**
 * The servers of an address, each asked about where only the DNS says that the password may go there.
 * @param yes No question.
 */
export async function serversOf(
  address: string,
  yes: boolean | undefined,
): Promise<{ readonly imap: SourceUrl; readonly smtp: SourceUrl | undefined }> {
  const { servers, plaintext } = await discoverOrRefuse(address)
  const imap = servers.find(({ protocol }) => protocol === 'imap')
  const smtp = servers.find(({ protocol }) => protocol === 'smtp')
  if (imap === undefined) {
    const clear = onlyInTheClear(plaintext)
    throw new CliError(
      EXIT.noSuchThing,
      say(
        `No IMAP server was found for ${address}.${clear} Give its URL, such as imaps://${address}@imap.example.org.`,
        `Aucun serveur IMAP trouvé pour ${address}.${clear} Indiquez son URL, comme imaps://${address}@imap.example.org.`,
      ),
    )
  }
  const found = smtp === undefined ? [imap] : [imap, smtp]
  for (const server of found) process.stderr.write(`${describe(server)}\n`)
  for (const host of new Set(found.filter(({ askFirst }) => askFirst).map((server) => server.host)))
    await confirmed(yes, say(`Send the password to ${host}?`, `Envoyer le mot de passe à ${host} ?`))
  return { imap: urlOf(imap), smtp: smtp === undefined ? undefined : urlOf(smtp) }
}

/** The submission server of an address, one that needs no question. @throws {CliError} None is found. */
export async function smtpFor(address: string): Promise<SourceUrl> {
  const { servers } = await discoverOrRefuse(address)
  const smtp = servers.find(({ protocol, askFirst }) => protocol === 'smtp' && !askFirst)
  if (smtp !== undefined) {
    process.stderr.write(`${describe(smtp)}\n`)
    return urlOf(smtp)
  }
  throw new CliError(
    EXIT.noSuchThing,
    say(
      `No submission server was found for ${address}: give --smtp smtps://login@host.`,
      `Aucun serveur d’envoi trouvé pour ${address} : indiquez --smtp smtps://identifiant@hôte.`,
    ),
  )
}

/** @throws {CliError} It is no address. */
export async function discoverOrRefuse(address: string, options: DiscoverOptions = {}): ReturnType<typeof discover> {
  try {
    return await discover(address, options)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new CliError(EXIT.badData, say(`"${address}" is not an address.`, `« ${address} » n’est pas une adresse.`))
  }
}

/** For the sentence that there is no server: that one was found which is not used. */
export function onlyInTheClear(plaintext: readonly unknown[]): string {
  return plaintext.length === 0
    ? ''
    : say(' Only servers without TLS were named.', ' Seuls des serveurs sans TLS sont indiqués.')
}

/** As the URL of an IMAP server. */
export function urlOf({ host, port, security, login }: DiscoveredServer): SourceUrl {
  return { protocol: 'imap', host, port, security, login: login.value, mailbox: undefined }
}

/** `IMAP: imap.example.org:993, TLS, ann@example.org (from the DNS)` */
export function describe({ protocol, host, port, security, login, source }: DiscoveredServer): string {
  const why = {
    autoconfig: say('the provider says so', 'le fournisseur le dit'),
    ispdb: say('from Thunderbird’s collection', 'd’après la collection de Thunderbird'),
    srv: say('from the DNS', 'd’après le DNS'),
    guess: say('guessed; its certificate is valid', 'deviné ; son certificat est valide'),
  }[source.kind]
  const how = security === 'tls' ? 'TLS' : 'STARTTLS'
  return `${protocol.toUpperCase()}: ${host}:${port}, ${how}, ${login.value} (${why})`
}
