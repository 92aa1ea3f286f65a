/** `malle sync`: two mailboxes, wherever they are, brought into line. @module */
import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import path from 'node:path'
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import { mailboxFilter } from '#transfer/sync/mailbox-pairs.ts'
import { SpeedLimit } from '#transfer/sync/speed-limit.ts'
import { SyncState } from '#transfer/sync/state.ts'
import { synchronise } from '#transfer/sync/sync.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import { parseSize } from './options.ts'
import { ProgressLine } from './progress.ts'
import { Signals } from './signals.ts'
import { syncSentences } from './sync-sentences.ts'
import { namedSides, type SideOptions } from './sync-sides.ts'

interface SyncOptions extends SideOptions {
  readonly twoWay?: boolean
  readonly delete?: boolean
  readonly deleteMailboxes?: boolean
  readonly yes?: boolean
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly verify?: string | true
  readonly limit?: string
  readonly connections: string
  readonly state?: string
  readonly json?: boolean
}

const several = (value: string, before: readonly string[]): readonly string[] => [...before, value]

export function syncCommand(): Command {
  return new Command('sync')
    .argument(
      '<from>',
      say('IMAP URL, store:ADDRESS or path of a Maildir', 'URL IMAP, store:ADRESSE ou chemin d’un Maildir'),
    )
    .argument('<to>', say('the same for the other end', 'de même pour l’autre côté'))
    .description(
      say(
        'copy all mailboxes of one end to the other, or keep both in line; goes on where it was stopped',
        'copier toutes les boîtes d’un côté vers l’autre, ou tenir les deux à jour ; reprend là où il en était',
      ),
    )
    .option('--two-way', say('changes go both ways', 'les changements vont dans les deux sens'))
    .option('--delete', say('deletions are carried over too', 'reporter aussi les suppressions'))
    .option(
      '--delete-mailboxes',
      say(
        'mailboxes that are gone go from the other end too',
        'supprimer aussi de l’autre côté les boîtes qui ont disparu',
      ),
    )
    .option(
      '--yes',
      say(
        'delete even where all of a mailbox, or half of all mailboxes, is gone',
        'supprimer même quand toute une boîte, ou la moitié des boîtes, a disparu',
      ),
    )
    .option('--include <name>', say('only these mailboxes (*, %)', 'seulement ces boîtes (*, %)'), several, [])
    .option('--exclude <name>', say('not these mailboxes (*, %)', 'sans ces boîtes (*, %)'), several, [])
    .option('--verify [bodies]', say('compare both ends afterwards', 'comparer les deux côtés à la fin'))
    .option('--limit <rate>', say('ceiling such as 2MB/s', 'plafond, par exemple 2MB/s'))
    .option('--connections <n>', say('mailboxes at a time', 'boîtes à la fois'), '4')
    .option(
      '--password-stdin',
      say('read the passwords from standard input, a line each', 'lire les mots de passe sur l’entrée, un par ligne'),
    )
    .option(
      '--password-file <file>',
      say('read the first password from a file', 'premier mot de passe dans un fichier'),
    )
    .option(
      '--to-password-file <file>',
      say('read the second password from a file', 'second mot de passe dans un fichier'),
    )
    .option(
      '--config <file>',
      say('configuration whose store is meant by store:', 'configuration du stockage désigné par store:'),
    )
    .option('--ca <file>', say('certificates to trust (PEM)', 'certificats de confiance (PEM)'))
    .option('--state <file>', say('records of what was copied', 'registre de ce qui a été copié'))
    .option('--dry-run', say('say what there is to do, change nothing', 'dire ce qu’il y a à faire, sans rien changer'))
    .option('--json', say('print JSON', 'afficher en JSON'))
    .action(async (from: string, to: string, options: SyncOptions) => {
      const verify = thoroughness(options.verify)
      const limit = new SpeedLimit(rate(options.limit))
      const parallel = connections(options.connections)
      await using opened = new AsyncDisposableStack()
      const [left, right] = await namedSides(from, to, options, opened)
      const signals = new Signals()
      const controller = new AbortController()
      void signals.stop.then(() => controller.abort())
      using state = new SyncState(
        path.resolve(options.state ?? defaultState(left.name, right.name)),
        left.name,
        right.name,
      )
      await using leftSide = await left.open()
      await using rightSide = await right.open()
      using line = new ProgressLine()
      const report = await synchronise({
        left: leftSide,
        right: rightSide,
        state,
        twoWay: options.twoWay === true,
        deletions: options.delete === true,
        mailboxDeletions: options.deleteMailboxes === true,
        emptyToo: options.yes === true,
        dryRun: options.dryRun === true,
        verify: options.dryRun === true ? undefined : verify,
        wanted: mailboxFilter(options.include, options.exclude),
        limit,
        parallel,
        signal: controller.signal,
        progress: (progress) => line.show(progress),
      })
      line[Symbol.dispose]()
      const wrong =
        report.refused.length + report.spared + report.sparedMailboxes > 0 ||
        report.notes.some(({ kind }) => kind !== 'gone')
      const differs = (report.verified?.differences.length ?? 0) > 0
      process.exitCode = report.stopped ? EXIT.tryAgain : wrong || differs ? EXIT.failed : EXIT.ok
      const said = { ...options, dryRun: options.dryRun === true, twoWay: options.twoWay === true }
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify({ from: left.name, to: right.name, ...report }, undefined, 2)}\n`)
      } else process.stdout.write(`${syncSentences([left.title, right.title], report, said).join('\n')}\n`)
    })
}

/** One file for each two ends, so that two of them can be at work at the same time. */
function defaultState(left: string, right: string): string {
  const base = process.env.XDG_STATE_HOME ?? path.join(homedir(), '.local', 'state')
  const name = createHash('sha256').update(`${left}\0${right}`).digest('hex').slice(0, 16)
  return path.join(base, 'malle', 'sync', `${name}.db`)
}

function thoroughness(value: string | true | undefined): 'sizes' | 'bodies' | undefined {
  if (value === undefined) return undefined
  if (value === true) return 'sizes'
  if (value === 'bodies') return value
  throw new CliError(EXIT.usage, say('Write --verify or --verify bodies.', 'Écrivez --verify ou --verify bodies.'))
}

function rate(value: string | undefined): number | undefined {
  const octets = value === undefined ? undefined : parseSize(value.replace(/\/s$/i, ''))
  if (octets === 0) throw new CliError(EXIT.usage, say('The limit is more than 0.', 'Le plafond est supérieur à 0.'))
  return octets ?? undefined
}

function connections(value: string): number {
  if (/^(?:[1-9]|[12]\d|3[0-2])$/.test(value)) return Number(value)
  throw new CliError(EXIT.usage, say('The number of connections is 1 to 32.', 'Le nombre de connexions va de 1 à 32.'))
}
