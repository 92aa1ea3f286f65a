/** `malle mail list` and `malle mail search`. @module */
import { Command } from 'commander'
import type { ImapClient } from '#client/imap/imap-client.ts'
import type { Uids } from '#client/imap/message-sets.ts'
import type { SearchQuery } from '#client/imap/search-query.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { normaliseUidSet, type UidSet } from '#mail/uid-set.ts'
import { CliError } from './cli-error.ts'
import { counted, formatBytes, say } from './language.ts'
import { type AccountFlags, onMail, withAccount } from './mail-account.ts'
import { openMailbox } from './mail-mailbox.ts'
import { formatRows, type MailRow, mailRow, ROW_QUERY, terminalStyle } from './mail-rows.ts'
import { parseTypedQuery } from './mail-search.ts'
import { oneLine } from './mail-text.ts'
import { show } from './output.ts'
import { formatTable } from './table.ts'

interface ListFlags extends AccountFlags {
  readonly mailbox: string
  readonly limit: string
  readonly unread?: boolean
  readonly mailboxes?: boolean
}

/** Messages that are looked at at once when they are sifted here. */
const SLICE = 200

export function listCommand(): Command {
  return withAccount(new Command('list'))
    .description(say('the newest messages of a mailbox', 'les derniers messages d’un dossier'))
    .option('--mailbox <name>', say('which one', 'lequel'), 'INBOX')
    .option('--limit <count>', say('at most so many', 'au plus ce nombre'), '20')
    .option('--unread', say('only unread ones', 'seulement les non lus'))
    .option('--mailboxes', say('mailboxes in place of messages', 'les dossiers au lieu des messages'))
    .action(async (named: string, flags: ListFlags) => {
      const limit = limitOf(flags.limit)
      await onMail(named, flags, async (client) => {
        if (flags.mailboxes === true) return showMailboxes(client, flags)
        const mailbox = await openMailbox(client, flags.mailbox, true)
        if (flags.unread === true) return showFound(client, flags, { seen: false }, false, limit)
        const { exists } = mailbox
        const first = Math.max(1, exists - limit + 1)
        const rows = exists === 0 ? [] : await fetchRows(client, `${first}:${exists}`, true)
        showRows(flags, rows, exists)
      })
    })
}

export function searchCommand(): Command {
  return withAccount(new Command('search'))
    .argument('<words...>', say('what to look for', 'ce qui est cherché'))
    .description(
      say(
        'find messages: words, from:ann since:7d unread has:attachment …',
        'trouver des messages : par mots, auteur, objet, date, pièces jointes…',
      ),
    )
    .option('--mailbox <name>', say('which one', 'lequel'), 'INBOX')
    .option('--limit <count>', say('at most so many', 'au plus ce nombre'), '50')
    .action(async (named: string, words: readonly string[], flags: ListFlags) => {
      const { query, attachment } = parseTypedQuery(words, new Date())
      const limit = limitOf(flags.limit)
      await onMail(named, flags, async (client) => {
        await openMailbox(client, flags.mailbox, true)
        await showFound(client, flags, query, attachment, limit)
      })
    })
}

/** Shows the newest of what is found. */
async function showFound(
  client: ImapClient,
  flags: AccountFlags,
  query: SearchQuery,
  attachment: boolean,
  limit: number,
): Promise<void> {
  const { uids, count } = await client.search(query)
  if (!attachment) return showRows(flags, count === 0 ? [] : await fetchRows(client, newest(uids, limit), false), count)
  const rows: MailRow[] = []
  for (let rest = uids; rest.length > 0 && rows.length < limit; ) {
    const slice = newest(rest, SLICE)
    const withOne = (await fetchRows(client, slice, false)).filter(({ attachments }) => attachments.length > 0)
    rows.push(...withOne.slice(0, limit - rows.length))
    const last = slice[0]?.[0] ?? 0
    rest = rest.flatMap(
      ([first, end]): UidSet => (first >= last ? [] : [[first, Math.min(end, last - 1) as typeof end]]),
    )
  }
  showRows(flags, rows, rows.length)
}

/** The so many highest UIDs. */
function newest(uids: UidSet, limit: number): UidSet {
  const kept: [number, number][] = []
  let left = limit
  for (const [first, last] of uids.toReversed()) {
    if (left <= 0) break
    const from = Math.max(first, last - left + 1)
    kept.push([from, last])
    left -= last - from + 1
  }
  return normaliseUidSet(kept)
}

/** Rows, the newest first. */
export async function fetchRows(client: ImapClient, uids: Uids, byNumber: boolean): Promise<MailRow[]> {
  const rows: MailRow[] = []
  for await (const message of client.fetch(uids, ROW_QUERY, { byNumber })) rows.push(mailRow(message))
  return rows.sort((a, b) => b.uid - a.uid)
}

function showRows(flags: AccountFlags, rows: readonly MailRow[], count: number): void {
  show(flags, rows, () => {
    if (rows.length === 0) return say('No messages.', 'Aucun message.')
    const lines = formatRows(rows, terminalStyle())
    if (count <= rows.length) return lines
    const all = counted(count, ['message', 'messages'], ['message', 'messages'])
    return say(
      `${lines}\n${rows.length} of ${all}; --limit shows more.`,
      `${lines}\n${rows.length} sur ${all} ; --limit en montre plus.`,
    )
  })
}

async function showMailboxes(client: ImapClient, flags: AccountFlags): Promise<void> {
  const listed = await client.list({ status: true })
  const mailboxes = listed
    .filter(({ noSelect }) => !noSelect)
    .map(({ name, role, status }) => ({
      name,
      role: role ?? null,
      messages: status?.MESSAGES ?? null,
      unseen: status?.UNSEEN ?? null,
      size: status?.SIZE ?? null,
    }))
  show(flags, mailboxes, () =>
    formatTable(
      [say('mailbox', 'dossier'), 'messages', say('unread', 'non lus'), say('size', 'taille')],
      mailboxes.map(({ name, messages, unseen, size }) => [
        oneLine(name),
        messages ?? '-',
        unseen ?? '-',
        size === null ? '-' : formatBytes(Number(size)),
      ]),
    ),
  )
}

function limitOf(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new CliError(
    EXIT.usage,
    say(`"${text}" is not a number from 1 on.`, `« ${text} » n’est pas un nombre à partir de 1.`),
  )
}
