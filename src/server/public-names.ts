/** How this server is seen from outside: what the configuration says, and what follows from the listeners. @module */
import { isIP } from 'node:net'
import type { Config } from '#config/config.ts'
import type { ListenAddress } from '#config/fields.ts'
import {
  type DomainFacts,
  MAIL_SERVICES,
  type MailService,
  type PublicEndpoint,
  type PublicServices,
} from '#services/dns-records.ts'
import type { MtaStsPolicy } from '#services/mta-sts-policy.ts'

const USUAL_PORTS: Readonly<Record<MailService, number>> = {
  imaps: 993,
  imap: 143,
  pop3s: 995,
  pop3: 110,
  submissions: 465,
  submission: 587,
}

/**
 * Where people reach the services.
 * @param bound Where the listeners of the running server are; port 0 of the configuration has its number there.
 */
export function publicServices(
  config: Config,
  bound: Readonly<Record<MailService, readonly ListenAddress[]>> | undefined,
): PublicServices {
  const services: Partial<Record<MailService, PublicEndpoint>> = {}
  for (const service of MAIL_SERVICES) {
    const place = config.public[service]
    if (place === 'off') continue
    if (place !== 'auto') services[service] = { host: place.host.toLowerCase(), port: place.port }
    else {
      const listening = bound?.[service] ?? config.listen[service]
      const chosen = listening.find(({ host }) => !isLoopback(host)) ?? listening[0]
      if (chosen !== undefined)
        services[service] = { host: config.hostname, port: chosen.port === 0 ? USUAL_PORTS[service] : chosen.port }
    }
  }
  return services
}

/** What follows from the configuration for a domain. */
export function domainFacts(
  config: Config,
  domain: string,
  services: PublicServices,
): Omit<DomainFacts, 'dkim' | 'tlsa'> {
  const { addresses, dmarc, reports } = config.public
  return {
    domain,
    hostname: config.hostname,
    addresses,
    services,
    dmarc,
    reports: reports.includes('@') ? reports : `${reports}@${domain}`,
    mtaSts: mtaStsPolicy(config),
    caa: authorities(config),
  }
}

/** Who may sign for us, as CAA records name them. */
function authorities({ public: { caa }, tls: { acme } }: Config): readonly string[] {
  if (caa.length > 0 || acme === undefined) return caa
  return new URL(acme.directory).hostname.endsWith('.letsencrypt.org') ? ['letsencrypt.org'] : []
}

/** The policy of every domain; `null`: none is served. */
export function mtaStsPolicy({ public: { mtaSts }, hostname }: Config): MtaStsPolicy | null {
  return mtaSts === 'off' ? null : { mode: mtaSts, mx: [hostname] }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
