import { type Command, command, LOGGED_IN } from '../command.ts'
import { MAILBOX_GONE } from '../completion.ts'
import { Farewell } from '../connection.ts'
import { KEEP_ALIVE_MS } from '../limits.ts'

/** IDLE (RFC 9051 §6.3.13, RFC 2177): changes go out as they come, until DONE. */
export const idle: Command = command<void>({
  name: 'IDLE',
  states: LOGGED_IN,
  parse: (r) => r.end(),
  async run(_args, _by, { out, session, clock }) {
    const { connection, selected, notifier, annotations } = session
    out.text('+ Idling\r\n')
    connection.framer.expectLine()
    if (notifier !== undefined) notifier.listen()
    else selected?.whenChanged(() => connection.wake())
    try {
      for (;;) {
        // Also before the first wait: something may have come since the last command.
        // After NOTIFY exactly what it asks for (RFC 5465 §4).
        if (notifier !== undefined) await notifier.tell(false)
        else if (selected !== undefined && !(await selected.sync(out, { holdExpunge: false })))
          throw new Farewell(MAILBOX_GONE)
        if (annotations?.pending === true) await annotations.tell()
        if (clock.now() >= connection.wakeAt && out.size === 0) out.text('* OK ').line('Still here')
        if (out.size > 0) connection.wakeAt = clock.now() + KEEP_ALIVE_MS
        await out.flush()
        let event = connection.look()
        while (event === undefined) {
          await connection.rest()
          event = connection.look()
        }
        if (event === 'woken') continue
        if (event.kind === 'line' && /^done *$/i.test(event.text)) return { status: 'OK', text: 'Done' }
        return { status: 'BAD', text: 'DONE was expected' }
      }
    } finally {
      selected?.whenChanged(undefined)
      connection.wakeAt = Number.POSITIVE_INFINITY
    }
  },
})
