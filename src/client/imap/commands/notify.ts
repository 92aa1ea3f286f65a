/** NOTIFY (RFC 5465). @module */
import { type NotifyGroup, writeNotifyRequest } from '#wire/imap/notify-request.ts'
import { type ImapCommand, plainCommand } from '../command.ts'

/** `undefined`: no more of it. */
export function notify(groups: readonly NotifyGroup[] | undefined): ImapCommand<void> {
  return plainCommand(
    'NOTIFY',
    (w) => writeNotifyRequest(w.sp(), groups === undefined ? { kind: 'NONE' } : { kind: 'SET', status: false, groups }),
    { alone: true, repeatable: true },
  )
}
