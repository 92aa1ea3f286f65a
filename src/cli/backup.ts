/** `malle backup` and `malle restore`. @module */
import path from 'node:path'
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import type { RestoreArgs, RestoreView } from '#server/verbs.ts'
import type { BackupReport } from '#transfer/backup/backup.ts'
import { BackupRefused } from '#transfer/backup/format.ts'
import type { RestoreReport } from '#transfer/backup/restore.ts'
import { type VerifyReport, verifyBackup } from '#transfer/backup/verify.ts'
import { CliError } from './cli-error.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { counted, formatBytes, say } from './language.ts'
import { confirmed } from './options.ts'
import { reasonOf, systemCode } from './reasons.ts'
import { exitCodeOf, sentenceOf } from './refusals.ts'

export function backupCommand(): Command {
  return withListing(new Command('backup'))
    .argument('<folder>')
    .description(
      say(
        'copy everything that has changed into a backup, also while the server runs',
        'copier dans une sauvegarde tout ce qui a changé, même pendant que le serveur tourne',
      ),
    )
    .option(
      '--verify',
      say(
        'read the whole backup and compare checksums',
        'relire toute la sauvegarde et comparer les sommes de contrôle',
      ),
    )
    .action(async (folder: string, options: CommonOptions & { readonly verify?: boolean }) => {
      const target = path.resolve(folder)
      if (options.verify === true) return verify(target, options)
      const args = { path: target }
      const report = await administer(options, (admin) => admin.ask('backup', args, progressLine<BackupReport>()))
      endProgress()
      show(options, report, () => formatBackup(report, target))
      if (report.unreadable.length > 0) process.exitCode = EXIT.failed
    })
}

function formatBackup(report: BackupReport, target: string): string {
  const lines = report.unreadable.map((line) =>
    say(`Cannot be read any more: ${line}`, `Ne peut plus être lu : ${line}`),
  )
  const all = `${messages(report.messages)} (${formatBytes(report.bytes)})`
  const accounts = counted(report.accounts, ['account', 'accounts'], ['compte', 'comptes'])
  lines.push(say(`${target} holds ${accounts}, ${all}.`, `${target} contient ${accounts}, ${all}.`))
  lines.push(
    report.changed === 0
      ? say('Nothing has changed since the last run.', 'Rien n’a changé depuis la dernière fois.')
      : say(
          `Changed: ${report.changed} of them; copied now: ${messages(report.copied)}, ${formatBytes(report.written)} written.`,
          `Modifiés : ${report.changed} ; copié cette fois : ${messages(report.copied)}, ${formatBytes(report.written)} écrits.`,
        ),
  )
  return lines.join('\n')
}

async function verify(target: string, options: CommonOptions): Promise<void> {
  const report = await verifyBackup(target, progressLine<VerifyReport>()).catch((error: unknown) => {
    if (error instanceof BackupRefused) throw new CliError(exitCodeOf(error.refusal), sentenceOf(error.refusal))
    const reason = reasonOf(error)
    if (reason === undefined) throw error
    const code = systemCode(error) === 'ENOENT' ? EXIT.noSuchThing : EXIT.notAllowed
    throw new CliError(code, say(`Cannot read ${target}: ${reason}.`, `Impossible de lire ${target} : ${reason}.`))
  })
  endProgress()
  show(options, report, () =>
    [
      ...report.damaged,
      report.damaged.length === 0
        ? say(
            `The backup of ${when(report.finished)} is whole: ${messages(report.messages)}, ${formatBytes(report.bytes)}.`,
            `La sauvegarde du ${when(report.finished)} est entière : ${messages(report.messages)}, ${formatBytes(report.bytes)}.`,
          )
        : say(
            'The backup is damaged. Run "malle backup" into another folder; "malle restore" still takes what can be read.',
            'La sauvegarde est endommagée. Lancez « malle backup » vers un autre dossier ; « malle restore » prend encore ce qui est lisible.',
          ),
    ].join('\n'),
  )
  if (report.damaged.length > 0) process.exitCode = EXIT.failed
}

interface RestoreOptions extends CommonOptions {
  readonly account?: string
  readonly into?: string
  readonly mailbox: string
  readonly dryRun?: boolean
  readonly yes?: boolean
}

export function restoreCommand(): Command {
  return withListing(new Command('restore'))
    .argument('<folder>')
    .description(
      say(
        'bring back a backup: everything into an empty installation, or one account',
        'rétablir une sauvegarde : tout dans une installation vide, ou un seul compte',
      ),
    )
    .option('--account <address>', say('only this one, as it was', 'seulement celui-ci, tel qu’il était'))
    .option(
      '--into <address>',
      say('its mail beside what this account has', 'son courrier, à côté de celui de ce compte'),
    )
    .option('--mailbox <name>', say('where --into puts it', 'où --into le place'), 'Restored')
    .option('--dry-run', say('say what would be done', 'dire ce qui serait fait'))
    .option('--yes', say('do not ask', 'ne pas demander'))
    .action(async (folder: string, options: RestoreOptions) => {
      if (options.into !== undefined && options.account === undefined)
        throw new CliError(
          EXIT.usage,
          say('--into needs --account: whose mail it is.', '--into demande --account : de qui est le courrier.'),
        )
      const args: RestoreArgs = {
        path: path.resolve(folder),
        address: options.account ?? null,
        into: options.into ?? null,
        mailbox: options.mailbox,
        dryRun: options.dryRun === true,
      }
      const view = await administer(options, async (admin) => {
        if (!args.dryRun && args.address !== null && args.into === null) {
          const would = await admin.ask('restore', { ...args, dryRun: true })
          if ((would.replaces ?? 0) > 0) await confirmed(options.yes, question(args.address, would))
        }
        return admin.ask('restore', args, progressLine<RestoreReport>())
      })
      endProgress()
      show(options, view, () => formatRestore(view, args))
      if (view.lost.length > 0) process.exitCode = EXIT.failed
    })
}

function question(address: string, { replaces, taken, messages: count }: RestoreView): string {
  return say(
    `Put ${address} back to ${when(taken)} (${messages(count)})? Its ${messages(replaces ?? 0)} of now go, with all mail since then; --into keeps them.`,
    `Ramener ${address} au ${when(taken)} (${messages(count)}) ? Son contenu actuel (${messages(replaces ?? 0)}) disparaît, avec tout le courrier reçu depuis ; --into le garde.`,
  )
}

function formatRestore(view: RestoreView, { address, into, mailbox }: RestoreArgs): string {
  const mail = `${messages(view.messages)} (${formatBytes(view.bytes)})`
  const lost = view.lost.map((line) => say(`Lost: ${line}`, `Perdu : ${line}`))
  const accounts = counted(view.accounts, ['account', 'accounts'], ['compte', 'comptes'])
  const moment = when(view.taken)
  if (!view.done) {
    if (address === null)
      return say(`Would bring back ${accounts} as of ${moment}.`, `À rétablir : ${accounts}, état du ${moment}.`)
    const goes =
      view.replaces === null
        ? ''
        : say(
            ` What ${address} has now goes: ${messages(view.replaces)}.`,
            ` Le contenu actuel de ${address} disparaît : ${messages(view.replaces)}.`,
          )
    return say(
      `Would bring back ${messages(view.messages)} of ${address} as of ${moment}.${goes}`,
      `À rétablir : ${messages(view.messages)} de ${address}, état du ${moment}.${goes}`,
    )
  }
  const done =
    address === null
      ? say(
          `Brought back ${accounts} with ${mail}, as of ${moment}.`,
          `Rétabli : ${accounts} avec ${mail}, état du ${moment}.`,
        )
      : into === null
        ? say(`${address} is as it was at ${moment}: ${mail}.`, `${address} est dans l’état du ${moment} : ${mail}.`)
        : say(
            `Brought ${mail} of ${address} into ${into}, below "${mailbox}".`,
            `Courrier de ${address} placé dans ${into}, sous « ${mailbox} » : ${mail}.`,
          )
  return [...lost, done].join('\n')
}

function messages(count: number): string {
  return counted(count, ['message', 'messages'], ['message', 'messages'])
}

/** A moment, in UTC, as both languages read it. */
function when(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`
}

/** Rewrites one line on a terminal, says nothing elsewhere. */
function progressLine<T extends { readonly messages: number; readonly bytes: number }>(): (value: unknown) => void {
  return (value) => {
    if (!process.stderr.isTTY) return
    const { messages: count, bytes } = value as T
    process.stderr.write(`\r\u001b[K${count} · ${formatBytes(bytes)}`)
  }
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}
