/** `malle collect`: mail from a mailbox elsewhere into files of this machine. @module */
import { homedir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Command } from 'commander'
import type { ConnectOptions } from '#client/connect-options.ts'
import type { Credentials } from '#client/sasl.ts'
import type { TlsOptions } from '#client/tls.ts'
import { systemClock } from '#lib/clock.ts'
import { EXIT } from '#lib/exit-codes.ts'
import type { CollectReport } from '#transfer/collect/collect.ts'
import { openCommandTarget } from '#transfer/collect/command-target.ts'
import { arrivals, openImapSource } from '#transfer/collect/imap-source.ts'
import { openMaildirTarget } from '#transfer/collect/maildir-target.ts'
import { openMboxTarget } from '#transfer/collect/mbox-target.ts'
import { openPop3Source } from '#transfer/collect/pop3-source.ts'
import { collectInSessions } from '#transfer/collect/sessions.ts'
import { CollectState } from '#transfer/collect/state.ts'
import type { CollectTarget } from '#transfer/collect/target.ts'
import { formatSourceUrl } from '#transfer/source-url.ts'
import { CliError } from './cli-error.ts'
import { type CollectAccount, type CollectFlags, collectAccounts } from './collect-accounts.ts'
import { collectSentences } from './collect-words.ts'
import { print } from './context.ts'
import { failureOf } from './failure.ts'
import { say } from './language.ts'
import { readText } from './options.ts'
import { ProgressLine } from './progress.ts'
import { Signals } from './signals.ts'

interface CollectOptions extends CollectFlags {
  readonly state?: string
  readonly every?: string
  readonly push?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
}

export function collectCommand(): Command {
  return new Command('collect')
    .argument('<source>', say('URL or file with accounts', 'URL ou fichier de comptes'))
    .description(
      say(
        'fetch mail from a POP3 or IMAP server into a Maildir or mbox; each message once',
        'relever le courrier d’un serveur POP3 ou IMAP dans un Maildir ou un mbox ; chaque message une fois',
      ),
    )
    .option('--to <path>', say('where it goes', 'destination'))
    .option('--format <format>', say('maildir, mbox or command', 'maildir, mbox ou command'))
    .option('--envelope <field>', say('who it was for, with LMTP', 'champ du destinataire, avec LMTP'))
    .option('--after <what>', say('keep, delete, or delete after N days', 'keep, delete ou delete after N days'))
    .option('--password-stdin', say('read the password from standard input', 'lire le mot de passe sur l’entrée'))
    .option('--password-file <file>', say('read the password from a file', 'lire le mot de passe dans un fichier'))
    .option('--ca <file>', say('certificate to trust (PEM)', 'certificat de confiance (PEM)'))
    .option('--state <file>', say('records of what was fetched', 'registre de ce qui a été relevé'))
    .option('--every <time>', say('again and again, such as 5m', 'encore et encore, par exemple 5m'))
    .option('--push', say('whenever something comes (IMAP)', 'dès que quelque chose arrive (IMAP)'))
    .option('--dry-run', say('say what there is, change nothing', 'dire ce qu’il y a, sans rien changer'))
    .option('--json', say('print JSON', 'afficher en JSON'))
    .action(async (source: string, options: CollectOptions) => {
      const accounts = await collectAccounts(source, options)
      const signals = new Signals()
      const controller = new AbortController()
      void signals.stop.then(() => controller.abort())
      using state = new CollectState(path.resolve(options.state ?? defaultState()))
      const { signal } = controller
      const again = every(options.every)
      if (options.push === true) return void (process.exitCode = await pushed(accounts, state, options, signal))
      do process.exitCode = await round(accounts, state, options, signal)
      while (again !== undefined && (await waited(again, signal)))
    })
}

interface Result {
  readonly from: string
  readonly report?: CollectReport
  readonly error?: string
}

/** Every account once. @returns The exit code: that of the first failure. */
async function round(
  accounts: readonly CollectAccount[],
  state: CollectState,
  options: CollectOptions,
  signal: AbortSignal,
): Promise<number> {
  const results: Result[] = []
  let exitCode: number = EXIT.ok
  for (const account of accounts) {
    const from = formatSourceUrl(account.from)
    try {
      const report = await run(account, state, options, signal)
      results.push({ from, report })
      if (report.refused.length > 0) exitCode ||= EXIT.failed
      if (options.json !== true) print(collectSentences(account, report, options.dryRun === true).join('\n'))
    } catch (error) {
      const { exitCode: code, text } = failureOf(error)
      exitCode ||= code
      results.push({ from, error: text })
      if (options.json !== true) process.stderr.write(`malle: ${accounts.length > 1 ? `${from}: ` : ''}${text}\n`)
    }
  }
  if (options.json === true) print(JSON.stringify(results, undefined, 2))
  return exitCode
}

/** Each account whenever its server says that something came; those that cannot be watched end it. */
async function pushed(
  accounts: readonly CollectAccount[],
  state: CollectState,
  options: CollectOptions,
  signal: AbortSignal,
): Promise<number> {
  if (accounts.some(({ from }) => from.protocol !== 'imap')) {
    throw new CliError(
      EXIT.usage,
      say('POP3 cannot tell of new mail: use --every 5m.', 'POP3 n’annonce pas le courrier : utilisez --every 5m.'),
    )
  }
  // the records have one writer: one account at a time
  let turn: Promise<unknown> = Promise.resolve()
  let exitCode: number = EXIT.ok
  await Promise.all(
    accounts.map(async (account) => {
      for await (const _ of arrivals(await serverOf(account), account.from.mailbox ?? 'INBOX', signal)) {
        turn = turn.then(async () => {
          exitCode = await round([account], state, options, signal)
        })
        await turn
      }
    }),
  ).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
  return exitCode
}

/** Waits; `false` when it is time to end. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  await pause(ms, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
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

async function run(
  account: CollectAccount,
  state: CollectState,
  options: CollectOptions,
  signal: AbortSignal,
): Promise<CollectReport> {
  const { from, policy } = account
  const server = await serverOf(account)
  const name = formatSourceUrl(from)
  await using target = await openTarget(account)
  using line = new ProgressLine()
  return await collectInSessions({
    open: () =>
      from.protocol === 'pop3' ? openPop3Source(name, server) : openImapSource(name, server, from.mailbox ?? 'INBOX'),
    target,
    state,
    policy,
    clock: systemClock,
    dryRun: options.dryRun === true,
    signal,
    progress: (progress) => line.show(progress),
  })
}

/** How to reach the server, and as whom. */
async function serverOf({
  from,
  ca,
  password,
}: CollectAccount): Promise<ConnectOptions & { credentials: Credentials }> {
  const { host, port, security, login } = from
  const tls: TlsOptions = ca === undefined ? {} : { ca: await readText(ca) }
  const credentials = { login, password: await password() }
  return { host, ...(port === undefined ? {} : { port }), security, tls, credentials }
}

async function openTarget({ to }: CollectAccount): Promise<CollectTarget> {
  switch (to.kind) {
    case 'maildir':
      return openMaildirTarget(to.path, systemClock)
    case 'mbox':
      return openMboxTarget(to.path, systemClock)
    case 'command':
      return openCommandTarget(to.command)
    case 'lmtp': {
      // the engine is only loaded where it is used
      const { openLmtpTarget } = await import('#transfer/collect/lmtp-target.ts')
      return openLmtpTarget(to)
    }
  }
}
