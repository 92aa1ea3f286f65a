/** What `malle migrate` says of a run. @module */

import type { MigrateReport } from '#transfer/migrate/migrate.ts'
import { counted, formatBytes, say } from './language.ts'
import { syncSentences } from './sync-sentences.ts'
import { formatTable } from './table.ts'

/** One person's run. */
export interface MigrateResult {
  readonly address: string
  readonly login: string
  readonly created: boolean
  readonly report?: MigrateReport
  /** Why it failed, and what that ends with. */
  readonly error?: string
  readonly exitCode?: number
}

export type MigrateState = 'done' | 'stopped' | 'attention' | 'ok' | 'failed'

/** How a run ended. */
export function stateOf({ report }: Pick<MigrateResult, 'report'>): MigrateState {
  if (report === undefined) return 'failed'
  if (report.stopped) return 'stopped'
  if (report.cutover) return report.done ? 'done' : 'attention'
  const { refused, spared, notes, verified, uniqueIds } = report
  const wrong =
    refused.length > 0 ||
    spared > 0 ||
    notes.some(({ kind }) => kind === 'refused') ||
    (verified?.differences.length ?? 0) > 0 ||
    (uniqueIds !== undefined && (uniqueIds.missing > 0 || !uniqueIds.inOrder))
  return wrong ? 'attention' : 'ok'
}

const STATES: Readonly<Record<MigrateState, string>> = {
  done: say('done', 'terminé'),
  stopped: say('stopped', 'arrêté'),
  attention: say('attention', 'à voir'),
  ok: 'ok',
  failed: say('failed', 'échec'),
}

/** Why a message was not taken; what a server said stays as it is. */
const REFUSALS: ReadonlyMap<string, string> = new Map([
  ['over-quota', say('the account is over its quota', 'le compte a atteint son quota')],
  ['uids-exhausted', say('the mailbox has no numbers left', 'le dossier n’a plus de numéros libres')],
  [
    'behind',
    say(
      'one before it was not taken, and their order counts; it comes with the next run',
      'un message avant lui n’a pas été pris et l’ordre compte ; il viendra à la prochaine exécution',
    ),
  ],
  ['uidl-taken', say('its unique-id is taken here', 'son identifiant (UIDL) est déjà pris ici')],
])

/** What was done for one person. */
export function migrateSentences(result: MigrateResult, dryRun: boolean): string[] {
  const { address, login, report, created } = result
  if (report === undefined) return []
  const said: string[] = []
  if (created) said.push(say(`Added ${address}.`, `${address} ajouté.`))
  const refused = report.refused.map((each) => ({
    ...each,
    from: 'left' as const,
    why: REFUSALS.get(each.why) ?? each.why,
  }))
  const all = syncSentences([login, address], { ...report, refused }, { dryRun, twoWay: false })
  const closing = all.pop() ?? ''
  said.push(...all, ...pop3Sentences(report))
  if (report.touched > 0)
    said.push(
      say(
        `${messages(report.touched)} gone there: kept, as changed here since or as wished.`,
        `${messages(report.touched)} disparus là-bas : gardés, car modifiés ici depuis ou selon votre souhait.`,
      ),
    )
  if (report.putBehind > 0)
    said.push(
      say(
        `${messages(report.putBehind)} that came here directly put behind the others.`,
        `${messages(report.putBehind)} arrivés ici directement, rangés après les autres.`,
      ),
    )
  said.push(closing)
  if (report.cutover && !report.stopped && !dryRun)
    said.push(
      report.done
        ? say(`Done: all of ${login} is here.`, `Terminé : tout ${login} est ici.`)
        : say(`Not done: see above, and run it again.`, `Pas terminé : voir ci-dessus, puis recommencez.`),
    )
  return said
}

function pop3Sentences({ maildrop, pop3Trouble, uniqueIds }: MigrateReport): string[] {
  const said: string[] = []
  if (pop3Trouble === 'refused')
    said.push(
      say(
        'POP3 does not let this person in there: only IMAP was used.',
        'POP3 y est fermé à cette personne : seul IMAP a servi.',
      ),
    )
  if (pop3Trouble === 'no-unique-ids')
    said.push(
      say(
        'The POP3 server has no UIDL: there is nothing to keep for its programs.',
        'Le serveur POP3 n’a pas UIDL : rien à garder pour ses programmes.',
      ),
    )
  if (maildrop === undefined) return said
  const { ambiguous, pop3Only, imapOnly, unusable } = maildrop
  if (pop3Only > 0)
    said.push(
      say(
        `${messages(pop3Only)} POP3 alone shows: fetched over POP3, without flags.`,
        `${messages(pop3Only)} visibles par POP3 seul : relevés par POP3, sans marques.`,
      ),
    )
  if (imapOnly > 0)
    said.push(
      say(
        `${messages(imapOnly)} of INBOX POP3 does not show: no unique-id to keep.`,
        `${messages(imapOnly)} de INBOX que POP3 ne montre pas : pas d’identifiant à garder.`,
      ),
    )
  if (ambiguous > 0)
    said.push(
      say(
        `${messages(ambiguous)} with the same header as another: told apart by size and order.`,
        `${messages(ambiguous)} avec le même en-tête qu’un autre : distingués par la taille et l’ordre.`,
      ),
    )
  if (unusable.length > 0)
    said.push(
      say(
        `Unique-ids that cannot be kept, as two have them or as they are none: ${unusable.slice(0, 5).join(', ')}.`,
        `Identifiants impossibles à garder, en double ou invalides : ${unusable.slice(0, 5).join(', ')}.`,
      ),
    )
  if (uniqueIds !== undefined) {
    const { compared, missing, inOrder } = uniqueIds
    const ids = counted(compared, ['unique-id', 'unique-ids'], ['identifiant', 'identifiants'])
    said.push(
      missing > 0
        ? say(`${missing} of ${ids} are not here.`, `${missing} de ${ids} ne sont pas ici.`)
        : inOrder
          ? say(`${ids} kept, in the same order.`, `${ids} gardés, dans le même ordre.`)
          : say(`${ids} kept, in another order.`, `${ids} gardés, dans un autre ordre.`),
    )
  }
  return said
}

/** Everybody of a list. */
export function migrateTable(results: readonly MigrateResult[]): string {
  return formatTable(
    [
      say('ADDRESS', 'ADRESSE'),
      say('STATE', 'ÉTAT'),
      say('NEW', 'NOUVEAUX'),
      say('SIZE', 'TAILLE'),
      say('FLAGS', 'MARQUES'),
      say('DELETED', 'SUPPRIMÉS'),
      'UIDL',
      say('REMARKS', 'REMARQUES'),
    ],
    results.map((result) => {
      const { address, report } = result
      if (report === undefined) return [address, STATES.failed, '-', '-', '-', '-', '-', '']
      const { copied, octets, flagged, removed, uniqueIds, refused } = report
      const remarks: string[] = []
      if (refused.length > 0) remarks.push(say(`${refused.length} not copied`, `${refused.length} non copiés`))
      if (report.spared > 0) remarks.push(say(`${report.spared} spared`, `${report.spared} épargnés`))
      const differences = report.verified?.differences.length ?? 0
      if (differences > 0) remarks.push(say(`${differences} differences`, `${differences} différences`))
      if (uniqueIds?.inOrder === false) remarks.push(say('another order', 'autre ordre'))
      if (report.pop3Trouble !== undefined) remarks.push(say('without POP3', 'sans POP3'))
      return [
        address,
        STATES[stateOf(result)],
        copied,
        formatBytes(octets),
        flagged,
        removed,
        uniqueIds === undefined ? '-' : uniqueIds.compared - uniqueIds.missing,
        remarks.join(', '),
      ]
    }),
  )
}

function messages(count: number): string {
  return counted(count, ['message', 'messages'], ['message', 'messages'])
}
