/** `malle migrate`: people's mail from another host into accounts here. @module */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Command, Option } from 'commander'
import { systemNetwork } from '#client/index.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { CliError } from './cli-error.ts'
import { administer, type CommonOptions, print, withListing } from './context.ts'
import { failureOf } from './failure.ts'
import { say } from './language.ts'
import { type Login, masterLogin, migrateUser, PeopleProgress } from './migrate-run.ts'
import { foundSentence, serversOf, withOther } from './migrate-servers.ts'
import { type MigratedUser, oneUser, usersOfCsv } from './migrate-users.ts'
import { type MigrateResult, migrateSentences, migrateTable, stateOf } from './migrate-words.ts'
import { type PasswordOptions, readPassword, readText } from './options.ts'
import { ProgressLine } from './progress.ts'
import { Signals } from './signals.ts'

export interface MigrateOptions extends CommonOptions, PasswordOptions {
  readonly from?: string
  readonly create?: boolean
  readonly masterUser?: string
  readonly masterForm: string
  readonly only?: 'imap' | 'pop3'
  readonly ca?: string
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly keepDeleted?: boolean
  readonly yes?: boolean
  readonly cutover?: boolean
  readonly verify?: boolean
  readonly dryRun?: boolean
  readonly parallel: string
  readonly connections: string
  readonly report?: string
}

const several = (value: string, before: readonly string[]): readonly string[] => [...before, value]

export function migrateCommand(): Command {
  return withListing(new Command('migrate'))
    .argument(
      '[address-and-servers...]',
      say(
        'address here (without --from), then IMAP and POP3 URL of the host',
        'adresse ici (sans --from), puis URL IMAP et POP3 de l’hébergeur',
      ),
    )
    .description(
      say(
        'bring mail here over IMAP and POP3 together, with the unique-ids and the order that POP3 programs know; again for what is new; last with --cutover',
        'reprendre le courrier par IMAP et POP3 ensemble, avec les identifiants et l’ordre que connaissent les programmes POP3 ; à répéter pour les nouveautés ; en dernier avec --cutover',
      ),
    )
    .option('--from <file>', say('a list of people (CSV)', 'une liste de personnes (CSV)'))
    .option('--create', say('make accounts that are missing', 'créer les comptes qui manquent'))
    .option('--password-stdin', say('read the password from standard input', 'lire le mot de passe sur l’entrée'))
    .option('--password-file <file>', say('read the password from a file', 'lire le mot de passe dans un fichier'))
    .option(
      '--master-user <name>',
      say(
        'log in as this one for everybody; the password is theirs',
        'se connecter pour tous sous ce nom ; le mot de passe est le sien',
      ),
    )
    .option(
      '--master-form <form>',
      say('how: %u*%m, or authzid (SASL)', 'sous quelle forme : %u*%m, ou authzid (SASL)'),
      '%u*%m',
    )
    .addOption(
      new Option('--only <imap|pop3>', say('leave the other one out', 'se passer de l’autre')).choices([
        'imap',
        'pop3',
      ]),
    )
    .option('--ca <file>', say('certificates to trust (PEM)', 'certificats de confiance (PEM)'))
    .option('--include <name>', say('only these mailboxes (*, %)', 'seulement ces boîtes (*, %)'), several, [])
    .option('--exclude <name>', say('not these mailboxes (*, %)', 'sans ces boîtes (*, %)'), several, [])
    .option('--keep-deleted', say('keep here what is gone there', 'garder ici ce qui a disparu là-bas'))
    .option(
      '--yes',
      say('delete even where all of a mailbox is gone', 'supprimer même quand une boîte entière a disparu'),
    )
    .option('--cutover', say('the last run: compare both ends', 'la dernière exécution : comparer les deux côtés'))
    .option('--verify', say('compare every message', 'comparer chaque message'))
    .option('--dry-run', say('say what there is to do, change nothing', 'dire ce qu’il y a à faire, sans rien changer'))
    .option('--parallel <n>', say('people at a time', 'personnes à la fois'), '4')
    .option('--connections <n>', say('mailboxes of a person at a time', 'boîtes d’une personne à la fois'), '2')
    .option('--report <dir>', say('a file for each person', 'un fichier par personne'))
    .action(migrate)
}

async function migrate(named: readonly string[], options: MigrateOptions): Promise<void> {
  const parallel = count(options.parallel, '--parallel')
  const connections = count(options.connections, '--connections')
  const ca = options.ca === undefined ? null : await readText(options.ca)
  const { users, login } = await whoAndHow(named, options, ca)
  const signals = new Signals()
  const controller = new AbortController()
  void signals.stop.then(() => controller.abort())
  const results = await administer(options, async (admin) => {
    // the first verb opens the data, alone
    const there = new Set((await admin.ask('account.list', {})).map(({ address }) => address))
    // by the owner of the data, who writes the files too
    if (options.report !== undefined) await mkdir(options.report, { recursive: true, mode: 0o700 })
    using line = new ProgressLine()
    const progress = new PeopleProgress(line)
    const context = { admin, options, ca, login, connections, there, progress, signal: controller.signal }
    // awaited here: the line is cleared when this function ends
    return await everybody(users, parallel, controller.signal, async (user) => {
      const result = await oneResult(() => migrateUser(user, context), user)
      if (options.report !== undefined) await writeReport(options.report, result)
      return result
    })
  })
  tell(results, options, users.length)
  process.exitCode = controller.signal.aborted ? EXIT.tryAgain : exitCode(results)
}

async function whoAndHow(
  named: readonly string[],
  options: MigrateOptions,
  ca: string | null,
): Promise<{ readonly users: readonly MigratedUser[]; readonly login: Login }> {
  const { from, only, masterUser, masterForm } = options
  const address = from === undefined ? named[0] : undefined
  const rest = from === undefined ? named.slice(1) : named
  if (from === undefined && (address === undefined || address.includes('://') || rest.length === 0)) {
    throw new CliError(
      EXIT.usage,
      say(
        'Give the address here and a server: malle migrate ann@example.org imaps://imap.example.net pop3s://pop.example.net, or --from FILE.',
        'Indiquez l’adresse ici et un serveur : malle migrate anne@example.org imaps://imap.example.net pop3s://pop.example.net, ou --from FICHIER.',
      ),
    )
  }
  const given = serversOf(rest)
  const servers = await withOther(given, only, systemNetwork(ca === null ? {} : { tls: { ca } }))
  const found = only === undefined && rest.length > 0 ? foundSentence(given, servers) : undefined
  if (found !== undefined) process.stderr.write(`malle: ${found}\n`)
  const whose = masterUser ?? servers.imap?.login ?? servers.pop3?.login ?? address ?? ''
  const host = (servers.imap ?? servers.pop3)?.host ?? ''
  const prompt = say(`Password of ${whose} at ${host}`, `Mot de passe de ${whose} chez ${host}`)
  const asked = from === undefined || masterUser !== undefined
  const password = asked ? await readPassword(options, prompt, { twice: false }) : undefined
  const login: Login = masterUser === undefined ? ownLogin : masterLogin(masterUser, masterForm, password ?? '')
  const own = masterUser === undefined ? password : undefined
  const users =
    from === undefined
      ? [oneUser(address ?? '', servers, own)]
      : usersOfCsv(from, await readText(from), servers, masterUser !== undefined)
  return { users, login }
}

const ownLogin: Login = (login, password) => ({ login, password: password ?? '' })

/** As many at a time as wished, results in their order; those that were not begun before it was stopped are left out. */
async function everybody(
  users: readonly MigratedUser[],
  parallel: number,
  signal: AbortSignal,
  run: (user: MigratedUser) => Promise<MigrateResult>,
): Promise<readonly MigrateResult[]> {
  const results = new Map<number, MigrateResult>()
  const waiting = users.entries()
  const worker = async (): Promise<void> => {
    for (const [n, user] of waiting) {
      if (signal.aborted) return
      results.set(n, await run(user))
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
}

/** One who fails does not stop the others. */
async function oneResult(run: () => Promise<MigrateResult>, { address, login }: MigratedUser): Promise<MigrateResult> {
  try {
    return await run()
  } catch (error) {
    const { exitCode, text } = failureOf(error)
    return { address, login, created: false, error: text, exitCode }
  }
}

function exitCode(results: readonly MigrateResult[]): number {
  const failed = results.find((result) => result.exitCode !== undefined)
  if (failed?.exitCode !== undefined) return failed.exitCode
  return results.some((result) => stateOf(result) === 'attention') ? EXIT.failed : EXIT.ok
}

function tell(results: readonly MigrateResult[], options: MigrateOptions, users: number): void {
  if (options.json === true) return print(JSON.stringify(results.map(withState), undefined, 2))
  for (const { address, error } of results)
    if (error !== undefined) process.stderr.write(`malle: ${users > 1 ? `${address}: ` : ''}${error}\n`)
  if (options.from !== undefined) return print(migrateTable(results))
  for (const result of results) {
    const said = migrateSentences(result, options.dryRun === true)
    if (said.length > 0) print(said.join('\n'))
  }
}

function withState(result: MigrateResult): object {
  return { ...result, state: stateOf(result) }
}

async function writeReport(folder: string, result: MigrateResult): Promise<void> {
  const name = `${result.address.replace(/[^\w.@+-]/g, '_')}.json`
  await writeFile(path.join(folder, name), `${JSON.stringify(withState(result), undefined, 2)}\n`, { mode: 0o600 })
}

function count(value: string, option: string): number {
  if (/^(?:[1-9]|[1-5]\d|6[0-4])$/.test(value)) return Number(value)
  throw new CliError(EXIT.usage, say(`${option} is 1 to 64.`, `${option} va de 1 à 64.`))
}
