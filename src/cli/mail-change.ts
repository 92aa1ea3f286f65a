/** `malle mail move` and `malle mail flag`. @module */
import { Command } from 'commander'
import type { ImapClient } from '#client/imap/imap-client.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { formatUidSet, type UidSet, uidSetSize } from '#mail/uid-set.ts'
import { CliError } from './cli-error.ts'
import { counted, say } from './language.ts'
import { type AccountFlags, onMail, withAccount } from './mail-account.ts'
import { mailboxName, noMessage, openMailbox, uidsNamed } from './mail-mailbox.ts'
import { oneLine } from './mail-text.ts'
import { show } from './output.ts'

interface ChangeFlags extends AccountFlags {
  readonly mailbox: string
}

export function moveCommand(): Command {
  return withAccount(new Command('move'))
    .argument('<uids...>', say('numbers of messages, such as 5 7:9', 'numéros des messages, comme 5 7:9'))
    .description(say('move messages to another mailbox', 'déplacer des messages dans un autre dossier'))
    .requiredOption(
      '--to <name>',
      say('where they go: a name, or trash, archive …', 'destination : un nom, ou trash, archive…'),
    )
    .option('--mailbox <name>', say('where they are', 'où ils sont'), 'INBOX')
    .action(async (named: string, words: readonly string[], flags: ChangeFlags & { readonly to: string }) => {
      const asked = uidsNamed(words)
      await onMail(named, flags, async (client) => {
        const to = await mailboxName(client, flags.to)
        await openMailbox(client, flags.mailbox, false)
        const uids = await existing(client, asked)
        await client.move(uids, to)
        show(flags, { moved: uidSetSize(uids), to }, () =>
          say(`Moved ${messages(uids)} to ${oneLine(to)}.`, `Déplacé dans ${oneLine(to)} : ${messages(uids)}.`),
        )
      })
    })
}

export function flagCommand(): Command {
  return withAccount(new Command('flag'))
    .argument('<uids...>', say('numbers of messages, such as 5 7:9', 'numéros des messages, comme 5 7:9'))
    .description(say('mark messages, or take marks away', 'marquer des messages, ou retirer des marques'))
    .option(
      '--add <names...>',
      say('seen, flagged, answered, draft, or a keyword', 'seen, flagged, answered, draft ou un mot-clé'),
    )
    .option('--remove <names...>', say('marks to take away', 'marques à retirer'))
    .option('--mailbox <name>', say('where they are', 'où ils sont'), 'INBOX')
    .action(
      async (
        named: string,
        words: readonly string[],
        flags: ChangeFlags & { readonly add?: readonly string[]; readonly remove?: readonly string[] },
      ) => {
        const asked = uidsNamed(words)
        const [add, remove] = [flagsNamed(flags.add ?? []), flagsNamed(flags.remove ?? [])]
        if (add.length + remove.length === 0)
          throw new CliError(
            EXIT.usage,
            say('Say which marks: --add or --remove.', 'Indiquez les marques : --add ou --remove.'),
          )
        await onMail(named, flags, async (client) => {
          await openMailbox(client, flags.mailbox, false)
          const uids = await existing(client, asked)
          if (add.length > 0) await client.store(uids, { add })
          if (remove.length > 0) await client.store(uids, { remove })
          show(flags, { changed: uidSetSize(uids), added: add, removed: remove }, () =>
            say(`Changed ${messages(uids)}.`, `Modifié : ${messages(uids)}.`),
          )
        })
      },
    )
}

/** Those that are there; none is a refusal. */
async function existing(client: ImapClient, asked: UidSet): Promise<UidSet> {
  const { uids, count } = await client.search({ uids: asked })
  if (count === 0) throw noMessage(formatUidSet(asked))
  return uids
}

const SYSTEM: ReadonlyMap<string, string> = new Map(
  ['Seen', 'Flagged', 'Answered', 'Draft', 'Deleted'].map((name) => [name.toLowerCase(), `\\${name}`]),
)

/** Flags as IMAP has them: `seen` is `\Seen`, anything else a keyword (RFC 9051 §9, flag-keyword). */
function flagsNamed(names: readonly string[]): readonly string[] {
  return names.map((name) => {
    const system = SYSTEM.get(name.replace(/^\\/, '').toLowerCase())
    if (system !== undefined) return system
    if (/^[!#$&'+,./:;<=>?@A-Z^_`a-z|~0-9-]+$/.test(name)) return name
    throw new CliError(
      EXIT.usage,
      say(`"${oneLine(name)}" cannot be a mark.`, `« ${oneLine(name)} » ne peut pas être une marque.`),
    )
  })
}

function messages(uids: UidSet): string {
  return counted(uidSetSize(uids), ['message', 'messages'], ['message', 'messages'])
}
