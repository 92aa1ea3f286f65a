/** `malle history`: what happened to a message, and who did it. @module */
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import type { HistoryEventView, HistoryView, PlaceView } from '#server/gone-views.ts'
import type { QueueHistoryView } from '#server/queue-views.ts'
import type { TransactionView } from '#server/transaction-views.ts'
import { type Administration, VerbRefused } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { formatTime, say } from './language.ts'
import { oneLine } from './mail-text.ts'
import { formatQueueHistory } from './queue-words.ts'
import { formatTable } from './table.ts'

export function historyCommand(): Command {
  return withListing(new Command('history'))
    .argument(
      '<address>',
      say('of the account; or the ID of an SMTP reply alone', 'du compte ; ou seul, l’ID d’une réponse SMTP'),
    )
    .argument(
      '[message]',
      say(
        'Message-ID, EMAILID, UID in --mailbox, or the ID of the SMTP reply',
        'Message-ID, EMAILID, UID dans --mailbox, ou ID de la réponse SMTP',
      ),
    )
    .description(
      say(
        'tell what happened to a message: delivered, read, flagged, moved, deleted, restored, and by whom; or each try to send it',
        'dire ce qui est arrivé à un message : remis, lu, marqué, déplacé, supprimé, restauré, et par qui ; ou chaque essai d’envoi',
      ),
    )
    .option('--mailbox <name>', say('where the UID is meant', 'dossier de l’UID'))
    .action(
      async (address: string, message: string | undefined, options: CommonOptions & { readonly mailbox?: string }) => {
        const found = await administer(options, (admin) => asked(admin, address, message, options.mailbox ?? null))
        if ('tries' in found) show(options, found, () => formatQueueHistory(found))
        else if ('sent' in found) show(options, found, () => everywhere(found))
        else show(options, found, () => found.map((one) => told(one, address)).join('\n\n'))
      },
    )
}

function asked(
  admin: Administration,
  address: string,
  message: string | undefined,
  mailbox: string | null,
): Promise<readonly HistoryView[] | QueueHistoryView | TransactionView> {
  return message === undefined ? ofTransaction(admin, address) : kept(admin, address, message, mailbox)
}

/** By the id of its SMTP reply, whoever got it. */
function ofTransaction(admin: Administration, id: string): Promise<TransactionView> {
  if (!id.includes('@')) return admin.ask('history.transaction', { id })
  throw new CliError(
    EXIT.usage,
    say('Say which message of that account.', 'Dites de quel message de ce compte il s’agit.'),
  )
}

/** In the account; else what it sent under that id. */
async function kept(
  admin: Administration,
  address: string,
  message: string,
  mailbox: string | null,
): Promise<readonly HistoryView[] | QueueHistoryView> {
  try {
    return await admin.ask('history', { address, message, mailbox })
  } catch (error) {
    if (!(error instanceof VerbRefused) || error.refusal.kind !== 'no-such-message') throw error
    const sent = await admin.ask('queue.show', { id: message }).catch((refused: unknown) => {
      if (refused instanceof VerbRefused) return undefined
      throw refused
    })
    if (sent?.account !== address.toLowerCase()) throw error
    return sent
  }
}

function everywhere({ kept: here, sent }: TransactionView): string {
  return [
    ...here.map((one) => `${oneLine(one.address)}\n${told(one, one.address)}`),
    ...sent.map(formatQueueHistory),
  ].join('\n\n')
}

function told({ emailId, messageId, subject, from, places, events }: HistoryView, address: string): string {
  const now =
    places.length === 0
      ? say('It is in no mailbox now.', 'Il n’est dans aucun dossier.')
      : say(`It is in ${places.map(placeName).join(', ')}.`, `Il est dans ${places.map(placeName).join(', ')}.`)
  return [
    `${emailId} ${oneLine(messageId ?? '')}`.trim(),
    oneLine(`${from}: ${subject}`),
    '',
    formatTable(
      [say('WHEN', 'QUAND'), say('WHAT', 'QUOI'), say('WHERE', 'OÙ'), say('BY', 'PAR')],
      events.map((event) => [
        secondOf(event.at),
        oneLine(whatOf(event)),
        oneLine(whereOf(event)),
        oneLine(whoOf(event, address)),
      ]),
    ),
    '',
    now,
  ].join('\n')
}

/** By the clock of this machine, with seconds: events come in quick succession. */
function secondOf(at: string): string {
  return `${formatTime(at)}:${String(new Date(at).getSeconds()).padStart(2, '0')}`
}

const KINDS = {
  delivered: say('delivered', 'remis'),
  arrived: say('arrived', 'arrivé'),
  appended: say('added', 'ajouté'),
  copied: say('copied', 'copié'),
  moved: say('moved', 'déplacé'),
  flags: say('flags', 'drapeaux'),
  expunged: say('deleted', 'supprimé'),
  fetched: say('downloaded', 'téléchargé'),
  replaced: say('replaced', 'remplacé'),
  'mailbox-deleted': say('deleted with the mailbox', 'supprimé avec le dossier'),
  restored: say('restored', 'restauré'),
} as const

/** Flags that have a word of their own when they alone are set or taken away. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['+\\Seen', say('read', 'lu')],
  ['-\\Seen', say('marked unread', 'marqué non lu')],
  ['+\\Flagged', say('flagged', 'marqué important')],
  ['-\\Flagged', say('flag removed', 'marque retirée')],
  ['+\\Answered', say('answered', 'répondu')],
  ['+\\Deleted', say('marked as deleted', 'marqué supprimé')],
  ['-\\Deleted', say('not marked as deleted any more', 'n’est plus marqué supprimé')],
])

function whatOf({ kind, flags }: HistoryEventView): string {
  if (kind !== 'flags' || flags === null) return KINDS[kind]
  return WORDS.get(flags) ?? `${KINDS.flags} ${flags}`
}

function placeName({ mailbox, uid }: PlaceView): string {
  return `${mailbox ?? say('a mailbox that is gone', 'un dossier disparu')} (UID ${uid})`
}

function whereOf(event: HistoryEventView): string {
  const from = placeName(event)
  return event.to === null ? from : `${from} → ${placeName(event.to)}`
}

function whoOf({ by, session, peer, account, appPassword, sender, checks }: HistoryEventView, owner: string): string {
  if (by === null) return '-'
  const parts = [session === null ? by : `${by} ${session}`]
  if (peer !== null) parts.push(say(`from ${peer}`, `depuis ${peer}`))
  if (account !== null && account !== owner.toLowerCase()) parts.push(account)
  if (appPassword !== null)
    parts.push(say(`app password "${appPassword}"`, `mot de passe d’application « ${appPassword} »`))
  if (sender !== null)
    parts.push(sender === '' ? say('no sender', 'sans expéditeur') : say(`sender ${sender}`, `expéditeur ${sender}`))
  if (checks !== null) parts.push(say(`checks: ${checks}`, `vérifications : ${checks}`))
  return parts.join(', ')
}
