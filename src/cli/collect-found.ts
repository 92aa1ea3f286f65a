/** The server of an address that `malle collect` is given alone. @module */
import type { DiscoveryNetwork } from '#client/discovery/types.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { parseSourceUrl, type SourceUrl } from '#transfer/source-url.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import { describe, discoverOrRefuse, onlyInTheClear, urlOf } from './mail-discovery.ts'
import { confirmed } from './options.ts'

export interface FoundOptions {
  readonly yes: boolean | undefined
  /** What was found at an earlier run; found anew it could be another server, and all mail would be taken again. */
  readonly remembered: string | undefined
  /** Default: that of this machine. */
  readonly network?: DiscoveryNetwork
  readonly tell: (line: string) => void
}

/** What was found is said before it is used. */
export async function foundSource(
  address: string,
  protocol: 'pop3' | 'imap' | undefined,
  { yes, remembered, network, tell }: FoundOptions,
): Promise<SourceUrl> {
  const before = remembered === undefined ? undefined : parseSourceUrl(remembered)
  if (typeof before === 'object') return before
  const { servers, plaintext } = await discoverOrRefuse(address, network === undefined ? {} : { network })
  const server = servers.find((each) => each.protocol !== 'smtp' && each.protocol === (protocol ?? each.protocol))
  if (server === undefined || server.protocol === 'smtp') {
    const clear = onlyInTheClear(plaintext)
    throw new CliError(
      EXIT.noSuchThing,
      say(
        `No server to fetch from was found for ${address}.${clear} Give its URL, such as pop3s://${address}@pop.example.org.`,
        `Aucun serveur de relève trouvé pour ${address}.${clear} Indiquez son URL, comme pop3s://${address}@pop.example.org.`,
      ),
    )
  }
  tell(describe(server))
  if (server.askFirst)
    await confirmed(yes, say(`Send the password to ${server.host}?`, `Envoyer le mot de passe à ${server.host} ?`))
  return { ...urlOf(server), protocol: server.protocol }
}
