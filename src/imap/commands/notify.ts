import type { NotifyRequest } from '#wire/imap/notify-request.ts'
import { type Command, type Completion, type Context, command, LOGGED_IN } from '../command.ts'
import { MAILBOX_GONE } from '../completion.ts'
import { Farewell } from '../connection.ts'
import { Notifier } from '../notify/notifier.ts'
import { EVERYTHING, type Registration, registrationOf, SUPPORTED } from '../notify/registration.ts'

/** NOTIFY (RFC 5465): what the server says unasked from now on, also between commands. */
export const notify: Command = command<NotifyRequest>({
  name: 'NOTIFY',
  states: LOGGED_IN,
  parse(r) {
    const request = r.sp().notifyRequest()
    r.end()
    return request
  },
  async run(request, _by, context) {
    if (request.kind === 'NONE') {
      context.session.notify(new Notifier(context, undefined))
      return { status: 'OK', text: 'Nothing is told unasked' }
    }
    const registration = registrationOf(request.groups)
    if (!('kind' in registration)) return begin(registration, request.status, context)
    switch (registration.kind) {
      case 'bad-event':
        return {
          status: 'NO',
          code: `BADEVENT (${SUPPORTED.join(' ')})`,
          text: 'One of these events is not known here',
        }
      case 'not-together':
        return { status: 'BAD', text: 'MessageNew and MessageExpunge come together, FlagChange with both' }
    }
  },
})

async function begin(registration: Registration, status: boolean, context: Context): Promise<Completion> {
  const { session, out } = context
  const notifier = new Notifier(context, registration)
  if (!(await notifier.begin(status))) {
    notifier.close()
    return { status: 'NO', code: 'NOTIFICATIONOVERFLOW', text: 'These are too many mailboxes' }
  }
  session.notify(notifier)
  // What has accumulated is told at once, whatever is asked for later (RFC 5465 §3.1: an implicit NOOP).
  notifier.selected = { ...EVERYTHING, items: registration.selected.items }
  if (session.selected !== undefined && !(await session.selected.sync(out, { holdExpunge: false })))
    throw new Farewell(MAILBOX_GONE)
  notifier.selected = registration.selected
  return { status: 'OK', text: 'You will be told' }
}
