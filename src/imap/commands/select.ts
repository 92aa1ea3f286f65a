/** SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3, RFC 7162 §3.1.8, §3.2.5, RFC 8474 §4.2). @module */
import { SYSTEM_FLAG_NAMES } from '#store/flags.ts'
import type { MailboxInfo } from '#store/types.ts'
import type { SelectParams } from '#wire/imap/select-params.ts'
import { type Command, type CommandSpec, type Context, command, LOGGED_IN } from '../command.ts'
import { attributesOf, writeList } from '../list-response.ts'
import { type GivenName, readGivenName } from '../mailbox-names.ts'
import { mailboxTree } from '../mailbox-tree.ts'
import { UID_REQUIRED } from '../message-commands.ts'
import { mailboxId } from '../object-ids.ts'
import { isOfOthers } from '../other-names.ts'
import { writeSince } from '../qresync.ts'
import { hasOneOf, NO_MAILBOX, type Reached, reach } from '../resolve.ts'
import type { SelectedView } from '../selected.ts'
import { openView } from '../view.ts'

interface Args {
  readonly mailbox: GivenName
  readonly params: SelectParams
}

export const select: Command = command(selecting(false))
export const examine: Command = command(selecting(true))

function selecting(readOnly: boolean): CommandSpec<Args> {
  return {
    name: readOnly ? 'EXAMINE' : 'SELECT',
    states: LOGGED_IN,
    // select = "SELECT" SP mailbox [select-params]
    parse(r) {
      const mailbox = readGivenName(r.sp())
      const params = r.selectParams()
      r.end()
      return { mailbox, params }
    },
    async run({ mailbox, params }, _by, context) {
      const { enabled, out, session } = context
      if (params.qresync !== undefined && !enabled.qresync) return { status: 'BAD', text: 'Enable QRESYNC first' }
      // RFC 9586 §3.7: the fourth parameter has message numbers.
      if (params.qresync?.match !== undefined && enabled.uidOnly) return UID_REQUIRED
      // Whatever comes of it, the mailbox before is left (RFC 9051 §6.3.2).
      if (session.selected !== undefined) {
        session.select(undefined)
        out.text('* OK [CLOSED] ').line('The mailbox before is left')
      }
      if (params.condstore || params.qresync !== undefined) enabled.condstore = true
      const found = await reach(context, mailbox.name, 'r')
      if (!found.ok) return found.error
      const { info } = found.value
      const view = await openView(context, found.value, { readOnly })
      if (view === undefined) return NO_MAILBOX
      session.select(view)
      await describe(context, info, view)
      if (enabled.rev2) await writeOwnList(context, mailbox)
      const { qresync } = params
      if (qresync !== undefined && qresync.uidValidity === info.uidValidity) await writeSince(context, view, qresync)
      session.note({ mailbox: mailbox.name, state: 'selected' })
      const code = readOnly || isReadOnly(found.value) ? 'READ-ONLY' : 'READ-WRITE'
      return { status: 'OK', code, text: readOnly ? 'Examined' : 'Selected' }
    },
  }
}

const NEW_KEYWORDS = 'New keywords are welcome'
const NO_CHANGES = 'Nothing can be changed here'

/** None of the rights that change something for others, too; `\Seen` of a guest does not (RFC 4314 §5.2). */
function isReadOnly({ user, rights }: Reached): boolean {
  return user !== undefined && !hasOneOf(rights, 'iewt')
}

async function describe({ store, enabled, out }: Context, info: MailboxInfo, view: SelectedView): Promise<void> {
  // Those of other mailboxes are nothing for who may not read them.
  const keywords = [
    ...(view.guest === undefined ? keywordsOf(await store.keywordSets(view.account, 0)) : view.keywordNames()),
  ]
  out.text(`* FLAGS (${[...SYSTEM_FLAG_NAMES, ...keywords].join(' ')})\r\n`)
  const permanent = view.permanentFlags(keywords)
  const text = permanent.endsWith('*') ? NEW_KEYWORDS : permanent === '' ? NO_CHANGES : 'These flags can be changed'
  out.text(`* OK [PERMANENTFLAGS (${permanent})] `).line(text)
  out.text(`* ${view.messages} EXISTS\r\n`)
  if (!enabled.rev2) {
    out.text('* 0 RECENT\r\n')
    // A message number, which a client of UIDONLY must not see (RFC 9586 §3).
    const unseen = enabled.uidOnly ? undefined : view.firstUnseen()
    if (unseen !== undefined) out.text(`* OK [UNSEEN ${unseen}] `).line('The first unseen')
  }
  out.text(`* OK [UIDVALIDITY ${info.uidValidity}] `).line('UIDs are valid')
  out.text(`* OK [UIDNEXT ${view.uidNext}] `).line('The next UID')
  out.text(`* OK [HIGHESTMODSEQ ${view.modseq}] `).line('Changes are counted')
  out.text(`* OK [MAILBOXID (${mailboxId(info.key, view.others)})] `).line('The mailbox has an id')
}

/** Every keyword in use in the account, each in the spelling of its first use. */
function keywordsOf(sets: readonly (readonly string[])[]): Iterable<string> {
  const keywords = new Map<string, string>()
  for (const set of sets)
    for (const keyword of set) if (!keywords.has(keyword.toLowerCase())) keywords.set(keyword.toLowerCase(), keyword)
  return keywords.values()
}

/** rev2 wants the mailbox's LIST line, with the name the client used if that was another (RFC 9051 §6.3.2). */
async function writeOwnList(context: Context, { name, oldName }: GivenName): Promise<void> {
  const { nodes } = await mailboxTree(context, isOfOthers(name))
  const node = nodes.find((each) => each.name === name)
  if (node !== undefined)
    writeList(context.out, 'LIST', attributesOf(node, { nonExistent: true, subscribed: true }), name, { oldName })
}
