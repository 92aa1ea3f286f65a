/** Whose mail: a URL, an address whose servers are looked for, a name of `mail.toml`, or an account of a local store. @module */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import type { Command } from 'commander'
import * as v from 'valibot'
import { discover } from '#client/discovery/discover.ts'
import type { DiscoveredServer } from '#client/discovery/types.ts'
import { ImapClient } from '#client/imap/imap-client.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { parseSourceUrl, type SourceUrl } from '#transfer/source-url.ts'
import { CliError } from './cli-error.ts'
import { fileName, passwordOf, readToml, sourceUrl } from './collect-accounts.ts'
import { say } from './language.ts'
import { withLocalMail } from './mail-local.ts'
import { confirmed, firstLine, type PasswordOptions, readPassword, readText } from './options.ts'

/** Options of every verb of `malle mail`. */
export interface AccountFlags extends PasswordOptions {
  readonly config?: string
  readonly ca?: string
  readonly yes?: boolean
  readonly json?: boolean
}

/** A mailbox on a server, and how to get in. */
export interface MailAccount {
  readonly imap: SourceUrl
  /** Where mail is sent through, if that is known already. */
  readonly smtp: SourceUrl | undefined
  /** What stands in From, if anybody said so. */
  readonly from: string | undefined
  /** PEM. */
  readonly ca: string | undefined
  /** Asked once. */
  readonly password: () => Promise<string>
}

/** Adds the options that all verbs have. */
export function withAccount(command: Command): Command {
  return command
    .argument('<account>', say('URL, address or name of an account', 'URL, adresse ou nom d’un compte'))
    .option(
      '--config <file>',
      say('the account is in the store of this configuration', 'le compte est dans le stockage de cette configuration'),
    )
    .option('--password-stdin', say('read the password from standard input', 'lire le mot de passe sur l’entrée'))
    .option('--password-file <file>', say('read the password from a file', 'lire le mot de passe dans un fichier'))
    .option('--ca <file>', say('certificate to trust (PEM)', 'certificat de confiance (PEM)'))
    .option('--yes', say('trust what was found without asking', 'se fier à ce qui a été trouvé, sans demander'))
    .option('--json', say('print JSON', 'afficher en JSON'))
}

/** Runs the work on the account, connected. */
export async function onMail<T>(
  named: string,
  flags: AccountFlags,
  work: (client: ImapClient, account: MailAccount | undefined) => Promise<T>,
): Promise<T> {
  if (flags.config !== undefined) return withLocalMail(flags.config, named, (client) => work(client, undefined))
  const account = await mailAccount(named, flags)
  await using client = await connect(account)
  return await work(client, account)
}

function connect({ imap, ca, password }: MailAccount): Promise<ImapClient> {
  const { host, port, security, login } = imap
  return ImapClient.connect({
    host,
    ...(port === undefined ? {} : { port }),
    security,
    tls: ca === undefined ? {} : { ca },
    credentials: { login, password },
  })
}

async function mailAccount(named: string, flags: AccountFlags): Promise<MailAccount> {
  const ca = flags.ca === undefined ? undefined : await readText(flags.ca)
  if (/^[a-z0-9]+:\/\//i.test(named)) {
    return { imap: imapUrl(named), smtp: undefined, from: undefined, ca, password: asked(sourceUrl(named), flags) }
  }
  const kept = await fromFile(named, flags, ca)
  if (kept !== undefined) return kept
  if (named.includes('@')) return found(named, flags, ca)
  throw new CliError(
    EXIT.noSuchThing,
    say(
      `There is no account "${named}" in ${accountsFile()}.`,
      `Il n’y a pas de compte « ${named} » dans ${accountsFile()}.`,
    ),
  )
}

/** The password as the options say, asked for once although several servers want it. */
function asked({ login, host }: SourceUrl, flags: AccountFlags): () => Promise<string> {
  let password: Promise<string> | undefined
  return () => {
    password ??= readPassword(flags, say(`Password of ${login} at ${host}`, `Mot de passe de ${login} chez ${host}`), {
      twice: false,
    })
    return password
  }
}

function imapUrl(text: string): SourceUrl {
  const url = sourceUrl(text)
  if (url.protocol === 'imap') return url
  throw new CliError(
    EXIT.usage,
    say(
      'POP3 has no mailboxes: use IMAP here, or "malle collect".',
      'POP3 n’a pas de dossiers : utilisez IMAP ici, ou « malle collect ».',
    ),
  )
}

/** `smtps://login@host:port`, or `smtp://` for STARTTLS. */
export function smtpUrl(text: string): SourceUrl {
  const url = parseSourceUrl(text.replace(/^smtp/i, 'imap'))
  if (/^smtps?:/i.test(text) && typeof url === 'object' && url.mailbox === undefined) return url
  throw new CliError(
    EXIT.usage,
    say(
      `"${text}" is not the URL of a submission server, such as smtps://ann@example.org@smtp.example.org.`,
      `« ${text} » n’est pas l’URL d’un serveur d’envoi, comme smtps://ann@example.org@smtp.example.org.`,
    ),
  )
}

const fileSchema = v.strictObject({
  account: v.array(
    v.strictObject({
      name: v.string(),
      imap: v.string(),
      smtp: v.optional(v.string()),
      from: v.optional(v.string()),
      ca: v.optional(v.string()),
      password_file: v.optional(v.string()),
      password_command: v.optional(v.string()),
    }),
  ),
})

/** Where other programs of a person keep what they are told (XDG base directories). */
function accountsFile(): string {
  return path.join(process.env.XDG_CONFIG_HOME ?? path.join(homedir(), '.config'), 'malle', 'mail.toml')
}

/** The account of this name or login. */
async function fromFile(named: string, flags: AccountFlags, ca: string | undefined): Promise<MailAccount | undefined> {
  const file = accountsFile()
  if (!existsSync(file)) return undefined
  const checked = v.safeParse(fileSchema, readToml(file, await readText(file)))
  if (!checked.success) {
    const mistakes = checked.issues.map(({ message, path: at }) => {
      const key = (at ?? []).map(({ key: one }) => String(one)).join('.')
      return `${file}: ${key}: ${message}`
    })
    throw new CliError(EXIT.configuration, mistakes.join('\n'))
  }
  const account = checked.output.account.find(({ name }) => name === named)
  if (account === undefined) return undefined
  const folder = path.dirname(file)
  const imap = imapUrl(account.imap)
  const { password_file: passwordFile, password_command: passwordCommand } = account
  const given = flags.passwordFile !== undefined || flags.passwordStdin === true
  return {
    imap,
    smtp: account.smtp === undefined ? undefined : smtpUrl(account.smtp),
    from: account.from,
    ca: ca ?? (account.ca === undefined ? undefined : await readText(fileName(folder, account.ca))),
    password:
      passwordFile !== undefined && !given
        ? async () => firstLine(await readText(fileName(folder, passwordFile)))
        : passwordCommand !== undefined && !given
          ? () => passwordOf(passwordCommand, folder)
          : asked(imap, flags),
  }
}

/** The servers of an address, which are named before they are used. */
async function found(address: string, flags: AccountFlags, ca: string | undefined): Promise<MailAccount> {
  const { servers, plaintext } = await discoverOrRefuse(address)
  const imap = servers.find(({ protocol }) => protocol === 'imap')
  const smtp = servers.find(({ protocol }) => protocol === 'smtp')
  if (imap === undefined) {
    const clear =
      plaintext.length > 0
        ? say(' Only servers without TLS were named.', ' Seuls des serveurs sans TLS sont indiqués.')
        : ''
    throw new CliError(
      EXIT.noSuchThing,
      say(
        `No IMAP server was found for ${address}.${clear} Give its URL, such as imaps://${address}@imap.example.org.`,
        `Aucun serveur IMAP trouvé pour ${address}.${clear} Indiquez son URL, comme imaps://${address}@imap.example.org.`,
      ),
    )
  }
  for (const server of smtp === undefined ? [imap] : [imap, smtp]) process.stderr.write(`${describe(server)}\n`)
  if (imap.askFirst)
    await confirmed(flags.yes, say(`Send the password to ${imap.host}?`, `Envoyer le mot de passe à ${imap.host} ?`))
  const url = urlOf(imap)
  return {
    imap: url,
    smtp: smtp === undefined ? undefined : urlOf(smtp),
    from: address,
    ca,
    password: asked(url, flags),
  }
}

async function discoverOrRefuse(address: string): ReturnType<typeof discover> {
  try {
    return await discover(address)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new CliError(EXIT.badData, say(`"${address}" is not an address.`, `« ${address} » n’est pas une adresse.`))
  }
}

/** The submission server of an address that discovery finds; `undefined`: none. */
export async function discoverSmtp(address: string): Promise<SourceUrl | undefined> {
  const { servers } = await discoverOrRefuse(address)
  const smtp = servers.find(({ protocol, askFirst }) => protocol === 'smtp' && !askFirst)
  if (smtp === undefined) return undefined
  process.stderr.write(`${describe(smtp)}\n`)
  return urlOf(smtp)
}

function urlOf({ host, port, security, login }: DiscoveredServer): SourceUrl {
  return { protocol: 'imap', host, port, security, login: login.value, mailbox: undefined }
}

function describe({ protocol, host, port, security, login, source }: DiscoveredServer): string {
  const why = {
    autoconfig: say('the provider says so', 'le fournisseur le dit'),
    ispdb: say('from Thunderbird’s collection', 'd’après la collection de Thunderbird'),
    srv: say('from the DNS', 'd’après le DNS'),
    guess: say('guessed; its certificate is valid', 'deviné ; son certificat est valide'),
  }[source.kind]
  const how = security === 'tls' ? 'TLS' : 'STARTTLS'
  return `${protocol.toUpperCase()}: ${host}:${port}, ${how}, ${login.value} (${why})`
}
