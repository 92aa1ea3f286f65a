/** `malle collect`: mail from a mailbox elsewhere into files or a store of this machine. @module */
import { homedir } from 'node:os'
import path from 'node:path'
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import type { CollectReport } from '#transfer/collect/collect.ts'
import { CollectState } from '#transfer/collect/state.ts'
import { formatSourceUrl } from '#transfer/source-url.ts'
import { CliError } from './cli-error.ts'
import {
  accountKey,
  type CollectAccount,
  type CollectFlags,
  collectAccounts,
  type FindServer,
} from './collect-accounts.ts'
import { CollectDaemon } from './collect-daemon.ts'
import { runAccount } from './collect-run.ts'
import { CollectStores } from './collect-stores.ts'
import { collectSentences } from './collect-words.ts'
import { say } from './language.ts'
import { print } from './output.ts'
import { Signals } from './signals.ts'

interface CollectOptions extends CollectFlags {
  readonly state?: string
  readonly every?: string
  readonly push?: boolean
  readonly dryRun?: boolean
  readonly discover?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

export function collectCommand(): Command {
  return new Command('collect')
    .argument('<source>', say('URL, address or file with accounts', 'URL, adresse ou fichier de comptes'))
    .description(
      say(
        'fetch mail from a POP3 or IMAP server into a Maildir, an mbox or a store; each message once',
        'relever le courrier d’un serveur POP3 ou IMAP : Maildir, mbox ou stockage ; chaque message une fois',
      ),
    )
    .option('--to <place>', say('path, store:…, lmtp://… or command', 'chemin, store:…, lmtp://… ou commande'))
    .option('--format <format>', say('maildir, mbox or command', 'maildir, mbox ou command'))
    .option('--envelope <field>', say('field that says who it was for', 'champ qui nomme le destinataire'))
    .option('--after <what>', say('keep, delete, or delete after N days', 'keep, delete ou delete after N days'))
    .option('--config <file>', say('configuration of the store', 'configuration du stockage'))
    .option('--password-stdin', say('read the password from standard input', 'lire le mot de passe sur l’entrée'))
    .option('--password-file <file>', say('read the password from a file', 'lire le mot de passe dans un fichier'))
    .option('--ca <file>', say('certificate to trust (PEM)', 'certificat de confiance (PEM)'))
    .option('--protocol <name>', say('pop3 or imap, of an address', 'pop3 ou imap, pour une adresse'))
    .option('--discover', say('look for the server of an address anew', 'chercher à nouveau le serveur d’une adresse'))
    .option('--yes', say('trust what was found without asking', 'se fier à ce qui a été trouvé, sans demander'))
    .option('--state <file>', say('records of what was fetched', 'registre de ce qui a été relevé'))
    .option('--every <time>', say('again and again, such as 5m', 'encore et encore, par exemple 5m'))
    .option(
      '--push',
      say('whenever something comes; POP3 every 5m', 'dès que quelque chose arrive ; POP3 toutes les 5m'),
    )
    .option('--dry-run', say('say what there is, change nothing', 'dire ce qu’il y a, sans rien changer'))
    .option('--json', say('print JSON', 'afficher en JSON'))
    .action(async (source: string, options: CollectOptions) => {
      const everyMs = every(options.every ?? (options.push === true ? '5m' : undefined))
      const signals = new Signals()
      using records = new Records(path.resolve(options.state ?? defaultState()))
      const read = (): Promise<readonly CollectAccount[]> => collectAccounts(source, options, finder(records, options))
      const work = new Work(records, options)
      const accounts = await read()
      // opened here: a second run is refused before it asks anybody for anything
      void records.state
      if (everyMs === undefined) {
        const ended = new AbortController()
        void signals.stop.then(() => ended.abort())
        process.exitCode = await work.once(accounts, ended.signal)
        return
      }
      await new CollectDaemon({
        accounts,
        reread: read,
        round: (account, signal) => work.again(account, signal),
        everyMs,
        push: options.push === true,
        signals,
        complain,
      }).run()
    })
}

/** Opens the records when they are needed. */
class Records implements Disposable {
  readonly #file: string
  #state: CollectState | undefined

  constructor(file: string) {
    this.#file = file
  }

  get state(): CollectState {
    return (this.#state ??= new CollectState(this.#file))
  }

  [Symbol.dispose](): void {
    this.#state?.[Symbol.dispose]()
  }
}

/** Looks for the server of an address, unless it was found at an earlier run. */
function finder(records: Records, { discover, yes }: CollectOptions): FindServer {
  return async (address, protocol) => {
    const { foundSource } = await import('./collect-found.ts')
    const remembered = discover === true ? undefined : records.state.server(accountKey(address, protocol))
    const tell = (line: string): void => void process.stderr.write(`${line}\n`)
    return foundSource(address, protocol, { yes, remembered, tell })
  }
}

interface Result {
  readonly from: string
  readonly report?: CollectReport
  readonly error?: string
}

/** Fetches, and says what came of it. */
class Work {
  readonly #records: Records
  readonly #options: CollectOptions
  readonly #stores = new CollectStores()
  /** By account, what was said last: of a daemon the same again and again tells nothing. */
  readonly #said = new Map<string, string>()

  constructor(records: Records, options: CollectOptions) {
    this.#records = records
    this.#options = options
  }

  /** Every account. @returns The exit code: that of the first failure. */
  async once(accounts: readonly CollectAccount[], signal: AbortSignal): Promise<number> {
    const results: Result[] = []
    let exitCode: number = EXIT.ok
    for (const account of accounts) {
      const { code, result, lines, fault } = await this.#run(account, signal)
      exitCode ||= code
      results.push(result)
      if (this.#options.json === true) continue
      if (lines.length > 0) print(lines.join('\n'))
      if (fault !== undefined) complain(accounts.length > 1 ? `${result.from}: ${fault}` : fault)
    }
    await this.#stores.close()
    if (this.#options.json === true) print(JSON.stringify(results, undefined, 2))
    return exitCode
  }

  /** One account of a daemon. */
  async again(account: CollectAccount, signal: AbortSignal): Promise<void> {
    const { result, lines, fault } = await this.#run(account, signal)
    await this.#stores.close()
    const quiet = result.report !== undefined && result.report.taken === 0 && result.report.removed === 0
    const text = fault ?? lines.join('\n')
    if ((quiet || fault !== undefined) && this.#said.get(result.from) === text) return
    this.#said.set(result.from, text)
    if (this.#options.json === true) print(JSON.stringify(result))
    else if (fault === undefined) print(text)
    else complain(`${result.from}: ${fault}`)
  }

  async #run(
    account: CollectAccount,
    signal: AbortSignal,
  ): Promise<{ code: number; result: Result; lines: readonly string[]; fault?: string }> {
    const from = formatSourceUrl(account.from)
    const dryRun = this.#options.dryRun === true
    try {
      const report = await runAccount(account, { state: this.#records.state, stores: this.#stores, dryRun, signal })
      const code = report.refused.length > 0 ? EXIT.failed : EXIT.ok
      return { code, result: { from, report }, lines: collectSentences(account, report, dryRun) }
    } catch (error) {
      // it knows every part of Malle
      const { failureOf } = await import('./failure.ts')
      const { exitCode: code, text: fault } = failureOf(error)
      return { code, result: { from, error: fault }, lines: [], fault }
    }
  }
}

function complain(text: string): void {
  process.stderr.write(`malle: ${text}\n`)
}

/** `90s`, `5m`, `2h` in milliseconds. */
function every(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const [, number, unit = ''] = /^([1-9]\d{0,5})([smh])$/.exec(text) ?? []
  if (number !== undefined) return Number(number) * (UNITS[unit] ?? 0)
  throw new CliError(EXIT.usage, say('Write --every 5m, 90s or 2h.', 'Écrivez --every 5m, 90s ou 2h.'))
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }

/** Where other programs of a person keep what they remember (XDG base directories). */
function defaultState(): string {
  const base = process.env.XDG_STATE_HOME ?? path.join(homedir(), '.local', 'state')
  return path.join(base, 'malle', 'collect.db')
}
