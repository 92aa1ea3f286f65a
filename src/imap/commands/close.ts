/** CLOSE and UNSELECT (RFC 9051 §6.4.1, §6.4.2). @module */
import { type Command, command } from '../command.ts'
import { refusalCompletion } from '../completion.ts'

/** Expunges what has `\Deleted`, without a word about it, and leaves the mailbox. */
export const close: Command = command<void>({
  name: 'CLOSE',
  states: ['selected'],
  parse: (r) => r.end(),
  async run(_args, _by, { store, actor, view, session }) {
    const { account, mailbox, readOnly } = view
    // Without the right nothing is expunged, and nothing is said of it (RFC 4314 §4).
    if (!readOnly && view.may('e')) {
      const answer = await store.write('expunge', { account, by: actor, mailbox, uids: undefined, which: 'deleted' })
      if (!answer.ok && answer.error.kind !== 'no-such-mailbox') return refusalCompletion(answer.error)
    }
    session.select(undefined)
    return { status: 'OK', text: 'Closed' }
  },
})

export const unselect: Command = command<void>({
  name: 'UNSELECT',
  states: ['selected'],
  parse: (r) => r.end(),
  async run(_args, _by, { session }) {
    session.select(undefined)
    return { status: 'OK', text: 'Left' }
  },
})
