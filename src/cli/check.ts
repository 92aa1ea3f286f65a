/** `malle check`: damage in the store, and what can be put right. @module */
import { Command } from 'commander'
import type { CheckFinding } from '#adapters/embedded/check.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { say } from './language.ts'

export function checkCommand(): Command {
  return withListing(new Command('check'))
    .description(say('look for damage in the store', 'vérifier l’intégrité du stockage'))
    .option('--repair', say('rebuild what can be derived', 'reconstruire ce qui peut l’être'))
    .option('--no-bodies', say('do not read every message', 'ne pas lire chaque message'))
    .action(async (options: CommonOptions & { readonly repair?: boolean; readonly bodies: boolean }) => {
      const args = { repair: options.repair === true, bodies: options.bodies }
      const findings = await administer(options, (admin) => admin.ask('check', args))
      show(options, findings, () => formatFindings(findings))
      if (findings.some(({ repaired }) => !repaired)) process.exitCode = EXIT.failed
    })
}

function formatFindings(findings: readonly CheckFinding[]): string {
  if (findings.length === 0) return say('Nothing is wrong.', 'Tout est en ordre.')
  return findings
    .map(({ shard, account, kind, message, repaired }) => {
      const part = say(`shard ${shard}`, `partition ${shard}`)
      const where = account === undefined ? part : say(`${part}, account ${account}`, `${part}, compte ${account}`)
      return `${where}: ${kind}: ${message}${repaired ? say(' (repaired)', ' (réparé)') : ''}`
    })
    .join('\n')
}
