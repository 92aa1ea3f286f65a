/** QUIT (RFC 1939 §4, §6): the only way into UPDATE, where marked messages go in one request. @module */
import { uidSetSize } from '#mail/uid-set.ts'
import { type Command, type Completion, type Context, command, err, ok } from '../command.ts'
import { words } from '../words.ts'

export const quit: Command = command({
  name: 'QUIT',
  states: ['authorization', 'transaction'],
  async run(_, context) {
    if (context.state === 'authorization') {
      context.leave()
      return ok(words('Bye', 'Au revoir'))
    }
    const completion = await update(context)
    // Before the answer: who logs in again at once must not find the maildrop in use.
    context.leave()
    return completion
  },
})

async function update({ store, maildrop, terms, options, id, actor, log }: Context): Promise<Completion> {
  const { account, mailbox } = maildrop
  const { kind } = terms.policy
  const bye = words('Bye', 'Au revoir')
  if (mailbox === undefined || kind === 'read-only') return ok(bye)
  // EXPIRE 0: what was downloaded goes as if by DELE (RFC 2449 §6.7)
  const removed = kind === 'delete' ? maildrop.finishedUids() : maildrop.deletedUids()
  const downloaded = kind === 'delete' ? [] : maildrop.retrievedUids()
  const fetched = maildrop.fetchedUids()
  if (removed.length === 0 && downloaded.length === 0) return ok(bye)
  try {
    // Whatever is not among those removed was removed by somebody else before: gone all the same.
    const { markSeen } = options
    const request = { account, by: actor, mailbox, downloaded, fetched, markSeen, removed }
    const answer = await store.write('applyMaildrop', request)
    if (answer.ok) {
      const count = uidSetSize(removed)
      return ok(count === 0 ? bye : words(`Bye, ${count} deleted`, `Au revoir, ${count} supprimé(s)`))
    }
    switch (answer.error.kind) {
      case 'no-such-account':
      case 'no-such-mailbox':
        return err(words('The mailbox is gone', 'La boîte n’existe plus'), 'SYS/PERM')
      case 'unavailable':
        log.warn({ connection: id, reason: answer.error.reason }, 'Cannot write what a POP3 session did')
    }
  } catch (error) {
    log.error({ connection: id, err: error }, 'Cannot write what a POP3 session did')
  }
  // What was downloaded is noted the next time: nothing that was asked for is left undone.
  if (removed.length === 0) return ok(bye)
  return err(
    words('Some deleted messages were not removed', 'Des messages supprimés n’ont pas été retirés'),
    'SYS/TEMP',
  )
}
