import type { SpecialUse } from '#store/types.ts'
import { type Command, command, LOGGED_IN } from '../command.ts'
import { refusalCompletion } from '../completion.ts'
import { writeOldName } from '../list-response.ts'
import { type GivenName, readGivenName } from '../mailbox-names.ts'
import { mailboxId } from '../object-ids.ts'
import { placeForNew } from '../resolve.ts'

interface Args {
  readonly mailbox: GivenName
  /** With the backslash. */
  readonly uses: readonly string[]
}

/** Uses that a mailbox of messages can have; \All and \Flagged would be views of other mailboxes. */
const USES: ReadonlyMap<string, SpecialUse> = new Map([
  ['\\Archive', 'Archive'],
  ['\\Drafts', 'Drafts'],
  ['\\Important', 'Important'],
  ['\\Junk', 'Junk'],
  ['\\Sent', 'Sent'],
  ['\\Trash', 'Trash'],
])

/** CREATE (RFC 9051 §6.3.4), with USE (RFC 6154 §3), answering MAILBOXID (RFC 8474 §4.1). */
export const create: Command = command<Args>({
  name: 'CREATE',
  states: LOGGED_IN,
  // create = "CREATE" SP mailbox [create-param]
  parse(r) {
    const mailbox = readGivenName(r.sp())
    const uses = r.createUse() ?? []
    r.end()
    return { mailbox, uses }
  },
  async run({ mailbox, uses }, _by, context) {
    const { store, actor, out, enabled } = context
    const specialUse = uses[0] === undefined ? undefined : USES.get(uses[0])
    if (uses.length > 1) return { status: 'NO', code: 'USEATTR', text: 'A mailbox has one special use here' }
    if (uses.length > 0 && specialUse === undefined)
      return { status: 'NO', code: 'USEATTR', text: 'That special use is not supported' }
    // "foo/" only declares that something will be below it (RFC 9051 §6.3.4).
    const name = mailbox.name.length > 1 ? mailbox.name.replace(/\/$/, '') : mailbox.name
    const found = await placeForNew(context, name)
    if (!found.ok) return found.error
    const { account, path } = found.value
    const of = account.id === context.account.id ? undefined : account.id
    if (specialUse !== undefined && of !== undefined)
      return { status: 'NO', code: 'USEATTR', text: 'Special uses are for the owner to give' }
    const answer = await store.write('createMailbox', { account, by: actor, name: path, specialUse })
    if (!answer.ok) return refusalCompletion(answer.error)
    if (!mailbox.oldName?.endsWith('/')) writeOldName(out, enabled, name, mailbox.oldName)
    return { status: 'OK', code: `MAILBOXID (${mailboxId(answer.value.mailbox.key, of)})`, text: 'Created' }
  },
})
