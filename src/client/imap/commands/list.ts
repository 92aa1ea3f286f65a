/** LIST in all its forms (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154), LSUB and STATUS where it has not all of them. @module */
import { writeListRequest } from '#wire/imap/list-options.ts'
import type { ListResponse, StatusValues } from '#wire/imap/responses.ts'
import type { StatusItem } from '#wire/imap/status-items.ts'
import { ProtocolError } from '../../errors.ts'
import type { ImapCommand } from '../command.ts'
import type { ImapHost } from '../host.ts'
import { MAILBOXES } from '../limits.ts'
import { type ListedMailbox, listedMailbox } from '../listed-mailbox.ts'
import type { ImapSession } from '../session.ts'
import { status, statusItems } from './status.ts'

export interface ListQuery {
  /** With `*` for anything and `%` for one level; default `*`. */
  readonly pattern?: string
  /** Only those that are subscribed to. */
  readonly subscribed?: boolean
  /** Figures of each; `true`: messages, unseen, UIDNEXT, UIDVALIDITY, and HIGHESTMODSEQ and size where there are. */
  readonly status?: boolean | readonly StatusItem[]
}

/** Mailboxes in the order in which the server tells of them. */
export async function list(host: ImapHost, query: ListQuery): Promise<readonly ListedMailbox[]> {
  const { capabilities } = host.now ?? (await host.ready())
  const items = query.status === true ? statusItems(capabilities) : query.status === false ? undefined : query.status
  const extended = capabilities.has('LIST-EXTENDED')
  const withStatus = extended && capabilities.has('LIST-STATUS')
  const pattern = query.pattern ?? '*'
  const named = (verb: 'LIST' | 'LSUB', only: boolean) =>
    host.run((session) =>
      listCommand(session, { verb, extended, pattern, subscribed: only, status: withStatus ? items : undefined }),
    )
  if (extended) {
    const { mailboxes, figures } = await named('LIST', query.subscribed === true)
    const listed = mailboxes.map((each) => listedMailbox(each, { status: figures.get(each.mailbox) }))
    return items === undefined || withStatus ? listed : addStatus(host, listed, items)
  }
  const [all, subscribed] = await Promise.all([named('LIST', false), named('LSUB', false)])
  const names = new Set(subscribed.mailboxes.map(({ mailbox }) => mailbox))
  const listed = all.mailboxes.map((each) => listedMailbox(each, { subscribed: names.has(each.mailbox) }))
  const wanted = query.subscribed === true ? listed.filter((each) => each.subscribed) : listed
  return items === undefined ? wanted : addStatus(host, wanted, items)
}

async function addStatus(
  host: ImapHost,
  mailboxes: readonly ListedMailbox[],
  items: readonly StatusItem[],
): Promise<readonly ListedMailbox[]> {
  return Promise.all(
    mailboxes.map(async (mailbox) =>
      mailbox.noSelect ? mailbox : { ...mailbox, status: await host.run(() => status(mailbox.name, items, true)) },
    ),
  )
}

interface ListArguments {
  readonly verb: 'LIST' | 'LSUB'
  readonly extended: boolean
  readonly pattern: string
  readonly subscribed: boolean
  readonly status: readonly StatusItem[] | undefined
}

interface ListAnswer {
  readonly mailboxes: readonly ListResponse[]
  readonly figures: ReadonlyMap<string, StatusValues>
}

function listCommand({ capabilities }: ImapSession, args: ListArguments): ImapCommand<ListAnswer> {
  const { verb, extended, pattern, subscribed } = args
  const mailboxes: ListResponse[] = []
  const figures = new Map<string, StatusValues>()
  return {
    name: verb,
    repeatable: true,
    write(w) {
      w.text(`${verb} `)
      if (!extended) return w.text('"" ').listMailbox(pattern)
      writeListRequest(w, {
        extended: true,
        selection: { subscribed, remote: false, recursiveMatch: false, specialUse: false },
        reference: '',
        patterns: [pattern],
        returns: {
          subscribed: true,
          children: true,
          specialUse: capabilities.has('SPECIAL-USE'),
          status: args.status,
          myRights: false,
          metadata: undefined,
        },
      })
    },
    take(response) {
      if (response.kind === verb) {
        if (mailboxes.length === MAILBOXES) throw new ProtocolError(`The server lists more than ${MAILBOXES} mailboxes`)
        mailboxes.push(response)
      } else if (response.kind === 'STATUS' && args.status !== undefined) figures.set(response.mailbox, response.values)
      else return false
      return true
    },
    finish: () => ({ mailboxes, figures }),
  }
}
