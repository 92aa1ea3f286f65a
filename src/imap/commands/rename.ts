import { type Command, command, LOGGED_IN } from '../command.ts'
import { refusalCompletion } from '../completion.ts'
import { writeOldName } from '../list-response.ts'
import { type GivenName, readGivenName } from '../mailbox-names.ts'

interface Args {
  readonly from: GivenName
  readonly to: GivenName
}

/** RENAME (RFC 9051 §6.3.6). */
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
  async run({ from, to }, _by, { store, account, id, out, enabled, session }) {
    const name = to.name.length > 1 ? to.name.replace(/\/$/, '') : to.name
    const answer = await store.write('renameMailbox', { account, by: id, from: from.name, to: name })
    if (!answer.ok) return refusalCompletion(answer.error)
    // INBOX has lost its messages then, which the view must show before the answer.
    session.selected?.expect(answer.value.modseq)
    const oldName = from.oldName ?? (to.oldName === undefined ? undefined : from.name)
    writeOldName(out, enabled, name, oldName)
    return { status: 'OK', text: 'Renamed' }
  },
})
