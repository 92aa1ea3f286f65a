/** `malle import` and `malle export`. @module */
import path from 'node:path'
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import type { ExportReport } from '#transfer/export.ts'
import type { ImportReport } from '#transfer/import.ts'
import { CliError } from './cli-error.ts'
import { administer, type CommonOptions, show, withListing } from './context.ts'
import { counted, formatBytes, say } from './language.ts'

export function importCommand(): Command {
  return withListing(new Command('import'))
    .argument('<address>')
    .argument('<path>')
    .description(
      say(
        'take mail from an mbox file, a Maildir or .eml files into an account',
        'importer le courrier d’un fichier mbox, d’un Maildir ou de fichiers .eml',
      ),
    )
    .option('--mailbox <name>', say('where it goes', 'destination'), 'INBOX')
    .option('--dry-run', say('read and report, change nothing', 'lire et rendre compte sans rien changer'))
    .action(
      async (
        address: string,
        source: string,
        options: CommonOptions & { readonly mailbox: string; readonly dryRun?: boolean },
      ) => {
        const args = {
          address,
          path: path.resolve(source),
          mailbox: inbox(options.mailbox),
          dryRun: options.dryRun === true,
        }
        const report = await administer(options, (admin) => admin.ask('import', args, progressLine<ImportReport>()))
        endProgress()
        show(options, report, () => {
          const what = `${counted(report.messages, ['message', 'messages'], ['message', 'messages'])} (${formatBytes(report.bytes)})`
          const where = mailboxes(report.mailboxes)
          const done = args.dryRun
            ? say(`Would import ${what} into ${where}.`, `À importer : ${what} dans ${where}.`)
            : say(`Imported ${what} into ${where}.`, `Importé : ${what} dans ${where}.`)
          const problems = report.problems.map(
            ({ origin, problem }) => `${origin}: ${PROBLEMS[problem]}${say(', left out', ', laissé de côté')}`,
          )
          return [...problems, done].join('\n')
        })
      },
    )
}

export function exportCommand(): Command {
  return withListing(new Command('export'))
    .argument('<address>')
    .argument('<path>')
    .description(say('write the mail of an account to a folder', 'écrire le courrier d’un compte dans un dossier'))
    .requiredOption('--format <format>', say('maildir or mbox', 'maildir ou mbox'))
    .option('--mailbox <name>', say('only this one', 'celui-ci seulement'))
    .action(
      async (
        address: string,
        target: string,
        options: CommonOptions & { readonly format: string; readonly mailbox?: string },
      ) => {
        const format =
          options.format === 'mbox'
            ? ('mbox' as const)
            : options.format === 'maildir'
              ? ('maildir' as const)
              : undefined
        if (format === undefined)
          throw new CliError(EXIT.usage, say('The format is maildir or mbox.', 'Le format est maildir ou mbox.'))
        const args = {
          address,
          path: path.resolve(target),
          format,
          mailbox: options.mailbox === undefined ? null : inbox(options.mailbox),
        }
        const report = await administer(options, (admin) => admin.ask('export', args, progressLine<ExportReport>()))
        endProgress()
        show(options, report, () => {
          const what = `${counted(report.messages, ['message', 'messages'], ['message', 'messages'])} (${formatBytes(report.bytes)})`
          const from = mailboxes(report.mailboxes)
          const done = say(
            `Exported ${what} of ${from} to ${args.path}.`,
            `Exporté : ${what} de ${from} vers ${args.path}.`,
          )
          if (report.keywordsLost === 0) return done
          const lost = counted(report.keywordsLost, ['message', 'messages'], ['message', 'messages'])
          return say(
            `${done}\n${lost} lost keywords: a Maildir has room for 26 in each folder.`,
            `${done}\nMots-clés perdus dans ${lost} : un Maildir n’en accepte que 26 par dossier.`,
          )
        })
      },
    )
}

const PROBLEMS = {
  'too-large': say('larger than limits.message_size', 'plus grand que limits.message_size'),
  unreadable: say('cannot be read', 'illisible'),
  empty: say('empty', 'vide'),
} as const

function mailboxes(counts: Readonly<Record<string, number>>): string {
  return counted(Object.keys(counts).length, ['mailbox', 'mailboxes'], ['dossier', 'dossiers'])
}

/** Rewrites one line on a terminal, says nothing elsewhere. */
function progressLine<T extends { readonly messages: number; readonly bytes: number }>(): (value: unknown) => void {
  return (value) => {
    if (!process.stderr.isTTY) return
    const { messages, bytes } = value as T
    process.stderr.write(`\r\u001b[K${messages} · ${formatBytes(bytes)}`)
  }
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}

/** INBOX has its name in any case (RFC 9051 §5.1). */
function inbox(name: string): string {
  return name.toUpperCase() === 'INBOX' ? 'INBOX' : name
}
