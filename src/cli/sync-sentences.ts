/** What `malle sync` says at the end. @module */
import type { MailboxNote } from '#transfer/sync/mailbox-pairs.ts'
import type { SyncReport } from '#transfer/sync/sync.ts'
import { counted, formatBytes, say } from './language.ts'

/** Lines of each kind; the rest is counted. */
const MOST_LINES = 20

/** What people should know, and last what was done. */
export function syncSentences(
  titles: readonly [string, string],
  report: SyncReport,
  { dryRun, twoWay }: { readonly dryRun: boolean; readonly twoWay: boolean },
): string[] {
  const said: string[] = []
  const several = <T>(items: readonly T[], line: (item: T) => string): void => {
    said.push(...items.slice(0, MOST_LINES).map(line))
    const more = items.length - MOST_LINES
    if (more > 0) said.push(say(`… and ${more} more.`, `… et ${more} de plus.`))
  }
  several(report.notes, (note) => noteSentence(note, titles))
  several(report.refused, ({ mailbox, key, why }) =>
    say(
      `Message ${key} of ${mailbox} was not copied: ${why}`,
      `Le message ${key} de ${mailbox} n’a pas été copié : ${why}`,
    ),
  )
  several(report.renewed, (mailbox) =>
    say(
      `${mailbox} was made anew on one side: its messages were compared again, and none deleted.`,
      `${mailbox} a été recréée d’un côté : ses messages ont été comparés à nouveau, aucun n’a été supprimé.`,
    ),
  )
  if (report.spared > 0) {
    said.push(
      say(
        `Kept ${messages(report.spared)} although all of their mailbox is gone on the other side; --yes deletes them.`,
        `Gardé ${messages(report.spared)} bien que toute leur boîte ait disparu de l’autre côté ; --yes les supprime.`,
      ),
    )
  }
  if (report.sparedMailboxes > 0) {
    const boxes = counted(report.sparedMailboxes, ['mailbox', 'mailboxes'], ['boîte', 'boîtes'])
    said.push(
      say(
        `Kept ${boxes} although gone from the other side: half of all or more are gone at once; --yes deletes them.`,
        `Gardé ${boxes} bien que disparues de l’autre côté : la moitié ou plus ont disparu d’un coup ; --yes les supprime.`,
      ),
    )
  }
  const { verified } = report
  if (verified !== undefined) {
    several(verified.differences, ({ kind, mailbox, left, right }) => {
      const which = [left, right].filter((key) => key !== '' && key !== undefined).join(' / ')
      return `${mailbox}: ${which}: ${DIFFERENCES[kind]}`
    })
  }
  said.push(closing(titles, report, dryRun, twoWay))
  return said
}

const DIFFERENCES = {
  missing: say('is on one side only', 'n’est que d’un côté'),
  size: say('has another size', 'n’a pas la même taille'),
  flags: say('has other flags', 'n’a pas les mêmes marques'),
  body: say('has other bytes', 'n’a pas le même contenu'),
} as const

function noteSentence({ kind, mailbox, side, why }: MailboxNote, titles: readonly [string, string]): string {
  const title = titles[side === 'left' ? 0 : 1]
  switch (kind) {
    case 'refused':
      return say(`${title} refuses ${mailbox}: ${why}`, `${title} refuse ${mailbox} : ${why}`)
    case 'gone':
      return say(
        `${mailbox} is gone from ${title}; the other one is left as it is.`,
        `${mailbox} a disparu de ${title} ; l’autre reste en l’état.`,
      )
    case 'new-messages':
      return say(
        `${mailbox} is gone from ${title}; the other one stays, as it has messages that were never there.`,
        `${mailbox} a disparu de ${title} ; l’autre reste, car elle a des messages qui n’y ont jamais été.`,
      )
    case 'made-anew':
      return say(
        `${mailbox} is gone from ${title}; the other one stays, as it was made anew.`,
        `${mailbox} a disparu de ${title} ; l’autre reste, car elle a été recréée.`,
      )
  }
}

function closing([from, to]: readonly [string, string], report: SyncReport, dryRun: boolean, twoWay: boolean): string {
  const { copied, octets, matched, flagged, removed, made, verified } = report
  const { renamed, removedMailboxes, subscribed } = report
  const did: string[] = []
  if (copied > 0) {
    const size = octets === 0 ? '' : ` (${formatBytes(octets)})`
    did.push(say(`${messages(copied)} copied${size}`, `${messages(copied)} copiés${size}`))
  }
  if (flagged > 0) did.push(say(`flags of ${flagged} changed`, `marques de ${flagged} changées`))
  if (removed > 0) did.push(say(`${removed} deleted`, `${removed} supprimés`))
  if (made > 0) {
    const boxes = counted(made, ['mailbox', 'mailboxes'], ['boîte', 'boîtes'])
    did.push(say(`${boxes} made`, `${boxes} créées`))
  }
  if (renamed > 0) {
    const boxes = counted(renamed, ['mailbox', 'mailboxes'], ['boîte', 'boîtes'])
    did.push(say(`${boxes} renamed`, `${boxes} renommées`))
  }
  if (removedMailboxes > 0) {
    const boxes = counted(removedMailboxes, ['mailbox', 'mailboxes'], ['boîte', 'boîtes'])
    did.push(say(`${boxes} deleted`, `${boxes} supprimées`))
  }
  if (subscribed > 0) did.push(say(`subscriptions of ${subscribed} changed`, `abonnements de ${subscribed} changés`))
  if (matched > 0) did.push(say(`${matched} found on both sides`, `${matched} déjà des deux côtés`))
  if (verified !== undefined) {
    const { length } = verified.differences
    did.push(
      length === 0
        ? say(`${messages(verified.compared)} verified`, `${messages(verified.compared)} vérifiés`)
        : say(`${counted(length, ['difference', 'differences'], ['', ''])} found`, `${length} différences trouvées`),
    )
  }
  const ends = twoWay ? say(`${from} and ${to}`, `${from} et ${to}`) : say(`${from} to ${to}`, `${from} vers ${to}`)
  const boxes = counted(report.mailboxes, ['mailbox', 'mailboxes'], ['boîte', 'boîtes'])
  const nothing = say('nothing to do', 'rien à faire')
  const what = did.length === 0 ? nothing : did.join(', ')
  const head = dryRun ? say('Would do: ', 'Ferait : ') : report.stopped ? say('Stopped: ', 'Arrêté : ') : ''
  return `${head}${ends}${say(': ', ' : ')}${boxes}, ${what}.`
}

function messages(count: number): string {
  return counted(count, ['message', 'messages'], ['message', 'messages'])
}
