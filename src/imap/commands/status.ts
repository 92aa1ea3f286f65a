import type { StatusItem } from '#wire/imap/status-items.ts'
import { type Command, command, LOGGED_IN } from '../command.ts'
import { readMailbox } from '../mailbox-names.ts'
import { reach } from '../resolve.ts'
import { writeStatus } from '../status-response.ts'

interface Args {
  readonly name: string
  readonly items: readonly StatusItem[]
}

/** STATUS (RFC 9051 §6.3.11, RFC 8438, RFC 7162 §3.1.7, RFC 8474 §4.3, RFC 7889 §3.1, RFC 9208 §4.1.4). */
export const status: Command = command<Args>({
  name: 'STATUS',
  states: LOGGED_IN,
  // status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
  parse(r) {
    const name = readMailbox(r.sp())
    const items = r.sp().statusItems()
    r.end()
    return { name, items }
  },
  async run({ name, items }, _by, context) {
    const found = await reach(context, name, 'r')
    if (!found.ok) return found.error
    await writeStatus(context, found.value, items)
    return { status: 'OK', text: 'That is the status' }
  },
})
