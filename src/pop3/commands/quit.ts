/** QUIT (RFC 1939 §4, §6): the only way into UPDATE, where marked messages go in one request. @module */
import { type Command, type Completion, type Context, command, err, ok } from '../command.ts'

export const quit: Command = command({
  name: 'QUIT',
  states: ['authorization', 'transaction'],
  async run(_, context) {
    if (context.state === 'authorization') {
      context.leave()
      return ok('Bye')
    }
    const completion = await update(context)
    // Before the answer: who logs in again at once must not find the maildrop in use.
    context.leave()
    return completion
  },
})

async function update({ store, maildrop, id, log }: Context): Promise<Completion> {
  const { account, mailbox } = maildrop
  const uids = maildrop.deletedUids()
  if (mailbox === undefined || uids.length === 0) return ok('Bye')
  try {
    // Whatever is not among those removed was removed by somebody else before: gone all the same.
    const answer = await store.write('expunge', { account, by: id, mailbox, uids, which: 'any' })
    if (answer.ok) return ok(`Bye, ${maildrop.count - maildrop.remaining} deleted`)
    switch (answer.error.kind) {
      case 'no-such-account':
      case 'no-such-mailbox':
        return err('The mailbox is gone', 'SYS/PERM')
      case 'unavailable':
        log.warn({ connection: id, reason: answer.error.reason }, 'Cannot remove the messages deleted over POP3')
    }
  } catch (error) {
    log.error({ connection: id, err: error }, 'Cannot remove the messages deleted over POP3')
  }
  return err('Some deleted messages were not removed', 'SYS/TEMP')
}
