/** `malle check`: damage in the store, and what can be put right. @module */
import { Command } from 'commander'
import type { CheckFinding, Rebuilt } from '#adapters/embedded/check.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { counted, formatBytes, say } from './language.ts'

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
    .map(({ shard, account, kind, message, repaired, rebuilt }) => {
      const part = say(`shard ${shard}`, `partition ${shard}`)
      const where = account === undefined ? part : say(`${part}, account ${account}`, `${part}, compte ${account}`)
      if (rebuilt !== undefined) return `${where}: ${formatRebuilt(rebuilt)}`
      return `${where}: ${kind}: ${message}${repaired ? say(' (repaired)', ' (réparé)') : ''}`
    })
    .join('\n')
}

/** What segments gave back, said as it is: neither more nor less than that is known. */
function formatRebuilt({ came, lost, nobodys, skipped }: Rebuilt): string {
  const messages = (count: number): string => counted(count, ['message', 'messages'], ['message', 'messages'])
  const parts: string[] = []
  if (came > 0)
    parts.push(
      say(
        `${messages(came)} came back from the segments, each in the mailbox it arrived in, with the flags it arrived with; mail that was moved or expunged since may be among it. Mailboxes have a new UIDVALIDITY: clients fetch everything anew`,
        `revenu des segments : ${messages(came)}, chacun dans le dossier où il était arrivé, avec ses marques d’alors ; du courrier déplacé ou supprimé depuis peut s’y trouver. Les dossiers ont un nouvel UIDVALIDITY : les clients relisent tout`,
      ),
    )
  if (lost > 0)
    parts.push(
      say(
        `${messages(lost)} cannot be brought back: the bytes are missing or damaged. A backup may have them`,
        `perdu : ${messages(lost)}, les octets manquent ou sont endommagés. Une sauvegarde les a peut-être`,
      ),
    )
  if (nobodys > 0)
    parts.push(
      say(
        `${messages(nobodys)} of an account that is no more stayed in the segments`,
        `resté dans les segments : ${messages(nobodys)} d’un compte qui n’existe plus`,
      ),
    )
  if (skipped > 0)
    parts.push(
      say(
        `${formatBytes(skipped)} of the segments cannot be read; what they were is not known`,
        `illisible dans les segments : ${formatBytes(skipped)}, on ne sait pas ce que c’était`,
      ),
    )
  return parts.join('; ')
}
