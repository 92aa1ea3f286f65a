/** The two ends that `malle sync` is told of. @module */
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { ImapClient } from '#client/imap/imap-client.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { formatSourceUrl, parseSourceUrl, type SourceUrl, withoutPassword } from '#transfer/source-url.ts'
import { ImapSide } from '#transfer/sync/imap-side.ts'
import { MaildirSide } from '#transfer/sync/maildir-side.ts'
import type { Side } from '#transfer/sync/side.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import { firstLine, readPassword, readText } from './options.ts'

/** Where the secrets of both come from. */
export interface SideOptions {
  readonly passwordStdin?: boolean
  readonly passwordFile?: string
  readonly toPasswordFile?: string
  readonly ca?: string
  /** Of the store that `store:ADDRESS` is in. */
  readonly config?: string
  readonly dryRun?: boolean
}

/** A path, a URL, or a store of this machine. */
type End = string | SourceUrl | { readonly store: string }

/** An end that was named. */
export interface NamedSide {
  /** As it is recorded. */
  readonly name: string
  /** For people. */
  readonly title: string
  readonly open: () => Promise<Side>
}

/** @param opened Stores of this machine are closed with it, behind the sides. @throws {CliError} */
export async function namedSides(
  from: string,
  to: string,
  options: SideOptions,
  opened: AsyncDisposableStack,
): Promise<readonly [NamedSide, NamedSide]> {
  const ends = [endOf(from), endOf(to)] as const
  const passwords = await passwordsOf(ends, options)
  const ca = options.ca === undefined ? undefined : await readText(options.ca)
  const stored = ends.some((end) => typeof end === 'object' && 'store' in end)
  // it knows the whole server
  const stores = stored ? opened.use(new (await import('./sync-stores.ts')).SyncStores()) : undefined
  const named = (end: Exclude<End, { store: string }>, password: string): NamedSide => {
    if (typeof end === 'string') return { name: end, title: end, open: () => MaildirSide.open(end) }
    const { host, port, security, login } = end
    const name = formatSourceUrl(end)
    const options = {
      host,
      ...(port === undefined ? {} : { port }),
      security,
      tls: ca === undefined ? {} : { ca },
      credentials: { login, password },
      reconnect: false,
    }
    return { name, title: `${login} (${host})`, open: () => ImapSide.connect(name, () => ImapClient.connect(options)) }
  }
  const side = async (n: 0 | 1): Promise<NamedSide> => {
    const [end, other] = [ends[n], ends[n === 0 ? 1 : 0]]
    if (typeof end === 'string' || !('store' in end)) return named(end, passwords[n])
    const mayMake = n === 1 && options.dryRun !== true && typeof other === 'object' && 'login' in other
    if (stores === undefined) throw new TypeError('There are no stores')
    return stores.end(end.store, options.config, mayMake ? other : undefined)
  }
  const [left, right] = [await side(0), await side(1)]
  if (left.name === right.name)
    throw new CliError(EXIT.usage, say('Both ends are the same.', 'Les deux côtés sont le même.'))
  return [left, right]
}

function endOf(argument: string): End {
  if (/^store:/i.test(argument)) return { store: argument }
  if (!/^[a-z0-9]+:\/\//i.test(argument)) return path.resolve(argument)
  const url = parseSourceUrl(argument)
  if (typeof url === 'object' && url.protocol === 'imap' && url.mailbox === undefined) return url
  throw new CliError(
    EXIT.usage,
    say(
      `"${withoutPassword(argument)}" is not an end of a sync: write a URL such as imaps://ann@example.org@imap.example.org, without password and mailbox, store:ann@example.org, or the path of a Maildir.`,
      `« ${withoutPassword(argument)} » ne peut pas être synchronisé : écrivez une URL comme imaps://anne@example.org@imap.example.org, sans mot de passe ni boîte, store:anne@example.org, ou le chemin d’un Maildir.`,
    ),
  )
}

async function passwordsOf(
  [from, to]: readonly [End, End],
  { passwordStdin, passwordFile, toPasswordFile }: SideOptions,
): Promise<readonly [string, string]> {
  const lines = passwordStdin === true ? (await text(process.stdin)).split(/\r?\n/) : []
  const one = async (end: End, file: string | undefined): Promise<string> => {
    if (typeof end === 'string' || 'store' in end) return ''
    if (file !== undefined) return firstLine(await readText(file))
    if (passwordStdin === true) return firstLine(lines.shift() ?? '')
    const { login, host } = end
    const prompt = say(`Password of ${login} at ${host}`, `Mot de passe de ${login} chez ${host}`)
    return readPassword({}, prompt, { twice: false })
  }
  const first = await one(from, passwordFile)
  return [first, await one(to, toPasswordFile)]
}
