/** What several commands read in the same way: configuration, passwords, sizes, protocols. @module */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Config } from '#config/config.ts'
import { EXIT } from '#lib/exit-codes.ts'
import type { Protocol } from '#store/directory.ts'
import { CliError } from './cli-error.ts'
import { invocation } from './help.ts'
import { say } from './language.ts'
import { reasonOf, systemCode } from './reasons.ts'

/** Where the configuration is looked for without `--config`. */
const CONFIG_PLACES: readonly string[] = ['malle.toml', '/etc/malle/malle.toml']

/** The file `--config` names, else the first that exists. */
function configFile(named: string | undefined): string {
  const found = named ?? CONFIG_PLACES.find((place) => existsSync(place))
  if (found !== undefined) return found
  throw new CliError(
    EXIT.configuration,
    say(
      `There is no configuration: neither ${CONFIG_PLACES.join(' nor ')} exists. Give --config FILE, or begin with "${invocation()} setup you@example.org".`,
      `Il n’y a pas de configuration : ni ${CONFIG_PLACES.join(' ni ')} n’existe. Indiquez --config FICHIER, ou commencez par « ${invocation()} setup vous@example.org ».`,
    ),
  )
}

/** Reads the configuration; every mistake becomes a line of the error. */
export async function readConfig(named: string | undefined): Promise<Config> {
  // many commands need no configuration
  const { formatMistake, loadConfig } = await import('#config/load.ts')
  const loaded = await loadConfig(configFile(named))
  if (loaded.ok) return loaded.value
  throw new CliError(EXIT.configuration, loaded.error.map(formatMistake).join('\n'))
}

export interface PasswordOptions {
  readonly passwordStdin?: boolean
  readonly passwordFile?: string
}

/** A password from where it was said to come from, else from a prompt; never from argv. A new one is typed `twice`. */
export async function readPassword(
  options: PasswordOptions,
  prompt: string,
  { twice = true }: { readonly twice?: boolean } = {},
): Promise<string> {
  if (options.passwordStdin === true) return firstLine(await text(process.stdin))
  if (options.passwordFile !== undefined) return firstLine(await readText(options.passwordFile))
  if (!process.stdin.isTTY) {
    throw new CliError(
      EXIT.usage,
      say(
        'Give the password with --password-stdin or --password-file FILE.',
        'Donnez le mot de passe par --password-stdin ou --password-file FICHIER.',
      ),
    )
  }
  const { password, isCancel } = await import('@clack/prompts')
  const first = await password({ message: prompt })
  if (isCancel(first)) throw new CliError(EXIT.tryAgain, say('Cancelled.', 'Annulé.'))
  if (!twice) return first
  const second = await password({ message: say('Once more', 'Encore une fois') })
  if (first !== second)
    throw new CliError(EXIT.badData, say('The two passwords differ.', 'Les deux mots de passe diffèrent.'))
  return first
}

/** A file that was named on the command line. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const reason = reasonOf(error)
    if (reason === undefined) throw error
    const exitCode = systemCode(error) === 'ENOENT' ? EXIT.noSuchThing : EXIT.notAllowed
    throw new CliError(exitCode, say(`Cannot read ${file}: ${reason}.`, `Impossible de lire ${file} : ${reason}.`))
  }
}

/** A password that somebody wrote down, or printed: the line without its end. */
export function firstLine(whole: string): string {
  const line = whole.replace(/\r?\n[\s\S]*$/, '')
  if (line === '') throw new CliError(EXIT.badData, say('The password is empty.', 'Le mot de passe est vide.'))
  return line
}

/** `10GB` as octets (binary units); `none` as `null`. */
export function parseSize(value: string): number | null {
  if (value === 'none') return null
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)B?$/i.exec(value.trim())
  const power = ['', 'K', 'M', 'G', 'T'].indexOf((match?.[2] ?? '').toUpperCase())
  if (match === null || power < 0) {
    throw new CliError(
      EXIT.usage,
      say(
        `"${value}" is not a size such as 500MB, 10GB or none.`,
        `« ${value} » n’est pas une taille comme 500MB, 10GB ou none.`,
      ),
    )
  }
  return Math.round(Number(match[1]) * 1024 ** power)
}

/** A count, or `none` as `null`. */
export function parseCount(value: string): number | null {
  if (value === 'none') return null
  if (!/^\d{1,12}$/.test(value))
    throw new CliError(
      EXIT.usage,
      say(`"${value}" is not a number or none.`, `« ${value} » n’est ni un nombre ni none.`),
    )
  return Number(value)
}

const PROTOCOLS: readonly Protocol[] = ['imap', 'pop3', 'smtp']

/** `imap,pop3` as protocols. */
export function parseProtocols(value: string): readonly Protocol[] {
  const named = value.split(',').map((part) => part.trim().toLowerCase())
  const unknown = named.find((part) => !(PROTOCOLS as readonly string[]).includes(part))
  if (unknown !== undefined) {
    throw new CliError(
      EXIT.usage,
      say(
        `"${unknown}" is not a protocol; these are: ${PROTOCOLS.join(', ')}.`,
        `« ${unknown} » n’est pas un protocole ; il y a : ${PROTOCOLS.join(', ')}.`,
      ),
    )
  }
  return PROTOCOLS.filter((protocol) => named.includes(protocol))
}

/** Asks before something is destroyed; `--yes` answers beforehand, without a terminal it must. */
export async function confirmed(yes: boolean | undefined, question: string): Promise<void> {
  if (yes === true) return
  if (!process.stdin.isTTY) throw new CliError(EXIT.usage, say('Confirm with --yes.', 'Confirmez par --yes.'))
  const { confirm } = await import('@clack/prompts')
  if ((await confirm({ message: question, initialValue: false })) !== true)
    throw new CliError(EXIT.tryAgain, say('Nothing was changed.', 'Rien n’a été changé.'))
}
