import { type Command, command, LOGGED_IN } from '../command.ts'
import { refusalCompletion } from '../completion.ts'
import { writeOldName } from '../list-response.ts'
import { type GivenName, readGivenName } from '../mailbox-names.ts'
import { isOnTheWay, mailboxTree } from '../mailbox-tree.ts'
import { isOfOthers } from '../other-names.ts'
import { NO_MAILBOX, reach } from '../resolve.ts'

/** DELETE (RFC 9051 §6.3.5). What is below stays. Sessions that have the mailbox selected are ended, ours is not. */
export const remove: Command = command<GivenName>({
  name: 'DELETE',
  states: LOGGED_IN,
  // delete = "DELETE" SP mailbox
  parse(r) {
    const name = readGivenName(r.sp())
    r.end()
    return name
  },
  async run({ name, oldName }, _by, context) {
    const { store, actor, out, enabled, session } = context
    const found = await reach(context, name, 'x')
    if (!found.ok) {
      if (found.error !== NO_MAILBOX) return found.error
      const { nodes } = await mailboxTree(context, isOfOthers(name))
      return nodes.some((node) => node.name === name && isOnTheWay(node))
        ? { status: 'NO', code: 'HASCHILDREN', text: 'There are mailboxes below that name' }
        : NO_MAILBOX
    }
    const { account, info } = found.value
    const answer = await store.write('deleteMailbox', { account, by: actor, mailbox: info.key })
    if (!answer.ok) return refusalCompletion(answer.error)
    if (session.selected?.isOf(found.value) === true) {
      session.select(undefined)
      out.text('* OK [CLOSED] ').line('The selected mailbox is no more')
    }
    writeOldName(out, enabled, name, oldName, ['\\NonExistent'])
    return { status: 'OK', text: 'Deleted' }
  },
})
