/** COPY and UID COPY (RFC 9051 §6.4.7, §6.4.9), answering COPYUID (RFC 4315 §3). @module */
import { formatUidSet } from '#mail/uid-set.ts'
import type { MessageSet } from '#wire/imap/message-set.ts'
import type { CommandReader } from '#wire/imap/reader.ts'
import { type Command, command } from '../command.ts'
import { readMailbox } from '../mailbox-names.ts'
import { NO_SUCH_NUMBER, SOME_GONE } from '../message-commands.ts'
import { limited, tooMany } from '../message-limit.ts'
import { NO_TARGET, reach } from '../resolve.ts'
import { type Done, transfer } from '../transfer.ts'

/** Of COPY and MOVE. */
export interface TransferArgs {
  readonly messages: MessageSet
  readonly target: string
}

// copy = "COPY" SP sequence-set SP mailbox
export function parseTransfer(r: CommandReader): TransferArgs {
  const messages = r.sp().messageSet()
  const target = readMailbox(r.sp())
  r.end()
  return { messages, target }
}

export const copy: Command = command<TransferArgs>({
  name: 'COPY',
  states: ['selected'],
  uidForm: true,
  parse: parseTransfer,

  async run({ messages, target }, by, context) {
    const { view, out } = context
    const uids = await view.resolve(out, messages, by)
    if (uids === undefined) return NO_SUCH_NUMBER
    const to = await reach(context, target, 'i', NO_TARGET)
    if (!to.ok) return to.error
    if (uids.length === 0) return { status: 'OK', text: 'Nothing to copy' }
    const { code } = limited(context, uids)
    if (code !== undefined) return tooMany(code)
    const answer = await transfer(context, 'copy', uids, to.value)
    if (!answer.ok) return answer.error
    if (view.isOf(to.value)) view.expect(answer.value.modseq, answer.value.to)
    if (answer.value.from.length === 0) return by === 'number' ? SOME_GONE : { status: 'OK', text: 'Nothing to copy' }
    return { status: 'OK', code: copyUid(answer.value), text: 'Copied' }
  },
})

/** `COPYUID validity from to`: only those that were still there. */
export function copyUid({ uidValidity, from, to }: Done): string {
  return `COPYUID ${uidValidity} ${formatUidSet(from)} ${formatUidSet(to)}`
}
