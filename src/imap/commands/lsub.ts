import { type Command, command, LOGGED_IN } from '../command.ts'
import { attributesOf, writeList } from '../list-response.ts'
import { mailboxTree } from '../mailbox-tree.ts'
import { mayListOthers, patternTest } from './list.ts'

interface Args {
  readonly reference: string
  readonly pattern: string
}

/** LSUB (RFC 3501 §6.3.9), which rev2 has replaced by LIST (SUBSCRIBED). */
export const lsub: Command = command<Args>({
  name: 'LSUB',
  states: LOGGED_IN,
  // lsub = "LSUB" SP mailbox SP list-mailbox
  parse(r) {
    const reference = r.sp().mailbox()
    const pattern = r.sp().listMailbox()
    r.end()
    return { reference, pattern }
  },
  async run({ reference, pattern }, _by, context) {
    const { out } = context
    const { nodes } = await mailboxTree(context, mayListOthers(reference, [pattern]))
    const fits = patternTest(reference, [pattern])
    const hidden = new Set<string>()
    if (pattern.endsWith('%'))
      for (const { name, subscribed } of nodes)
        if (subscribed && !fits(name))
          for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) hidden.add(name.slice(0, at))
    for (const node of nodes) {
      if (!fits(node.name)) continue
      if (node.subscribed) {
        const attributes = attributesOf(node, { nonExistent: false, subscribed: false })
        writeList(out, 'LSUB', attributes, node.name)
      } else if (hidden.has(node.name)) {
        // Not subscribed itself, but something below is, which `%` does not reach (RFC 3501 §6.3.9).
        writeList(out, 'LSUB', ['\\Noselect'], node.name)
      }
      if (out.due) await out.flush()
    }
    return { status: 'OK', text: 'That is the list' }
  },
})
