/** `malle history`: what happened to a message, and who did it. @module */
import { Command } from 'commander'
import type { HistoryEventView, HistoryView, PlaceView } from '#server/gone-views.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { formatTime, say } from './language.ts'
import { oneLine } from './mail-text.ts'
import { formatTable } from './table.ts'

export function historyCommand(): Command {
  return withListing(new Command('history'))
    .argument('<address>')
    .argument(
      '<message>',
      say('Message-ID, EMAILID, or UID in --mailbox', 'Message-ID, EMAILID, ou UID dans --mailbox'),
    )
    .description(
      say(
        'tell what happened to a message: delivered, read, flagged, moved, deleted, restored, and by whom',
        'dire ce qui est arrivé à un message : remis, lu, marqué, déplacé, supprimé, restauré, et par qui',
      ),
    )
    .option('--mailbox <name>', say('where the UID is meant', 'dossier de l’UID'))
    .action(async (address: string, message: string, options: CommonOptions & { readonly mailbox?: string }) => {
      const args = { address, message, mailbox: options.mailbox ?? null }
      const histories = await administer(options, (admin) => admin.ask('history', args))
      show(options, histories, () => histories.map((one) => told(one, address)).join('\n\n'))
    })
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
