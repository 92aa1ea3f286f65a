import { normaliseUidSet } from '#mail/uid-set.ts'
import { type Command, command } from '../command.ts'
import { NO_SUCH_NUMBER, READ_ONLY, SOME_GONE } from '../message-commands.ts'
import { limited, withLimit } from '../message-limit.ts'
import { NO_TARGET, NOT_ALLOWED, reach } from '../resolve.ts'
import { transfer } from '../transfer.ts'
import { copyUid, parseTransfer, type TransferArgs } from './copy.ts'

/**
 * MOVE and UID MOVE (RFC 9051 §6.4.8, §6.4.9, RFC 6851). COPYUID goes out before EXPUNGE, which the session writes when
 * it brings the view up to the move.
 */
export const move: Command = command<TransferArgs>({
  name: 'MOVE',
  states: ['selected'],
  uidForm: true,
  parse: parseTransfer,

  async run({ messages, target }, by, context) {
    const { view, out, enabled } = context
    if (view.readOnly) return READ_ONLY
    // What COPY, STORE and EXPUNGE need together (RFC 6851 §4.2).
    if (!view.may('t') || !view.may('e')) return NOT_ALLOWED
    const all = await view.resolve(out, messages, by)
    if (all === undefined) return NO_SUCH_NUMBER
    const to = await reach(context, target, 'i', NO_TARGET)
    if (!to.ok) return to.error
    if (all.length === 0) return { status: 'OK', text: 'Nothing to move' }
    const { uids, code } = limited(context, all)
    const answer = await transfer(context, 'move', uids, to.value)
    if (!answer.ok) return answer.error
    const { from, modseq } = answer.value
    view.expect(modseq, view.isOf(to.value) ? normaliseUidSet([...from, ...answer.value.to]) : from)
    if (from.length === 0) return by === 'number' ? SOME_GONE : { status: 'OK', text: 'Nothing to move' }
    out.text(`* OK [${copyUid(answer.value)}] `).line('Moved')
    const done = {
      status: 'OK',
      ...(enabled.qresync ? { code: `HIGHESTMODSEQ ${modseq}` } : {}),
      text: 'Moved',
    } as const
    return withLimit(context, done, code)
  },
})
