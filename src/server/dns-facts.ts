/** What the records of a domain are made of: configuration, directory, certificate. @module */
import { parseDomain } from '#services/addresses.ts'
import { dkimRecord } from '#services/dkim-keys.ts'
import type { DomainFacts } from '#services/dns-records.ts'
import type { DomainRecord } from '#store/directory.ts'
import { publicKeyHash, shownCertificate } from './certificates.ts'
import type { Installation } from './installation.ts'
import type { MailEndpoints } from './protocol-thread.ts'
import { domainFacts, publicServices } from './public-names.ts'
import { VerbRefused } from './verbs.ts'

/** @param endpoints Where listeners are, while the server runs. @throws {VerbRefused} */
export async function dnsFacts(
  { config, directory, dkim }: Installation,
  name: string,
  endpoints: MailEndpoints | null | undefined,
): Promise<DomainFacts> {
  const { name: domain } = await knownDomain({ directory }, name)
  const keys = await dkim.list(domain)
  const certificate = await shownCertificate(config)
  return {
    ...domainFacts(config, domain, publicServices(config, endpoints ?? undefined)),
    dkim: keys.ok ? keys.value.map((key) => ({ selector: key.selector, text: dkimRecord(key).value })) : [],
    tlsa: certificate === undefined ? [] : [publicKeyHash(certificate)],
  }
}

/** @throws {VerbRefused} */
export async function knownDomain({ directory }: Pick<Installation, 'directory'>, name: string): Promise<DomainRecord> {
  const domain = parseDomain(name)
  if (domain === undefined) throw new VerbRefused({ kind: 'bad-domain', text: name })
  const known = await directory.domain(domain)
  if (known === undefined) throw new VerbRefused({ kind: 'no-such', what: 'domain', name: domain })
  return known
}
