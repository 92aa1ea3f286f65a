/** `malle account`. @module */
import { Command, Option } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import type { AccountView } from '#server/verbs.ts'
import { type Pop3SetOptions, pop3Of, pop3Rows, withPop3 } from './account-pop3.ts'
import { type SendingSetOptions, sendingOf, sendingRows, withSending } from './account-sending.ts'
import { CliError } from './cli-error.ts'
import { administer, type CommonOptions, print, show, withConfig, withListing } from './context.ts'
import { counted, formatBytes, formatTime, say } from './language.ts'
import {
  confirmed,
  type PasswordOptions,
  parseCount,
  parseProtocols,
  parseSize,
  readPassword,
  readText,
} from './options.ts'
import { formatTable } from './table.ts'

interface AddOptions extends CommonOptions, PasswordOptions {
  readonly from?: string
  readonly dryRun?: boolean
  readonly name?: string
  readonly password: boolean
  readonly protocols?: string
  readonly quota?: string
  readonly messages?: string
}

const ONE_OR_MANY = say(
  'Give an address or --from FILE, one of them.',
  'Indiquez une adresse ou --from FICHIER, l’un des deux.',
)

interface MoveOptions extends CommonOptions {
  readonly shard: string
  readonly leaveUnreadable?: boolean
}

interface SetOptions extends CommonOptions, PasswordOptions, Pop3SetOptions, SendingSetOptions {
  readonly name?: string
  readonly newPassword?: boolean
  readonly protocols?: string
  readonly quota?: string
  readonly messages?: string
  readonly enable?: boolean
  readonly disable?: boolean
  readonly administrator?: 'yes' | 'no'
}

export function accountCommand(): Command {
  const account = new Command('account').description(say('accounts that people log in to', 'comptes de messagerie'))
  addCommand(account)
  withListing(account.command('list'))
    .description(say('list the accounts', 'lister les comptes'))
    .option('--domain <name>', say('only of this domain', 'de ce domaine seulement'))
    .action(async (options: CommonOptions & { readonly domain?: string }) => {
      const args = options.domain === undefined ? {} : { domain: options.domain }
      const accounts = await administer(options, (admin) => admin.ask('account.list', args))
      show(options, accounts, () => formatAccounts(accounts))
    })
  withListing(account.command('show <address>'))
    .description(say('show one account', 'afficher un compte'))
    .action(async (address: string, options: CommonOptions) => {
      const found = await administer(options, (admin) => admin.ask('account.show', { address }))
      show(options, found, () => formatAccount(found))
    })
  setCommand(account)
  withListing(account.command('move <address>'))
    .description(say('move an account to another shard', 'déplacer un compte vers une autre partition'))
    .requiredOption('--shard <number>', say('where it goes, from 0', 'sa destination, à partir de 0'))
    .option(
      '--leave-unreadable',
      say('also when mail is lost that cannot be read any more', 'même si du courrier devenu illisible est perdu'),
    )
    .action(async (address: string, options: MoveOptions) => {
      const shard = parseCount(options.shard)
      if (shard === null)
        throw new CliError(
          EXIT.usage,
          say('A shard has a number, from 0.', 'Une partition a un numéro, à partir de 0.'),
        )
      const moved = await administer(options, (admin) =>
        admin.ask('account.move', { address, shard, leaveUnreadable: options.leaveUnreadable === true }),
      )
      show(options, moved, () =>
        say(
          `Moved ${address} from shard ${moved.shard} to ${shard}: ${moved.messages} messages, ${formatBytes(moved.bytes)}.`,
          `${address} est passé de la partition ${moved.shard} à la ${shard} : ${moved.messages} messages, ${formatBytes(moved.bytes)}.`,
        ),
      )
      if (moved.unreadable === 0) return
      process.exitCode = EXIT.failed
      process.stderr.write(
        `${say(
          `${moved.unreadable} of its messages, deleted ones among them, could not be read and are gone.`,
          `${moved.unreadable} de ses messages, y compris supprimés, étaient illisibles et sont perdus.`,
        )}\n`,
      )
    })

  withConfig(account.command('remove <address>'))
    .description(say('remove an account with all its mail', 'supprimer un compte et tout son courrier'))
    .option('--yes', say('do not ask', 'ne pas demander de confirmation'))
    .action(async (address: string, options: CommonOptions & { readonly yes?: boolean }) => {
      await confirmed(
        options.yes,
        say(`Remove ${address} and all its mail?`, `Supprimer ${address} et tout son courrier ?`),
      )
      await administer(options, (admin) => admin.ask('account.remove', { address }))
      print(say(`Removed ${address}.`, `${address} supprimé.`))
    })
  return account
}

function addCommand(account: Command): void {
  withPassword(withLimits(withConfig(account.command('add [address]'))))
    .description(say('add an account', 'ajouter un compte'))
    .option('--no-password', say('app passwords only', 'mots de passe d’application seulement'))
    .option(
      '--from <file>',
      say(
        'add many from a CSV file: address, password or hash, name, quota, protocols',
        'ajouter depuis un fichier CSV : address, password ou hash, name, quota, protocols',
      ),
    )
    .option('--dry-run', say('with --from: check only', 'avec --from : vérifier seulement'))
    .action(async (address: string | undefined, options: AddOptions) => {
      if (options.from !== undefined) {
        if (address !== undefined) throw new CliError(EXIT.usage, ONE_OR_MANY)
        const csv = await readText(options.from)
        const dryRun = options.dryRun === true
        const { added } = await administer(options, (admin) => admin.ask('account.addMany', { csv, dryRun }))
        const accounts = counted(added, ['account', 'accounts'], ['compte', 'comptes'])
        print(
          dryRun
            ? say(`Nothing is wrong with the ${accounts}.`, `Vérifié, rien à redire : ${accounts}.`)
            : say(`Added ${accounts}.`, `Ajouté : ${accounts}.`),
        )
        return
      }
      if (address === undefined) throw new CliError(EXIT.usage, ONE_OR_MANY)
      const password = options.password
        ? await readPassword(options, say(`Password of ${address}`, `Mot de passe de ${address}`))
        : null
      const { quotaBytes, quotaMessages, protocols } = limitsOf(options)
      const added = await administer(options, (admin) =>
        admin.ask('account.add', {
          address,
          password,
          ...(options.name === undefined ? {} : { name: options.name }),
          ...(protocols === undefined ? {} : { protocols }),
          ...(typeof quotaBytes === 'number' ? { quotaBytes } : {}),
          ...(typeof quotaMessages === 'number' ? { quotaMessages } : {}),
        }),
      )
      print(say(`Added ${added.address}.`, `${added.address} ajouté.`))
    })
}

function setCommand(account: Command): void {
  withSending(withPop3(withPassword(withLimits(withConfig(account.command('set <address>'))))))
    .description(say('change an account', 'modifier un compte'))
    .option('--new-password', say('ask for a new password', 'demander un nouveau mot de passe'))
    .option('--enable', say('let it log in', 'permettre la connexion'))
    .addOption(
      new Option(
        '--disable',
        say('let nobody log in; mail is still received', 'interdire la connexion ; le courrier est toujours reçu'),
      ).conflicts('enable'),
    )
    .addOption(
      new Option(
        '--administrator <yes|no>',
        say('let it set quotas of everybody over IMAP', 'permettre de fixer les quotas de tous par IMAP'),
      ).choices(['yes', 'no']),
    )
    .action(async (address: string, options: SetOptions) => {
      const asked = options.newPassword === true || options.passwordStdin === true || options.passwordFile !== undefined
      const password = asked
        ? await readPassword(options, say(`New password of ${address}`, `Nouveau mot de passe de ${address}`))
        : undefined
      const { quotaBytes, quotaMessages, protocols } = limitsOf(options)
      const pop3 = pop3Of(options)
      const sending = sendingOf(options)
      const { name, enable, disable, administrator } = options
      const given = [
        password,
        quotaBytes,
        quotaMessages,
        protocols,
        pop3,
        sending,
        name,
        enable,
        disable,
        administrator,
      ]
      if (given.every((one) => one === undefined))
        throw new CliError(EXIT.usage, say('There is nothing to change.', 'Il n’y a rien à modifier.'))
      await administer(options, (admin) =>
        admin.ask('account.set', {
          address,
          ...(password === undefined ? {} : { password }),
          ...(name === undefined ? {} : { name }),
          ...(protocols === undefined ? {} : { protocols }),
          ...(pop3 === undefined ? {} : { pop3 }),
          ...sending,
          ...(enable === true ? { enabled: true } : disable === true ? { enabled: false } : {}),
          ...(administrator === undefined ? {} : { administrator: administrator === 'yes' }),
          limits: {
            ...(quotaBytes === undefined ? {} : { storageBytes: quotaBytes }),
            ...(quotaMessages === undefined ? {} : { messages: quotaMessages }),
          },
        }),
      )
      print(say(`Changed ${address}.`, `${address} modifié.`))
    })
}

function withPassword(command: Command): Command {
  return command
    .option(
      '--password-stdin',
      say('read the password from standard input', 'lire le mot de passe sur l’entrée standard'),
    )
    .addOption(
      new Option(
        '--password-file <file>',
        say('read the password from a file', 'lire le mot de passe dans un fichier'),
      ).conflicts('passwordStdin'),
    )
}

function withLimits(command: Command): Command {
  return command
    .option('--name <text>', say('display name', 'nom affiché'))
    .option('--quota <size>', say('storage, such as 10GB, or none', 'espace, par exemple 10GB, ou none'))
    .option('--messages <count>', say('number of messages, or none', 'nombre de messages, ou none'))
    .option('--protocols <list>', say('what it may be used for: imap,pop3,smtp', 'usages permis : imap,pop3,smtp'))
}

function limitsOf(options: { readonly quota?: string; readonly messages?: string; readonly protocols?: string }) {
  return {
    quotaBytes: options.quota === undefined ? undefined : parseSize(options.quota),
    quotaMessages: options.messages === undefined ? undefined : parseCount(options.messages),
    protocols: options.protocols === undefined ? undefined : parseProtocols(options.protocols),
  }
}

function formatAccounts(accounts: readonly AccountView[]): string {
  if (accounts.length === 0) return say('There are no accounts.', 'Il n’y a pas de compte.')
  return formatTable(
    [
      say('ADDRESS', 'ADRESSE'),
      say('NAME', 'NOM'),
      'MESSAGES',
      say('USED', 'OCCUPÉ'),
      'QUOTA',
      say('PROTOCOLS', 'PROTOCOLES'),
      say('STATE', 'ÉTAT'),
    ],
    accounts.map((one) => [
      one.address,
      one.name,
      one.messages,
      formatBytes(one.usedBytes),
      one.quotaBytes === null ? '-' : formatBytes(one.quotaBytes),
      one.protocols.join(','),
      one.enabled ? say('enabled', 'actif') : say('disabled', 'désactivé'),
    ]),
  )
}

function adminRow(): [string, string] {
  return [say('Administrator', 'Administrateur'), say('yes, of quotas over IMAP', 'oui, des quotas par IMAP')]
}

function formatAccount(one: AccountView): string {
  const rows: [string, string][] = [
    [say('Address', 'Adresse'), one.address],
    [say('Name', 'Nom'), one.name === '' ? '-' : one.name],
    [say('State', 'État'), one.enabled ? say('enabled', 'actif') : say('disabled', 'désactivé')],
    [say('Protocols', 'Protocoles'), one.protocols.join(', ')],
    [say('Mailboxes', 'Dossiers'), String(one.mailboxes)],
    ['Messages', one.quotaMessages === null ? String(one.messages) : `${one.messages} / ${one.quotaMessages}`],
    [
      say('Storage', 'Espace'),
      one.quotaBytes === null
        ? formatBytes(one.usedBytes)
        : `${formatBytes(one.usedBytes)} / ${formatBytes(one.quotaBytes)}`,
    ],
    ...(one.administrator ? [adminRow()] : []),
    ...pop3Rows(one),
    ...sendingRows(one),
    [say('Password', 'Mot de passe'), one.password ? say('set', 'défini') : say('none', 'aucun')],
    [say('App passwords', 'Mots de passe d’application'), String(one.appPasswords)],
    ['Shard', String(one.shard)],
    [say('Created', 'Créé'), formatTime(one.created)],
  ]
  const width = Math.max(...rows.map(([title]) => title.length))
  return rows.map(([title, value]) => `${title.padEnd(width)}  ${value}`).join('\n')
}
