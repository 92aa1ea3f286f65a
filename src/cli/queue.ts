/** `malle queue`: mail on its way to other servers. @module */
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import { type QueueFilterArgs, RECIPIENTS_LISTED } from '#server/queue-views.ts'
import { CliError } from './cli-error.ts'
import { administer, type CommonOptions, print, show, withConfig, withListing } from './context.ts'
import { counted, say } from './language.ts'
import { confirmed } from './options.ts'
import { formatQueued, formatQueueHistory, formatStandingHold } from './queue-words.ts'

interface FilterOptions extends CommonOptions {
  readonly account?: string
  readonly domain?: string
  readonly held?: boolean
  readonly all?: boolean
}

const MOST_LISTED = 1_000

export function queueCommand(): Command {
  const queue = new Command('queue').description(
    say('mail on its way to other servers', 'courrier en route vers d’autres serveurs'),
  )
  withFilter(withListing(queue.command('list')))
    .description(
      say(
        'list what waits, for whom, and what the other servers said',
        'lister ce qui attend, pour qui, et ce qu’ont dit les autres serveurs',
      ),
    )
    .option('--held', say('only what is held', 'seulement ce qui est retenu'))
    .action(list)
  withListing(queue.command('show <id>'))
    .description(
      say(
        'show one message with every try, also when it has left the queue',
        'afficher un message et chaque essai, même sorti de la file d’attente',
      ),
    )
    .action(async (id: string, options: CommonOptions) => {
      const found = await administer(options, (admin) => admin.ask('queue.show', { id }))
      show(options, found, () => formatQueueHistory(found))
    })
  withFilter(withConfig(queue.command('hold [id...]')))
    .description(
      say(
        'hold messages; of an account or to a domain, also those that come',
        'retenir des messages ; d’un compte ou vers un domaine, ceux à venir aussi',
      ),
    )
    .action(async (ids: readonly string[], options: FilterOptions) => {
      const args = chosen(ids, options)
      const { recipients } = await administer(options, (admin) => admin.ask('queue.hold', args))
      print(`${ofRecipients(recipients, say('Held', 'Retenu'))}.`)
    })
  withFilter(withConfig(queue.command('release [id...]')))
    .description(say('let go what is held', 'laisser partir ce qui est retenu'))
    .action(async (ids: readonly string[], options: FilterOptions) => {
      const args = chosen(ids, options)
      const { recipients } = await administer(options, (admin) => admin.ask('queue.release', args))
      print(`${ofRecipients(recipients, say('Released', 'Libéré'))}.`)
    })
  withFilter(withConfig(queue.command('retry [id...]')))
    .description(say('try again at once', 'réessayer tout de suite'))
    .option('--all', say('everything that waits', 'tout ce qui attend'))
    .action(async (ids: readonly string[], options: FilterOptions) => {
      const args = chosen(ids, options)
      const { recipients } = await administer(options, (admin) => admin.ask('queue.retry', args))
      print(`${ofRecipients(recipients, say('Due at once', 'À essayer tout de suite'))}.`)
    })
  withFilter(withConfig(queue.command('drop [id...]')))
    .description(
      say('remove messages for good; their senders are not told', 'supprimer des messages, sans prévenir l’expéditeur'),
    )
    .option('--held', say('only what is held', 'seulement ce qui est retenu'))
    .option('--all', say('everything', 'tout'))
    .option('--dry-run', say('say what would be removed', 'dire ce qui serait supprimé'))
    .option('--yes', say('do not ask', 'ne pas demander de confirmation'))
    .action(drop)
  withConfig(queue.command('pause'))
    .description(say('hold everything, also what comes', 'tout retenir, ce qui vient aussi'))
    .action(async (options: CommonOptions) => {
      await administer(options, (admin) => admin.ask('queue.pause', {}))
      print(
        say(
          'Nothing is sent any more until "malle queue resume". Mail is still taken.',
          'Plus rien ne part jusqu’à « malle queue resume ». Le courrier est toujours accepté.',
        ),
      )
    })
  withConfig(queue.command('resume'))
    .description(say('end a pause', 'mettre fin à la pause'))
    .action(async (options: CommonOptions) => {
      await administer(options, (admin) => admin.ask('queue.resume', {}))
      print(say('Mail goes out again.', 'Le courrier repart.'))
    })
  return queue
}

function withFilter(command: Command): Command {
  return command
    .option('--account <address>', say('sent by this account', 'envoyés par ce compte'))
    .option('--domain <name>', say('for recipients of this domain', 'pour les destinataires de ce domaine'))
}

async function list(options: FilterOptions): Promise<void> {
  const { messages, holds } = await administer(options, async (admin) => ({
    messages: await admin.ask('queue.list', { ...filterOf([], options), limit: MOST_LISTED }),
    holds: (await admin.ask('status', {})).queue.holds,
  }))
  show(options, messages, () => {
    const lines = messages.map(formatQueued)
    if (messages.length === 0) lines.push(say('Nothing waits.', 'Rien n’attend.'))
    const recipients = messages.reduce((sum, message) => sum + message.recipients.length, 0)
    if (messages.length === MOST_LISTED || recipients >= MOST_LISTED * RECIPIENTS_LISTED)
      lines.push(
        say(
          `Only the oldest ${messages.length} are listed.`,
          `Seuls les ${messages.length} plus anciens sont affichés.`,
        ),
      )
    return [...lines, ...holds.map(formatStandingHold)].join('\n')
  })
}

async function drop(
  ids: readonly string[],
  options: FilterOptions & { readonly dryRun?: boolean; readonly yes?: boolean },
): Promise<void> {
  const args = chosen(ids, options)
  await administer(options, async (admin) => {
    const { recipients } = await admin.ask('queue.drop', { ...args, dryRun: true })
    const what = counted(recipients, ['recipient', 'recipients'], ['destinataire', 'destinataires'])
    if (options.dryRun === true) {
      print(say(`Would drop the mail for ${what}.`, `Serait supprimé : le courrier pour ${what}.`))
      return
    }
    await confirmed(options.yes, say(`Drop the mail for ${what}?`, `Supprimer le courrier pour ${what} ?`))
    const dropped = await admin.ask('queue.drop', { ...args, dryRun: false })
    print(`${ofRecipients(dropped.recipients, say('Dropped', 'Supprimé'))}.`)
  })
}

function ofRecipients(count: number, done: string): string {
  return `${done}${say(':', ' :')} ${counted(count, ['recipient', 'recipients'], ['destinataire', 'destinataires'])}`
}

function filterOf(ids: readonly string[], { account, domain, held }: FilterOptions): QueueFilterArgs {
  return {
    ids: ids.length === 0 ? null : ids,
    account: account?.toLowerCase() ?? null,
    domain: domain ?? null,
    held: held === true ? true : null,
  }
}

/** What a verb that changes something is about; never everything by oversight. */
function chosen(ids: readonly string[], options: FilterOptions): QueueFilterArgs {
  const args = filterOf(ids, options)
  const nothing = args.ids === null && args.account === null && args.domain === null && args.held === null
  if (nothing && options.all !== true)
    throw new CliError(
      EXIT.usage,
      say(
        'Say which messages: their IDs, --account ADDRESS or --domain NAME.',
        'Dites quels messages : leurs ID, --account ADRESSE ou --domain NOM.',
      ),
    )
  return args
}
