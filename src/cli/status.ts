/** `malle status`: how the server is. @module */
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import { formatEndpoint } from '#server/listeners.ts'
import type { StatusView } from '#server/verbs.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { say } from './language.ts'
import { formatBytes } from './table.ts'

export function statusCommand(): Command {
  return withListing(new Command('status'))
    .description(say('say how the server is', "dire l'état du serveur"))
    .action(async (options: CommonOptions) => {
      const status = await administer(options, (admin) => admin.ask('status', {}))
      show(options, status, () => formatStatus(status))
      if (status.problems.length > 0) process.exitCode = EXIT.failed
    })
}

function formatStatus(status: StatusView): string {
  const lines = [
    status.running
      ? say(
          `Malle ${status.version} runs since ${status.since} (pid ${status.pid}, ${status.node}).`,
          `Malle ${status.version} fonctionne depuis ${status.since} (pid ${status.pid}, ${status.node}).`,
        )
      : say(`Malle ${status.version} is stopped.`, `Malle ${status.version} est arrêté.`),
    say(
      `${status.domains} domains, ${status.accounts} accounts, ${status.connections} connections.`,
      `${status.domains} domaines, ${status.accounts} comptes, ${status.connections} connexions.`,
    ),
  ]
  for (const [name, endpoints] of Object.entries(status.endpoints ?? {})) {
    if (endpoints.length > 0) lines.push(`  ${name.padEnd(12)} ${endpoints.map(formatEndpoint).join(', ')}`)
  }
  for (const shard of status.shards) {
    lines.push(
      `  shard ${shard.shard}: ${shard.state}, ${shard.segments} segments, ${formatBytes(shard.segmentBytes)} (${formatBytes(shard.liveBytes)} live), WAL ${formatBytes(shard.walBytes)}`,
    )
  }
  if (status.threadRestarts > 0)
    lines.push(say(`Threads restarted: ${status.threadRestarts}`, `Fils redémarrés : ${status.threadRestarts}`))
  for (const problem of status.problems) lines.push(`! ${problem}`)
  return lines.join('\n')
}
