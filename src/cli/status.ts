/** `malle status`: how the server is. @module */
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import { formatEndpoint } from '#server/listeners.ts'
import type { StatusView } from '#server/verbs.ts'
import { certificateLines } from './certificate-words.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { counted, formatBytes, formatTime, say } from './language.ts'

export function statusCommand(): Command {
  return withListing(new Command('status'))
    .description(say('say how the server is', 'afficher l’état du serveur'))
    .action(async (options: CommonOptions) => {
      const [status, certificates] = await administer(options, async (admin) => [
        await admin.ask('status', {}),
        await admin.ask('certificate.list', {}),
      ])
      show(options, { ...status, certificates }, () =>
        [formatStatus(status), ...certificateLines(certificates)].join('\n'),
      )
      if (status.problems.length > 0) process.exitCode = EXIT.failed
    })
}

function formatStatus(status: StatusView): string {
  const lines = [
    status.running
      ? say(
          `Malle ${status.version} runs since ${formatTime(status.since)} (pid ${status.pid}, ${status.node}).`,
          `Malle ${status.version} fonctionne depuis le ${formatTime(status.since)} (pid ${status.pid}, ${status.node}).`,
        )
      : say(`Malle ${status.version} is stopped.`, `Malle ${status.version} est arrêté.`),
    `${[
      counted(status.domains, ['domain', 'domains'], ['domaine', 'domaines']),
      counted(status.accounts, ['account', 'accounts'], ['compte', 'comptes']),
      counted(status.connections, ['connection', 'connections'], ['connexion', 'connexions']),
    ].join(', ')}.`,
  ]
  for (const [name, endpoints] of Object.entries(status.endpoints ?? {})) {
    if (endpoints.length > 0) lines.push(`  ${name.padEnd(12)} ${endpoints.map(formatEndpoint).join(', ')}`)
  }
  for (const shard of status.shards) {
    lines.push(
      say(
        `  shard ${shard.shard}: ${shard.state}; mail ${formatBytes(shard.liveBytes)} in ${formatBytes(shard.segmentBytes)} of segments; log ${formatBytes(shard.walBytes)}`,
        `  partition ${shard.shard} : ${STATES[shard.state]} ; courrier ${formatBytes(shard.liveBytes)} dans ${formatBytes(shard.segmentBytes)} de segments ; journal ${formatBytes(shard.walBytes)}`,
      ),
    )
  }
  if (status.search.accounts > 0) lines.push(formatSearch(status.search))
  if (status.queue.messages > 0 || status.queue.holds.length > 0) lines.push(formatQueue(status.queue))
  if (status.threadRestarts > 0)
    lines.push(
      say(`Threads restarted: ${status.threadRestarts}`, `Fils d’exécution redémarrés : ${status.threadRestarts}`),
    )
  for (const { shard, state } of status.shards) if (state !== 'ok') lines.push(`! ${PROBLEMS[state](shard)}`)
  if (status.queue.failing)
    lines.push(
      say(
        '! The queue cannot be opened or written: mail for other servers is refused until it can (the log says why).',
        '! La file d’attente ne peut être ni ouverte ni écrite : le courrier pour d’autres serveurs est refusé jusque-là (le journal dit pourquoi).',
      ),
    )
  for (const list of status.silentLists)
    lines.push(
      say(
        `! The list ${list} (smtp.dnsbl) does not answer: it is left out, and asked again every few minutes.`,
        `! La liste ${list} (smtp.dnsbl) ne répond pas : elle est laissée de côté, et interrogée de nouveau toutes les quelques minutes.`,
      ),
    )
  return lines.join('\n')
}

function formatSearch({ accounts, waiting }: StatusView['search']): string {
  const indexed = counted(accounts, ['account', 'accounts'], ['compte', 'comptes'])
  const messages = counted(waiting, ['message', 'messages'], ['message', 'messages'])
  return waiting === 0
    ? say(`  search index: ${indexed}, up to date`, `  index de recherche : ${indexed}, à jour`)
    : say(
        `  search index: ${indexed}; ${messages} still to be indexed, which searches read until then`,
        `  index de recherche : ${indexed} ; ${messages} à indexer, que les recherches lisent en attendant`,
      )
}

function formatQueue({ messages, bytes, waiting, held, oldest, holds }: StatusView['queue']): string {
  const parts = [
    `${counted(messages, ['message', 'messages'], ['message', 'messages'])} (${formatBytes(bytes)})`,
    counted(
      waiting,
      ['recipient waiting', 'recipients waiting'],
      ['destinataire en attente', 'destinataires en attente'],
    ),
  ]
  if (held > 0) parts.push(say(`${held} held`, `${held} retenu${held < 2 ? '' : 's'}`))
  if (oldest !== null) parts.push(say(`the oldest of ${formatTime(oldest)}`, `le plus ancien du ${formatTime(oldest)}`))
  if (holds.some(({ kind }) => kind === 'all'))
    parts.push(say('paused ("malle queue resume")', 'en pause (« malle queue resume »)'))
  return say(`  queue: ${parts.join(', ')}`, `  file d’attente : ${parts.join(', ')}`)
}

const STATES = { ok: 'ok', full: 'pleine', 'read-only': 'en lecture seule', failed: 'en panne' } as const

const PROBLEMS = {
  full: (shard: number) =>
    say(
      `Shard ${shard} has no space left: new mail is refused until there is.`,
      `La partition ${shard} n’a plus de place : le courrier est refusé tant qu’il n’y en a pas.`,
    ),
  'read-only': (shard: number) =>
    say(
      `Shard ${shard} is read-only after failed syncs: look at its disk, then restart.`,
      `La partition ${shard} est en lecture seule après des échecs d’écriture : examinez son disque, puis redémarrez.`,
    ),
  failed: (shard: number) =>
    say(`The writer of shard ${shard} is being restarted.`, `L’écrivain de la partition ${shard} redémarre.`),
} as const
