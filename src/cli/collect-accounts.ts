/** What `malle collect` is told: one URL with options, or a TOML file with many accounts. @module */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import * as v from 'valibot'
import { EXIT } from '#lib/exit-codes.ts'
import type { Policy } from '#transfer/collect/collect.ts'
import type { LmtpOptions } from '#transfer/collect/lmtp-target.ts'
import { parseSourceUrl, type SourceUrl, type UrlFault } from '#transfer/source-url.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import { firstLine, type PasswordOptions, readPassword, readText } from './options.ts'
import { parseStoreName, type StoreName } from './store-name.ts'
import { readToml } from './toml.ts'

/** Where collected mail goes. */
export type CollectPlace =
  | { readonly kind: 'maildir' | 'mbox' /** Absolute. */; readonly path: string }
  | { readonly kind: 'command' /** For the shell. */; readonly command: string }
  | ({ readonly kind: 'lmtp' } & LmtpOptions)
  | CollectStore

/** A store of this machine. */
export interface CollectStore {
  readonly kind: 'store'
  readonly store: StoreName
  /** What `--config` names. */
  readonly config: string | undefined
  readonly envelopeField: string | undefined
}

/** One mailbox to collect from. */
export interface CollectAccount {
  readonly from: SourceUrl
  /** What was asked for, where the server had to be found: it is to be remembered. */
  readonly found: string | undefined
  readonly to: CollectPlace
  readonly policy: Policy
  /** PEM file. */
  readonly ca: string | undefined
  /** Asked for when it is needed. */
  readonly password: () => Promise<string>
}

export interface CollectFlags extends PasswordOptions {
  readonly to?: string
  readonly format?: string
  readonly envelope?: string
  readonly after?: string
  readonly ca?: string
  readonly config?: string
  readonly protocol?: string
}

/** Finds the server of an address. */
export type FindServer = (address: string, protocol: 'pop3' | 'imap' | undefined) => Promise<SourceUrl>

const DAY_MS = 86_400_000

/** The accounts of a URL, an address, or a file. */
export async function collectAccounts(
  source: string,
  flags: CollectFlags,
  find: FindServer,
): Promise<readonly CollectAccount[]> {
  const isUrl = /^[a-z0-9]+:\/\//i.test(source)
  if (!isUrl && !isAddress(source)) return accountsOfFile(source, flags, find)
  const parsed = isUrl ? sourceUrl(source) : undefined
  if (flags.to === undefined) {
    throw new CliError(EXIT.usage, say('Say where the mail goes: --to PATH.', 'Indiquez la destination : --to CHEMIN.'))
  }
  const to = onePlace(flags.to, flags.format ?? 'maildir', flags.envelope, flags.config, fromHere)
  const policy = onePolicy(flags.after ?? 'keep')
  const protocol = oneProtocol(flags.protocol)
  const from = parsed ?? (await find(source, protocol))
  const prompt = say(`Password of ${from.login} at ${from.host}`, `Mot de passe de ${from.login} chez ${from.host}`)
  return [
    {
      from,
      found: parsed === undefined ? accountKey(source, protocol) : undefined,
      to,
      policy,
      ca: flags.ca,
      password: once(() => readPassword(flags, prompt, { twice: false })),
    },
  ]
}

/** An address, unless there is a file of that name. */
function isAddress(text: string): boolean {
  return /^[^\s@/]+@[^\s@/]+$/.test(text) && !existsSync(text)
}

/** What a server was looked for by. */
export function accountKey(address: string, protocol: 'pop3' | 'imap' | undefined): string {
  return protocol === undefined ? address : `${protocol} ${address}`
}

function oneProtocol(text: string | undefined): 'pop3' | 'imap' | undefined {
  if (text === undefined || text === 'pop3' || text === 'imap') return text
  throw new CliError(EXIT.usage, say('The protocol is pop3 or imap.', 'Le protocole est pop3 ou imap.'))
}

/** A shell leaves `~` behind a colon as it is. */
function fromHere(name: string): string {
  return fileName(process.cwd(), name)
}

/** A person is asked once, a pipe read once. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined
  return () => (asked ??= ask())
}

const fileSchema = v.strictObject({
  account: v.pipe(
    v.array(
      v.strictObject({
        from: v.string(),
        to: v.string(),
        format: v.optional(v.string(), 'maildir'),
        envelope: v.optional(v.string()),
        config: v.optional(v.string()),
        protocol: v.optional(v.picklist(['pop3', 'imap'])),
        after: v.optional(v.string(), 'keep'),
        password_file: v.optional(v.string()),
        password_command: v.optional(v.string()),
        ca: v.optional(v.string()),
      }),
    ),
    v.nonEmpty(),
  ),
})

async function accountsOfFile(file: string, flags: CollectFlags, find: FindServer): Promise<readonly CollectAccount[]> {
  const folder = path.dirname(path.resolve(file))
  const told = await readToml(file, fileSchema)
  const accounts: CollectAccount[] = []
  for (const account of told.account) {
    const { password_file: passwordFile, password_command: passwordCommand, protocol } = account
    if ((passwordFile === undefined) === (passwordCommand === undefined)) {
      throw new CliError(
        EXIT.configuration,
        say(
          `${file}: ${account.from} wants password_file or password_command, and one of them.`,
          `${file} : ${account.from} veut password_file ou password_command, et un seul.`,
        ),
      )
    }
    const resolve = (name: string): string => fileName(folder, name)
    const config = account.config === undefined ? flags.config : resolve(account.config)
    const looked = /^[^\s@/:]+@[^\s@/:]+$/.test(account.from)
    accounts.push({
      to: onePlace(account.to, account.format, account.envelope, config, resolve),
      policy: onePolicy(account.after),
      ca: account.ca === undefined ? undefined : resolve(account.ca),
      password:
        passwordFile === undefined
          ? () => passwordOf(passwordCommand ?? '', folder)
          : async () => firstLine(await readText(resolve(passwordFile))),
      from: looked ? await find(account.from, protocol) : sourceUrl(account.from),
      found: looked ? accountKey(account.from, protocol) : undefined,
    })
  }
  return accounts
}

/** What a password manager prints. */
export async function passwordOf(command: string, folder: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { cwd: folder, timeout: 60_000 })
    return firstLine(stdout)
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError(
      EXIT.configuration,
      say(`The password_command "${command}" failed.`, `La commande password_command « ${command} » a échoué.`),
      { cause: error },
    )
  }
}

/** Counts from the folder of the file; `~` is the home directory. */
export function fileName(folder: string, name: string): string {
  return name === '~' || name.startsWith('~/') ? path.join(homedir(), name.slice(1)) : path.resolve(folder, name)
}

export function sourceUrl(text: string): SourceUrl {
  const url = parseSourceUrl(text)
  if (typeof url === 'object') return url
  throw new CliError(EXIT.usage, `${URL_FAULTS[url]} ${EXAMPLE}`)
}

const EXAMPLE = say(
  'Write for example pop3s://ann@example.org@pop.example.org.',
  'Écrivez par exemple pop3s://ann@example.org@pop.example.org.',
)
const URL_FAULTS: Readonly<Record<UrlFault, string>> = {
  'no-url': say('That is no URL of a mailbox.', 'Ce n’est pas l’URL d’une boîte.'),
  protocol: say('The URL begins with pop3s, pop3, imaps or imap.', 'L’URL commence par pop3s, pop3, imaps ou imap.'),
  'no-login': say('The URL has no login.', 'L’URL ne contient pas d’identifiant.'),
  password: say(
    'The password does not belong into the URL: give it with --password-file or --password-stdin, or when asked.',
    'Le mot de passe n’a pas sa place dans l’URL : donnez-le par --password-file ou --password-stdin, ou à l’invite.',
  ),
  path: say('POP3 has one mailbox only.', 'POP3 n’a qu’une seule boîte.'),
}

/** @param resolve Makes a path absolute. */
function onePlace(
  to: string,
  format: string,
  envelopeField: string | undefined,
  config: string | undefined,
  resolve: (name: string) => string,
): CollectPlace {
  const store = parseStoreName(to, resolve)
  if (store !== undefined) return { kind: 'store', store, config, envelopeField }
  if (/^lmtp:/i.test(to)) {
    const [, host = '', port = '24', recipient = ''] = LMTP.exec(to) ?? []
    if (host !== '') return { kind: 'lmtp', host, port: Number(port), recipient, envelopeField }
    throw new CliError(
      EXIT.usage,
      say(
        'Write lmtp://127.0.0.1:24/ann@example.org: server, port, and who gets the mail.',
        'Écrivez lmtp://127.0.0.1:24/ann@example.org : serveur, port et destinataire.',
      ),
    )
  }
  if (format === 'command') return { kind: 'command', command: to }
  if (format === 'maildir' || format === 'mbox') return { kind: format, path: resolve(to) }
  throw new CliError(
    EXIT.usage,
    say('The format is maildir, mbox or command.', 'Le format est maildir, mbox ou command.'),
  )
}

const LMTP = /^lmtp:\/\/([\w.-]+)(?::(\d{1,5}))?\/([^\s/]+@[^\s/]+)$/i

function onePolicy(text: string): Policy {
  if (text === 'keep' || text === 'delete') return { kind: text }
  const days = /^delete after (\d{1,5}) days?$/.exec(text)?.[1]
  if (days !== undefined) return { kind: 'delete-after', ms: Number(days) * DAY_MS }
  throw new CliError(
    EXIT.usage,
    say(
      'What comes after is "keep", "delete" or "delete after 7 days".',
      'La suite est « keep », « delete » ou « delete after 7 days ».',
    ),
  )
}
