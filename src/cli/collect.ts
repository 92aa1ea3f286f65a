/** `malle collect`: mail from a mailbox elsewhere into files of this machine. @module */
import { homedir } from 'node:os'
import path from 'node:path'
import { Command } from 'commander'
import type { TlsOptions } from '#client/tls.ts'
import { systemClock } from '#lib/clock.ts'
import { EXIT } from '#lib/exit-codes.ts'
import type { CollectReport } from '#transfer/collect/collect.ts'
import { openMaildirTarget } from '#transfer/collect/maildir-target.ts'
import { openMboxTarget } from '#transfer/collect/mbox-target.ts'
import { openPop3Source } from '#transfer/collect/pop3-source.ts'
import { collectInSessions } from '#transfer/collect/sessions.ts'
import { CollectState } from '#transfer/collect/state.ts'
import type { CollectTarget } from '#transfer/collect/target.ts'
import { formatSourceUrl } from '#transfer/source-url.ts'
import { CliError } from './cli-error.ts'
import { type CollectAccount, type CollectFlags, collectAccounts } from './collect-accounts.ts'
import { failureOf } from './failure.ts'
import { counted, formatBytes, say } from './language.ts'
import { readText } from './options.ts'
import { ProgressLine } from './progress.ts'
import { Signals } from './serve.ts'

interface CollectOptions extends CollectFlags {
  readonly state?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

export function collectCommand(): Command {
  return new Command('collect')
    .argument('<source>', say('URL or file with accounts', 'URL ou fichier de comptes'))
    .description(
      say(
        'fetch mail from a POP3 server into a Maildir or mbox; each message once',
        'relever le courrier d’un serveur POP3 dans un Maildir ou un mbox ; chaque message une fois',
      ),
    )
    .option('--to <path>', say('where it goes', 'destination'))
    .option('--format <format>', say('maildir or mbox', 'maildir ou mbox'))
    .option('--after <what>', say('keep, delete, or delete after N days', 'keep, delete ou delete after N days'))
    .option('--password-stdin', say('read the password from standard input', 'lire le mot de passe sur l’entrée'))
    .option('--password-file <file>', say('read the password from a file', 'lire le mot de passe dans un fichier'))
    .option('--ca <file>', say('certificate to trust (PEM)', 'certificat de confiance (PEM)'))
    .option('--state <file>', say('records of what was fetched', 'registre de ce qui a été relevé'))
    .option('--dry-run', say('say what there is, change nothing', 'dire ce qu’il y a, sans rien changer'))
    .option('--json', say('print JSON', 'afficher en JSON'))
    .action(async (source: string, options: CollectOptions) => {
      const accounts = await collectAccounts(source, options)
      const signals = new Signals()
      const controller = new AbortController()
      void signals.stop.then(() => controller.abort())
      using state = new CollectState(path.resolve(options.state ?? defaultState()))
      const results: { readonly from: string; readonly report?: CollectReport; readonly error?: string }[] = []
      let exitCode: number = EXIT.ok
      for (const account of accounts) {
        const from = formatSourceUrl(account.from)
        try {
          const report = await run(account, state, options, controller.signal)
          results.push({ from, report })
          if (report.refused.length > 0) exitCode ||= EXIT.failed
          if (options.json !== true) process.stdout.write(`${sentences(account, report, options).join('\n')}\n`)
        } catch (error) {
          const failure = failureOf(error)
          if (accounts.length === 1 && options.json !== true) throw error
          exitCode ||= failure.exitCode
          results.push({ from, error: failure.text })
          if (options.json !== true) process.stderr.write(`malle: ${from}: ${failure.text}\n`)
        }
      }
      if (options.json === true) process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`)
      process.exitCode = exitCode
    })
}

/** Where other programs of a person keep what they remember (XDG base directories). */
function defaultState(): string {
  const base = process.env.XDG_STATE_HOME ?? path.join(homedir(), '.local', 'state')
  return path.join(base, 'malle', 'collect.db')
}

async function run(
  account: CollectAccount,
  state: CollectState,
  options: CollectOptions,
  signal: AbortSignal,
): Promise<CollectReport> {
  const { from, policy } = account
  if (from.protocol === 'imap') {
    throw new CliError(
      EXIT.usage,
      say('Only POP3 can be collected from yet.', 'Seul POP3 est possible pour l’instant.'),
    )
  }
  const tls: TlsOptions = account.ca === undefined ? {} : { ca: await readText(account.ca) }
  const { host, port, security, login } = from
  const password = await account.password()
  await using target = await openTarget(account)
  using line = new ProgressLine()
  return await collectInSessions({
    open: () =>
      openPop3Source(formatSourceUrl(from), {
        host,
        ...(port === undefined ? {} : { port }),
        security,
        tls,
        credentials: { login, password },
      }),
    target,
    state,
    policy,
    clock: systemClock,
    dryRun: options.dryRun === true,
    signal,
    progress: (progress) => line.show(progress),
  })
}

function openTarget({ to, format }: CollectAccount): Promise<CollectTarget> {
  return format === 'mbox' ? openMboxTarget(to, systemClock) : openMaildirTarget(to, systemClock)
}

/** What was done, for people. */
function sentences({ from, to, policy }: CollectAccount, report: CollectReport, options: CollectOptions): string[] {
  const where = `${from.login} (${from.host})`
  const said: string[] = report.refused.map(({ id, why }) =>
    say(`Message ${id} was not taken: ${why}`, `Le message ${id} n’a pas été pris : ${why}`),
  )
  if (report.maybeTwice > 0) {
    const n = counted(report.maybeTwice, ['message', 'messages'], ['message', 'messages'])
    said.push(
      say(
        `An earlier run ended over ${n}, which may be there twice now.`,
        `Une relève précédente s’est interrompue sur ${n}, peut-être en double maintenant.`,
      ),
    )
  }
  if (options.dryRun === true) {
    const there = messages(report.left)
    said.push(
      say(
        `${where} has ${there} to fetch and ${messages(report.known)} that are here already.`,
        `${where} : ${there} à relever, ${messages(report.known)} déjà ici.`,
      ),
    )
    return said
  }
  const size = report.taken === 0 ? '' : ` (${formatBytes(report.octets)})`
  const removed =
    report.removed === 0 ? '' : say(`, ${report.removed} deleted there`, `, ${report.removed} effacés là-bas`)
  const kept =
    report.known === 0 || policy.kind === 'delete' ? '' : say(`, ${report.known} known`, `, ${report.known} connus`)
  said.push(
    report.taken === 0
      ? say(`Nothing new from ${where}${kept}${removed}.`, `Rien de nouveau chez ${where}${kept}${removed}.`)
      : say(
          `Fetched ${messages(report.taken)}${size} from ${where} into ${to}${kept}${removed}.`,
          `Relevé ${messages(report.taken)}${size} de ${where} dans ${to}${kept}${removed}.`,
        ),
  )
  return said
}

function messages(count: number): string {
  return counted(count, ['message', 'messages'], ['message', 'messages'])
}
