/** SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8). The mailbox need not exist. @module */
import { type Command, type CommandSpec, command, LOGGED_IN } from '../command.ts'
import { refusalCompletion } from '../completion.ts'
import { readMailbox } from '../mailbox-names.ts'

export const subscribe: Command = command(changing(true))
export const unsubscribe: Command = command(changing(false))

function changing(subscribed: boolean): CommandSpec<string> {
  return {
    name: subscribed ? 'SUBSCRIBE' : 'UNSUBSCRIBE',
    states: LOGGED_IN,
    parse(r) {
      const name = readMailbox(r.sp())
      r.end()
      return name
    },
    async run(name, _by, { store, account, actor }) {
      const answer = await store.write('subscribe', { account, by: actor, name, subscribed })
      if (!answer.ok) return refusalCompletion(answer.error)
      return { status: 'OK', text: subscribed ? 'Subscribed' : 'Unsubscribed' }
    },
  }
}
