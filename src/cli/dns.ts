/** `malle dns`: what the DNS of a domain must say, and what others report. @module */
import { Command } from 'commander'
import { openResolver } from '#adapters/dns/dns-resolver.ts'
import { parseServer } from '#config/sections/dns.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { policyFetch } from '#outbound/policy-fetch.ts'
import { checkDns } from '#services/dns-check/check.ts'
import { type DnsRecord, type DomainFacts, dnsRecords, formatData, formatRecord } from '#services/dns-records.ts'
import type { Resolver } from '#services/resolver.ts'
import { CliError } from './cli-error.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { formatFinding, summary } from './dns-check-words.ts'
import { reportsCommand } from './dns-reports.ts'
import { purposeSentence } from './dns-words.ts'
import { say } from './language.ts'
import { readConfig } from './options.ts'

/** Somebody waits. */
const POLICY_MS = 10_000

export function dnsCommand(): Command {
  const dns = new Command('dns').description(
    say('what the DNS of a domain must say', 'ce que le DNS d’un domaine doit contenir'),
  )
  withListing(dns.command('records <domain>'))
    .description(say('print the records as lines of a zone file', 'afficher les enregistrements, en fichier de zone'))
    .action(async (domain: string, options: CommonOptions) => {
      const facts = await administer(options, (admin) => admin.ask('dns.facts', { domain }))
      const records = dnsRecords(facts)
      show(
        options,
        records.map((record) => ({ ...record, data: formatData(record), line: formatRecord(record) })),
        () => formatZone(facts, records),
      )
    })
  dns.addCommand(reportsCommand())
  withListing(dns.command('check <domain>'))
    .description(say('compare with what the DNS says, in sentences', 'comparer avec ce que dit le DNS, en phrases'))
    .option(
      '--server <address>',
      say('resolver to ask, with or without a port', 'résolveur à interroger, avec ou sans port'),
    )
    .action(async (domain: string, options: CommonOptions & { readonly server?: string }) => {
      const facts = await administer(options, (admin) => admin.ask('dns.facts', { domain }))
      const resolver = await resolverFor(options)
      const findings = await checkDns(facts, { resolver, fetchPolicy: policyFetch({ resolver, timeoutMs: POLICY_MS }) })
      show(options, findings, () => [...findings.map(formatFinding), summary(facts.domain, findings)].join('\n'))
      if (findings.some(({ state }) => state === 'fault')) process.exitCode = EXIT.failed
      else if (findings.some(({ state }) => state === 'unanswered')) process.exitCode = EXIT.tryAgain
    })
  return dns
}

/** The resolvers of the configuration, or the one that was asked for. */
async function resolverFor(options: CommonOptions & { readonly server?: string }): Promise<Resolver> {
  const { dns } = await readConfig(options.config)
  if (options.server === undefined) return openResolver(dns)
  const server = parseServer(options.server)
  if (server !== undefined) return openResolver({ ...dns, servers: [server] })
  throw new CliError(
    EXIT.usage,
    say(
      `"${options.server}" is not an address such as 192.0.2.53 or [2001:db8::53]:5353.`,
      `« ${options.server} » n’est pas une adresse comme 192.0.2.53 ou [2001:db8::53]:5353.`,
    ),
  )
}

/** A zone file: what each group is for stands above it as a comment. */
function formatZone(facts: DomainFacts, records: readonly DnsRecord[]): string {
  const lines: string[] = []
  const missing = missingLines(facts)
  const groups = Map.groupBy(records, ({ purpose }) => purpose)
  for (const [purpose, group] of groups) {
    lines.push(`; ${purposeSentence(purpose, facts)}`, ...group.map(formatRecord), '')
    if (purpose === 'mx' && facts.addresses.length === 0) lines.splice(-1, 0, ...missing.address)
    if (purpose === 'spf' && facts.dkim.length === 0) lines.push(...missing.dkim, '')
  }
  return lines.join('\n').trimEnd()
}

/** In place of what this machine does not know. */
function missingLines({ hostname, domain }: DomainFacts): { readonly address: string[]; readonly dkim: string[] } {
  return {
    address: [
      say(
        `; ${hostname} needs an A and, where it has IPv6, an AAAA record (public.addresses is empty).`,
        `; ${hostname} a besoin d’un enregistrement A et, s’il a IPv6, AAAA (public.addresses est vide).`,
      ),
    ],
    dkim: [
      say(
        `; ${domain} has no DKIM key: its mail goes out unsigned ("malle domain dkim add ${domain}" makes them).`,
        `; ${domain} n’a pas de clé DKIM : son courrier part sans signature (« malle domain dkim add ${domain} » en crée).`,
      ),
    ],
  }
}
