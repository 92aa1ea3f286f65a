/** `malle dns reports`: what other mail servers report about mail of a domain. @module */
import { Command } from 'commander'
import type { ReportSummary } from '#services/domain-reports.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { counted, say } from './language.ts'
import { oneLine } from './mail-text.ts'
import { momentOption } from './moment.ts'
import { formatTable } from './table.ts'

const USUAL_MS = 30 * 86_400_000

export function reportsCommand(): Command {
  return withListing(new Command('reports'))
    .argument('<domain>')
    .description(
      say(
        'tell what other mail servers report: who sends mail of the domain, and how TLS to this server went',
        'dire ce que rapportent d’autres serveurs : qui envoie du courrier du domaine, et comment va TLS vers ce serveur',
      ),
    )
    .option(
      '--since <time>',
      say('reports that end after this; 30 days without', 'rapports finissant après ce moment ; 30 jours sinon'),
    )
    .action(async (domain: string, options: CommonOptions & { readonly since?: string }) => {
      const since = options.since === undefined ? Date.now() - USUAL_MS : momentOption(options.since)
      const summary = await administer(options, (admin) => admin.ask('dns.reports', { domain, since }))
      show(options, summary, () => `${formatDmarc(summary)}\n\n${formatTls(summary)}`)
    })
}

function formatDmarc({ domain, dmarc }: ReportSummary): string {
  if (dmarc.reports === 0)
    return say(`There is no DMARC report about ${domain}.`, `Il n’y a aucun rapport DMARC sur ${domain}.`)
  const reports = counted(dmarc.reports, ['DMARC report', 'DMARC reports'], ['rapport DMARC', 'rapports DMARC'])
  const messages = counted(dmarc.messages, ['message', 'messages'], ['message', 'messages'])
  const head = say(
    `${reports} about ${domain}: ${messages}, ${dmarc.passed} of them authenticated.`,
    `${reports} sur ${domain} : ${messages}, dont ${dmarc.passed} authentifiés.`,
  )
  const table = formatTable(
    [
      say('SOURCE', 'SOURCE'),
      say('MESSAGES', 'MESSAGES'),
      say('PASSED', 'RÉUSSI'),
      'DKIM',
      'SPF',
      say('JUNK', 'INDÉSIRABLE'),
      say('REFUSED', 'REFUSÉ'),
      say('REPORTED BY', 'RAPPORTÉ PAR'),
    ],
    dmarc.sources.map(({ source, messages: all, passed, dkim, spf, quarantined, rejected, by }) => [
      source,
      all,
      passed,
      dkim,
      spf,
      quarantined,
      rejected,
      oneLine(by.join(', ')),
    ]),
  )
  return `${head}\n\n${table}`
}

function formatTls({ domain, tls }: ReportSummary): string {
  if (tls.reports === 0)
    return say(`There is no TLS report about ${domain}.`, `Il n’y a aucun rapport TLS sur ${domain}.`)
  const reports = counted(tls.reports, ['TLS report', 'TLS reports'], ['rapport TLS', 'rapports TLS'])
  const table = formatTable(
    [
      say('REPORTED BY', 'RAPPORTÉ PAR'),
      say('POLICY', 'RÈGLE'),
      say('WENT WELL', 'RÉUSSI'),
      say('FAILED', 'ÉCHOUÉ'),
      say('WHY', 'POURQUOI'),
    ],
    tls.receivers.map(({ by, policy, succeeded, failed, failures }) => [
      oneLine(by),
      policy,
      succeeded,
      failed,
      failures.map(({ type, mx, count }) => `${type}${mx === '' ? '' : ` ${mx}`} (${count})`).join(', ') || '-',
    ]),
  )
  return `${say(`${reports} about ${domain}.`, `${reports} sur ${domain}.`)}\n\n${table}`
}
