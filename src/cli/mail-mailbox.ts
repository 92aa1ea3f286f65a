/** Mailboxes and messages as people name them. @module */
import { RefusedError } from '#client/errors.ts'
import type { ImapClient } from '#client/imap/imap-client.ts'
import type { ListedMailbox, MailboxRole } from '#client/imap/listed-mailbox.ts'
import type { SelectedMailbox } from '#client/imap/selected-mailbox.ts'
import { EXIT } from '#lib/exit-codes.ts'
import type { UidSet } from '#mail/uid-set.ts'
import { parseUidSet } from '#wire/imap/message-set.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import { oneLine } from './mail-text.ts'

/** What a mailbox may be called instead of its name on the server. */
const ROLES: ReadonlyMap<string, MailboxRole> = new Map([
  ['sent', 'sent'],
  ['drafts', 'drafts'],
  ['trash', 'trash'],
  ['junk', 'junk'],
  ['spam', 'junk'],
  ['archive', 'archive'],
])

/** The mailbox of this name, else the one for this purpose (`sent`, `trash` …), else one that only begins with `INBOX` or has another separator. @throws {CliError} There is none. */
export async function mailboxName(client: ImapClient, named: string): Promise<string> {
  if (named.toUpperCase() === 'INBOX') return 'INBOX'
  const mailboxes = await client.list()
  if (mailboxes.some(({ name, noSelect }) => name === named && !noSelect)) return named
  const role = ROLES.get(named.toLowerCase())
  const special = role === undefined ? undefined : (await client.specialMailboxes()).get(role)
  if (special !== undefined) return special.name
  const meant = mailboxes.find((mailbox) => !mailbox.noSelect && plainName(mailbox) === named)
  if (meant !== undefined) return meant.name
  throw new CliError(
    EXIT.noSuchThing,
    say(`There is no mailbox "${oneLine(named)}".`, `Il n’y a pas de dossier « ${oneLine(named)} ».`),
  )
}

/** `Lists/ietf` for `INBOX.Lists.ietf` of servers that write names so. */
function plainName({ name, delimiter }: ListedMailbox): string {
  if (delimiter === undefined) return name
  const [first = '', ...rest] = name.split(delimiter)
  return (rest.length > 0 && first.toUpperCase() === 'INBOX' ? rest : [first, ...rest]).join('/')
}

/** Opens it. */
export async function openMailbox(client: ImapClient, named: string, readOnly: boolean): Promise<SelectedMailbox> {
  const name = await mailboxName(client, named)
  try {
    return await client.select(name, { readOnly })
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    throw new CliError(EXIT.noSuchThing, `${oneLine(name)}: ${oneLine(error.text)}`, { cause: error })
  }
}

/** UIDs such as `5 7:9 12,14`. @throws {CliError} */
export function uidsNamed(words: readonly string[]): UidSet {
  const text = words.join(',')
  const set = parseUidSet(text)
  if (set !== undefined) return set
  throw new CliError(
    EXIT.usage,
    say(
      `"${oneLine(text)}" names no messages; write their numbers, such as 5 or 7:9.`,
      `« ${oneLine(text)} » ne désigne pas de messages ; écrivez leurs numéros, comme 5 ou 7:9.`,
    ),
  )
}

/** The refusal for a message that is not there. */
export function noMessage(uid: string | number): CliError {
  return new CliError(EXIT.noSuchThing, say(`There is no message ${uid}.`, `Il n’y a pas de message ${uid}.`))
}
