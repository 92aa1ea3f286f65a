/**
 * `malle mail watch`: says what arrives, as it arrives, in one mailbox or in many. One connection hears of all of them
 * where the server has NOTIFY (RFC 5465); elsewhere the first few mailboxes have a connection each that idles, and the
 * others are asked after. Lines are fetched by a connection of their own, so that no mailbox goes unwatched meanwhile.
 * @module
 */
import { setTimeout } from 'node:timers/promises'
import { Command, Option } from 'commander'
import { RefusedError } from '#client/errors.ts'
import type { MailboxEvent } from '#client/imap/events.ts'
import type { ImapClient } from '#client/imap/imap-client.ts'
import { EXIT } from '#lib/exit-codes.ts'
import type { NotifyGroup } from '#wire/imap/notify-request.ts'
import { CliError } from './cli-error.ts'
import { counted, say } from './language.ts'
import { type AccountFlags, type MailAccount, onAccount, withAccount } from './mail-account.ts'
import { Arrivals } from './mail-arrivals.ts'
import { mailboxName } from './mail-mailbox.ts'
import { formatRows, terminalStyle } from './mail-rows.ts'
import { oneLine } from './mail-text.ts'
import { print } from './output.ts'
import { Signals } from './signals.ts'
import { displayWidth } from './width.ts'

interface WatchFlags extends AccountFlags {
  readonly mailbox: readonly string[]
  readonly all?: boolean
}

/** Mailboxes that have a connection each where the server has no NOTIFY; servers allow some ten a person. */
const IDLE_CONNECTIONS = 5
/** A server for which too much happened at once is asked again after so long. */
const OVERFLOW_MS = 1_000

export function watchCommand(): Command {
  return withAccount(new Command('watch'))
    .description(
      say('print messages as they arrive, until Ctrl-C', 'afficher les messages à leur arrivée, jusqu’à Ctrl-C'),
    )
    .addOption(new Option('--mailbox <names...>', say('which ones', 'lesquels')).default(['INBOX'], 'INBOX'))
    .option('--all', say('every mailbox', 'tous les dossiers'))
    .action(async (named: string, flags: WatchFlags) => {
      const signals = new Signals()
      const controller = new AbortController()
      void signals.stop.then(() => controller.abort())
      await onAccount(named, flags, (account) => watch(account, flags, controller.signal))
    })
}

async function watch(account: MailAccount, flags: WatchFlags, signal: AbortSignal): Promise<void> {
  if (!account.running)
    throw new CliError(
      EXIT.unavailable,
      say(
        'The server of this store is stopped, so nothing arrives: start it with "malle serve".',
        'Le serveur de ce stockage est arrêté, rien n’arrive : lancez-le avec « malle serve ».',
      ),
    )
  const client = await account.connect({ lasting: true })
  const names = await namesOf(client, flags)
  const reader = await account.connect({ lasting: true })
  const widest = Math.max(...names.map((name) => displayWidth(oneLine(name))))
  const arrivals = await Arrivals.begin(reader, names, (mailbox, row) => {
    const many = names.length > 1
    if (flags.json === true) print(JSON.stringify(many ? { mailbox, ...row } : row))
    else print(formatRows([row], { ...terminalStyle(), steady: { mailbox: many ? oneLine(mailbox) : '', widest } }))
  })
  const [only = ''] = names
  const what =
    names.length > 1 ? counted(names.length, ['mailbox', 'mailboxes'], ['dossier', 'dossiers']) : oneLine(only)
  const watching = watchAll(account, client, names, arrivals, signal)
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
  process.stderr.write(`${say(`Watching ${what}.`, `Surveillance : ${what}.`)}\n`)
  // whatever is waited for then, such as a server that is away
  await Promise.race([watching, stopped])
}

async function namesOf(client: ImapClient, { all, mailbox }: WatchFlags): Promise<readonly string[]> {
  if (all === true) return (await client.list()).filter(({ noSelect }) => !noSelect).map(({ name }) => name)
  const names = new Set<string>()
  for (const each of mailbox) names.add(await mailboxName(client, each))
  return [...names]
}

/** Watches until the signal. */
async function watchAll(
  account: MailAccount,
  client: ImapClient,
  names: readonly string[],
  arrivals: Arrivals,
  signal: AbortSignal,
): Promise<void> {
  const notify = async (on: ImapClient, some: readonly string[]): Promise<void> => {
    while ((await follow(await on.notify(groupsOf(some), { signal }), some, arrivals, signal)) === 'overflow')
      await setTimeout(OVERFLOW_MS, undefined, { ref: false })
  }
  if (names.length > 1 && client.capabilities.has('NOTIFY')) {
    try {
      return await notify(client, names)
    } catch (error) {
      // more mailboxes than the server will watch (RFC 5465 §3.1)
      if (!(error instanceof RefusedError)) throw error
    }
  }
  const idle = async (on: ImapClient, name: string): Promise<void> => {
    await on.select(name, { readOnly: true })
    while ((await follow(on.watch({ signal }), [name], arrivals, signal)) === 'overflow');
  }
  const [first = 'INBOX', ...rest] = names
  const watched = [idle(client, first)]
  for (const name of rest.slice(0, IDLE_CONNECTIONS - 1))
    watched.push(account.connect({ lasting: true }).then((more) => idle(more, name)))
  const others = rest.slice(IDLE_CONNECTIONS - 1)
  if (others.length > 0) watched.push(account.connect({ lasting: true }).then((more) => notify(more, others)))
  await Promise.all(watched)
}

/** Dovecot 2.3 hears nothing of a name in other letters than ASCII: one's own mailboxes are asked for without it then. */
function groupsOf(names: readonly string[]): readonly NotifyGroup[] {
  const events: NotifyGroup['events'] = [{ kind: 'MessageNew', items: [] }, { kind: 'MessageExpunge' }]
  const named: NotifyGroup = { filter: { kind: 'mailboxes', names }, events }
  return names.every((name) => /^[\x20-\x7e]*$/.test(name))
    ? [named]
    : [named, { filter: { kind: 'personal' }, events }]
}

/**
 * Looks where something happened; after a break, everywhere.
 * @returns `overflow`: the server has stopped telling (RFC 5465 §5.8).
 */
async function follow(
  events: AsyncIterable<MailboxEvent>,
  names: readonly string[],
  arrivals: Arrivals,
  signal: AbortSignal,
): Promise<'overflow' | 'over'> {
  // what came between the first look and now
  for (const name of names) await arrivals.look(name)
  for await (const event of events) {
    switch (event.kind) {
      case 'alert':
        process.stderr.write(`${oneLine(event.text)}\n`)
        break
      case 'lost':
        process.stderr.write(
          `${say('The connection is lost; it is made again.', 'La connexion est perdue ; elle est refaite.')}\n`,
        )
        break
      case 'status':
        await arrivals.look(event.mailbox)
        break
      case 'overflow':
        return 'overflow'
      case 'exists':
      case 'resumed':
      case 'reset':
        for (const name of names) await arrivals.look(name)
        break
      case 'expunged':
      case 'vanished':
      case 'flags':
      case 'mailbox':
        break
    }
    if (signal.aborted) break
  }
  return 'over'
}
