/** Whose mail: a URL, an address whose servers are looked for, a name of `mail.toml`, or an account of a local store. @module */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import type { Command } from 'commander'
import * as v from 'valibot'
import { ImapClient } from '#client/imap/imap-client.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { parseSourceUrl, type SourceUrl, withoutPassword } from '#transfer/source-url.ts'
import { CliError } from './cli-error.ts'
import { fileName, passwordOf, sourceUrl } from './collect-accounts.ts'
import { say } from './language.ts'
import { serversOf, smtpFor } from './mail-discovery.ts'
import type { SubmissionServer } from './mail-submit.ts'
import { firstLine, type PasswordOptions, readPassword, readText } from './options.ts'
import { accountOf, parseStoreName, storeConfig } from './store-name.ts'
import { readToml } from './toml.ts'

/** Options of every verb of `malle mail`. */
export interface AccountFlags extends PasswordOptions {
  readonly config?: string
  readonly ca?: string
  readonly yes?: boolean
  readonly json?: boolean
}

/** Somebody's mail, and how to get at it. */
export interface MailAccount {
  /** What stands in From, if anybody said so. */
  readonly from: string | undefined
  /** Something can arrive: it is not the store of a server that is stopped. */
  readonly running: boolean
  /** One more connection; it ends with the work. `lasting`: when it is lost, it is made again however long that takes. */
  connect(how?: { readonly lasting: boolean }): Promise<ImapClient>
  /**
   * Where mail is handed in.
   * @param smtp As somebody said.
   * @param sender The envelope's.
   */
  submission(smtp: SourceUrl | undefined, sender: string): Promise<SubmissionServer>
}

/** An account on a server. */
export interface ServerAccount {
  readonly imap: SourceUrl
  /** Where mail is sent through, if that is known already. */
  readonly smtp: SourceUrl | undefined
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

/** Runs the work on the account. */
export async function onAccount<T>(
  named: string,
  flags: AccountFlags,
  work: (account: MailAccount) => Promise<T>,
): Promise<T> {
  const store = parseStoreName(named, (name) => fileName(process.cwd(), name))
  if (store !== undefined || flags.config !== undefined) {
    // it is the whole server, which nobody else needs
    const { withLocalMail } = await import('./mail-local.ts')
    if (store === undefined) return withLocalMail(flags.config, named, work)
    return withLocalMail(storeConfig(store, flags.config), await accountOf(store), work)
  }
  await using connections = new AsyncDisposableStack()
  const account = await mailAccount(named, flags)
  const { imap, ca, password } = account
  return await work({
    from: account.from ?? (imap.login.includes('@') ? imap.login : undefined),
    running: true,
    async connect({ lasting } = { lasting: false }) {
      const { host, port, security, login } = imap
      const client = await ImapClient.connect({
        host,
        ...(port === undefined ? {} : { port }),
        security,
        tls: ca === undefined ? {} : { ca },
        credentials: { login, password },
        ...(lasting ? { reconnectAttempts: Number.POSITIVE_INFINITY } : {}),
      })
      return connections.use(client)
    },
    async submission(smtp, sender) {
      const { host, port, security, login } = smtp ?? account.smtp ?? (await smtpFor(sender))
      return { host, port, security, login, password, ca, own: false }
    },
  })
}

/** Runs the work on the account, connected. */
export function onMail<T>(
  named: string,
  flags: AccountFlags,
  work: (client: ImapClient, account: MailAccount) => Promise<T>,
): Promise<T> {
  return onAccount(named, flags, async (account) => work(await account.connect(), account))
}

async function mailAccount(named: string, flags: AccountFlags): Promise<ServerAccount> {
  const ca = flags.ca === undefined ? undefined : await readText(flags.ca)
  if (/^[a-z0-9]+:\/\//i.test(named)) {
    return { imap: imapUrl(named), smtp: undefined, from: undefined, ca, password: asked(sourceUrl(named), flags) }
  }
  const kept = await fromFile(named, flags, ca)
  if (kept !== undefined) return kept
  if (named.includes('@')) {
    const { imap, smtp } = await serversOf(named, flags.yes)
    return { imap, smtp, from: named, ca, password: asked(imap, flags) }
  }
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
      `"${withoutPassword(text)}" is not the URL of a submission server, such as smtps://ann@example.org@smtp.example.org.`,
      `« ${withoutPassword(text)} » n’est pas l’URL d’un serveur d’envoi, comme smtps://ann@example.org@smtp.example.org.`,
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
async function fromFile(
  named: string,
  flags: AccountFlags,
  ca: string | undefined,
): Promise<ServerAccount | undefined> {
  const file = accountsFile()
  if (!existsSync(file)) return undefined
  const { account: accounts } = await readToml(file, fileSchema)
  const account = accounts.find(({ name }) => name === named)
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
