/** Help and usage errors in the reader's language; commander has them in English only. @module */
import path from 'node:path'
import { type Command, type CommanderError, Help } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'

/** Headings that commander writes into its help. */
const TITLES: ReadonlyMap<string, string> = new Map([
  ['Usage:', say('Usage:', 'Utilisation :')],
  ['Options:', say('Options:', 'Options :')],
  ['Commands:', say('Commands:', 'Commandes :')],
  ['Arguments:', say('Arguments:', 'Arguments :')],
])

/** Words that stand between `<>` or `[]`. */
const PLACEHOLDERS: ReadonlyMap<string, string> = new Map([
  ['account', say('account', 'compte')],
  ['addresses', say('addresses', 'adresses')],
  ['files', say('files', 'fichiers')],
  ['names', say('names', 'noms')],
  ['numbers', say('numbers', 'numéros')],
  ['uids', say('numbers', 'numéros')],
  ['uid', say('number', 'numéro')],
  ['words', say('words', 'mots')],
  ['address', say('address', 'adresse')],
  ['command', say('command', 'commande')],
  ['connection-or-address', say('connection-or-address', 'connexion-ou-adresse')],
  ['count', say('count', 'nombre')],
  ['domain', say('domain', 'domaine')],
  ['dir', say('dir', 'dossier')],
  ['file', say('file', 'fichier')],
  ['form', say('form', 'forme')],
  ['list', say('list', 'liste')],
  ['name', say('name', 'nom')],
  ['number', say('number', 'nombre')],
  ['path', say('path', 'chemin')],
  ['size', say('size', 'taille')],
  ['target', say('target', 'cible')],
  ['text', say('text', 'texte')],
])

/** Makes a command and all below it speak the reader's language and refuse with our exit codes. */
export function speakPlainly(program: Command): void {
  const plain = new Help()
  for (const command of [program, ...descendants(program)]) {
    command
      .exitOverride((error) => {
        throw usageError(error, command)
      })
      .helpOption('-h, --help', say('show this help', 'afficher cette aide'))
      .helpCommand(false)
      .configureOutput({ outputError: () => undefined })
      .configureHelp({
        styleTitle: (title) => TITLES.get(title) ?? title,
        commandUsage: (one) => placeholders(plain.commandUsage(one)),
        subcommandTerm: (one) => placeholders(plain.subcommandTerm(one)),
        optionTerm: (option) => placeholders(plain.optionTerm(option)),
        argumentTerm: (argument) => PLACEHOLDERS.get(plain.argumentTerm(argument)) ?? plain.argumentTerm(argument),
        optionDescription: (option) =>
          plain.optionDescription(option).replace('(default: ', say('(default: ', '(par défaut : ')),
      })
  }
}

/** How this command line was called, for texts that tell what to type. */
export function invocation(): string {
  const script = process.argv[1] ?? 'malle'
  if (!script.endsWith('.cjs')) return path.basename(script)
  const relative = path.relative(process.cwd(), script)
  return `node ${relative.startsWith('..') ? script : relative}`
}

function descendants(command: Command): Command[] {
  return command.commands.flatMap((inner) => [inner, ...descendants(inner)])
}

function placeholders(text: string): string {
  return text.replace(/(?<=[<[])[a-z-]+(?=(?:\.\.\.)?[>\]])/g, (word) => PLACEHOLDERS.get(word) ?? word)
}

/** A usage error with where to read more; showing help or the version is none. */
function usageError(error: CommanderError, command: Command): Error {
  if (error.exitCode === 0) return error
  // A noun without a verb has shown its help.
  if (error.code === 'commander.help') return new CliError(EXIT.usage, '')
  const chain = [command]
  for (let parent = command.parent; parent !== null; parent = parent.parent) chain.unshift(parent)
  const names = chain.slice(1).map((one) => one.name())
  const line = [invocation(), ...names, '--help'].join(' ')
  return new CliError(EXIT.usage, `${explain(error)} ${say(`See: ${line}`, `Voir : ${line}`)}`)
}

function explain({ code, message }: CommanderError): string {
  const quoted = placeholders(/'([^']*)'/.exec(message)?.[1] ?? '')
  const near = /\(Did you mean (?:one of )?(.+)\?\)$/.exec(message)?.[1]
  const perhaps = near === undefined ? '' : say(` Perhaps you mean ${near}.`, ` Peut-être vouliez-vous dire ${near}.`)
  switch (code) {
    case 'commander.unknownOption':
      // What follows it is a secret: it is not printed, and nothing is suggested that would take it.
      if (/^--password(?:=|$)/.test(quoted)) {
        return say(
          'Passwords are not given as arguments, where others can see them: use --password-stdin or --password-file.',
          'Un mot de passe ne se donne pas en argument, où d’autres peuvent le voir : utilisez --password-stdin ou --password-file.',
        )
      }
      return say(`There is no option ${quoted}.`, `L’option ${quoted} n’existe pas.`) + perhaps
    case 'commander.unknownCommand':
      return say(`There is no command "${quoted}".`, `La commande « ${quoted} » n’existe pas.`) + perhaps
    case 'commander.missingArgument':
      return say(`<${quoted}> is missing.`, `Il manque <${PLACEHOLDERS.get(quoted) ?? quoted}>.`)
    case 'commander.optionMissingArgument':
      return say(`The option ${quoted} needs its value.`, `L’option ${quoted} demande une valeur.`)
    case 'commander.missingMandatoryOptionValue':
      return say(`The option ${quoted} is needed.`, `L’option ${quoted} est nécessaire.`)
    case 'commander.excessArguments': {
      const extra = /got \d+: (.*)\.$/.exec(message)?.[1] ?? ''
      return say(`Too many arguments: ${extra}.`, `Arguments en trop : ${extra}.`)
    }
    case 'commander.conflictingOption': {
      const [, one, other] = /'([^']*)'.*'([^']*)'/.exec(message) ?? []
      return say(`${one} and ${other} exclude each other.`, `${one} et ${other} s’excluent.`)
    }
    default:
      return message.replace(/^error: /, '')
  }
}
