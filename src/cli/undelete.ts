/** `malle undelete`: brings deleted mail back. @module */
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import type { DeletedListing, UndeleteArgs } from '#server/gone-views.ts'
import type { Verbs } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { counted, formatBytes, formatTime, say } from './language.ts'
import { oneLine } from './mail-text.ts'
import { momentOption } from './moment.ts'
import { formatTable } from './table.ts'

interface Options extends CommonOptions {
  readonly since?: string
  readonly until?: string
  readonly asOf?: string
  readonly mailbox?: string
  readonly message?: string
  readonly into?: string
  readonly inPlace?: boolean
  readonly all?: boolean
  readonly list?: boolean
  readonly dryRun?: boolean
}

export function undeleteCommand(): Command {
  return withListing(new Command('undelete'))
    .argument('<address>')
    .description(
      say(
        'bring deleted mail back, with its flags: one message, a mailbox, or all of an account',
        'restaurer du courrier supprimé, avec ses drapeaux : un message, un dossier ou tout un compte',
      ),
    )
    .option(
      '--since <time>',
      say('deleted since then: 2h, 3d, yesterday, 2026-01-31', 'supprimé depuis : 2h, 3j, hier, 2026-01-31'),
    )
    .option('--until <time>', say('deleted before then', 'supprimé avant'))
    .option(
      '--as-of <time>',
      say('what was there at that time and is gone now', 'ce qui était là à ce moment et n’y est plus'),
    )
    .option(
      '--mailbox <name>',
      say('only from this one and those below it', 'seulement de celui-ci et de ses sous-dossiers'),
    )
    .option('--message <id>', say('only this one: Message-ID or EMAILID', 'seulement celui-ci : Message-ID ou EMAILID'))
    .option(
      '--into <name>',
      say('all into this mailbox, such as Recovered', 'tout dans ce dossier, par exemple Recovered'),
    )
    .option('--in-place', say('where it was (the default)', 'là où il était (par défaut)'))
    .option('--all', say('also what another mailbox still holds', 'aussi ce qu’un autre dossier contient encore'))
    .option('--list', say('list it, change nothing', 'l’afficher sans rien changer'))
    .option('--dry-run', say('say what would be done, change nothing', 'dire ce qui serait fait sans rien changer'))
    .action(async (address: string, options: Options) => {
      const args = argsOf(address, options)
      if (options.list === true) {
        const listing = await administer(options, (admin) => admin.ask('undelete.list', args))
        show(options, listing, () => listed(listing))
        return
      }
      const dryRun = options.dryRun === true
      const report = await administer(options, (admin) => admin.ask('undelete', { ...args, dryRun }, progressLine))
      if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
      show(options, report, () => restored(report, dryRun))
    })
}

function argsOf(address: string, options: Options): UndeleteArgs {
  const { since, until, asOf, mailbox, message, into } = options
  if (since === undefined && asOf === undefined && message === undefined)
    throw new CliError(
      EXIT.usage,
      say(
        'Say what is to come back: --since TIME, --as-of TIME or --message ID.',
        'Dites ce qui doit revenir : --since MOMENT, --as-of MOMENT ou --message ID.',
      ),
    )
  if (since !== undefined && asOf !== undefined)
    throw new CliError(
      EXIT.usage,
      say('Give either --since or --as-of, not both.', 'Donnez --since ou --as-of, pas les deux.'),
    )
  if (into !== undefined && options.inPlace === true)
    throw new CliError(
      EXIT.usage,
      say('Give either --into or --in-place, not both.', 'Donnez --into ou --in-place, pas les deux.'),
    )
  return {
    address,
    since: since === undefined ? null : momentOption(since),
    until: until === undefined ? null : momentOption(until),
    asOf: asOf === undefined ? null : momentOption(asOf),
    mailbox: mailbox ?? null,
    message: message ?? null,
    into: into ?? null,
    copies: options.all === true,
  }
}

function progressLine(value: unknown): void {
  if (!process.stderr.isTTY) return
  const { messages, bytes } = value as Verbs['undelete']['progress']
  process.stderr.write(`\r\u001b[K${messages} · ${formatBytes(bytes)}`)
}

/** What was restored, a line a mailbox, and one sentence at the end. */
function restored(report: Verbs['undelete']['value'], dryRun: boolean): string {
  const lines = report.mailboxes.map(({ from, to, messages, made }) => {
    const where = from === to ? to : `${from} → ${to}`
    const again = made ? say(', made again', ', recréé') : ''
    return `${where}: ${counted(messages, ['message', 'messages'], ['message', 'messages'])}${again}`
  })
  const what = `${counted(report.messages, ['message', 'messages'], ['message', 'messages'])} (${formatBytes(report.bytes)})`
  const boxes = counted(report.mailboxes.length, ['mailbox', 'mailboxes'], ['dossier', 'dossiers'])
  if (report.mailboxes.length === 0) lines.push(say('There is nothing to bring back.', 'Il n’y a rien à restaurer.'))
  else if (dryRun) lines.push(say(`Would bring back ${what} of ${boxes}.`, `À restaurer : ${what} de ${boxes}.`))
  else lines.push(say(`Brought back ${what} of ${boxes}.`, `Restauré : ${what} de ${boxes}.`))
  return [...lines, ...left(report.kept)].join('\n')
}

function left(kept: number): string[] {
  if (kept === 0) return []
  const n = counted(kept, ['message is', 'messages are'], ['message est', 'messages sont'])
  return [
    say(
      `${n} still in another mailbox and left there; --all brings copies back, too.`,
      `${n} encore dans un autre dossier et y reste${kept < 2 ? '' : 'nt'} ; --all restaure aussi les copies.`,
    ),
  ]
}

const HOW = {
  expunge: say('expunged', 'effacé'),
  maildrop: 'POP3',
  mailbox: say('with the mailbox', 'avec le dossier'),
  replace: say('replaced', 'remplacé'),
  move: say('moved', 'déplacé'),
} as const

function listed({ list, messages, bytes, kept, mailboxes }: DeletedListing): string {
  const lines: string[] = []
  if (list.length > 0)
    lines.push(
      formatTable(
        [
          'ID',
          say('DELETED', 'SUPPRIMÉ'),
          say('HOW', 'COMMENT'),
          say('MAILBOX', 'DOSSIER'),
          say('FROM', 'DE'),
          say('SUBJECT', 'OBJET'),
        ],
        list.map((one) => [
          one.emailId,
          formatTime(one.deleted),
          HOW[one.how],
          one.mailbox,
          oneLine(one.from),
          oneLine(one.subject),
        ]),
      ),
    )
  const what = `${counted(messages, ['message', 'messages'], ['message', 'messages'])} (${formatBytes(bytes)})`
  if (messages === 0 && mailboxes.length === 0)
    lines.push(say('There is nothing to bring back.', 'Il n’y a rien à restaurer.'))
  else lines.push(say(`${what} can come back.`, `${what} à restaurer.`))
  if (list.length < messages)
    lines.push(
      say(`Only the newest ${list.length} are listed.`, `Seuls les ${list.length} plus récents sont affichés.`),
    )
  if (mailboxes.length > 0)
    lines.push(say(`Deleted mailboxes: ${mailboxes.join(', ')}.`, `Dossiers supprimés : ${mailboxes.join(', ')}.`))
  return [...lines, ...left(kept)].join('\n')
}
