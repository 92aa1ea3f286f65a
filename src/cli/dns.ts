/** `malle dns`: what the DNS of a domain must say, and what others report. @module */
import { Command } from 'commander'
import { type DnsRecord, type DomainFacts, dnsRecords, formatData, formatRecord } from '#services/dns-records.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { reportsCommand } from './dns-reports.ts'
import { purposeSentence } from './dns-words.ts'
import { say } from './language.ts'

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
  return dns
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
