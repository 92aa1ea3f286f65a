import { type Command, type Completion, command, LOGGED_IN } from '../command.ts'
import { refusalCompletion } from '../completion.ts'
import { writeOldName } from '../list-response.ts'
import { type GivenName, readGivenName } from '../mailbox-names.ts'
import { placeForNew, reach } from '../resolve.ts'

interface Args {
  readonly from: GivenName
  readonly to: GivenName
}

const STAYS: Completion = { status: 'NO', code: 'CANNOT', text: 'The mailbox stays with its owner' }

/** RENAME (RFC 9051 §6.3.6). What is below goes along, for which `x` on the mailbox itself is enough (RFC 4314 §4). */
export const rename: Command = command<Args>({
  name: 'RENAME',
  states: LOGGED_IN,
  // rename = "RENAME" SP mailbox SP mailbox
  parse(r) {
    const from = readGivenName(r.sp())
    const to = readGivenName(r.sp())
    r.end()
    return { from, to }
  },
  async run({ from, to }, _by, context) {
    const { store, actor, out, enabled, session } = context
    const name = to.name.length > 1 ? to.name.replace(/\/$/, '') : to.name
    const found = await reach(context, from.name, 'x')
    if (!found.ok) return found.error
    const place = await placeForNew(context, name)
    if (!place.ok) return place.error
    const { account, info, user } = found.value
    if (place.value.account.id !== account.id) return STAYS
    // That would take all messages out of it (RFC 9051 §6.3.6).
    if (user !== undefined && info.name === 'INBOX') return STAYS
    const answer = await store.write('renameMailbox', { account, by: actor, from: info.name, to: place.value.path })
    if (!answer.ok) return refusalCompletion(answer.error)
    // INBOX has lost its messages then, which the view must show before the answer.
    if (session.selected?.account.id === account.id) session.selected.expect(answer.value.modseq)
    const oldName = from.oldName ?? (to.oldName === undefined ? undefined : from.name)
    writeOldName(out, enabled, name, oldName)
    return { status: 'OK', text: 'Renamed' }
  },
})
