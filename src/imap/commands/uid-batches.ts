import { type Command, command } from '../command.ts'
import { UID_BATCH_MESSAGES, UID_BATCHES_SPAN } from '../limits.ts'

interface Args {
  /** Messages a batch. */
  readonly size: number
  /** Batches wanted, counted from 1, the newest; `undefined`: all. */
  readonly range: readonly [first: number, last: number] | undefined
}

/** UIDBATCHES (RFC 10022): ranges of UIDs with so many messages each, from the newest on. */
export const uidBatches: Command = command<Args>({
  name: 'UIDBATCHES',
  states: ['selected'],

  // message-batches = "UIDBATCHES" SP nz-number [SP nz-number ":" nz-number]
  parse(r) {
    const size = r.sp().nzNumber()
    const range = r.batchRange()
    r.end()
    return { size, range }
  },

  async run({ size, range }, _by, { out, tag, view }) {
    // §3.1.5: the wrong order is the client's fault.
    if (range !== undefined && range[0] > range[1])
      return { status: 'BAD', code: 'CLIENTBUG', text: 'The range of batches is the wrong way round' }
    if (size < UID_BATCH_MESSAGES)
      return { status: 'NO', code: 'TOOFEW', text: `A batch has ${UID_BATCH_MESSAGES} messages at least` }
    if (range !== undefined && (range[1] - range[0] + 1) * size > UID_BATCHES_SPAN)
      return { status: 'NO', code: 'TOOMANY', text: `The limit is ${UID_BATCHES_SPAN} messages at once` }
    const { shown } = view
    const all = Math.ceil(shown.size / size)
    const [first, last] = range ?? [1, all]
    const batches: string[] = []
    for (let batch = first; batch <= Math.min(last, all); batch += 1) {
      const highest = shown.uidAt(shown.size - (batch - 1) * size)
      // Batches touch, and the last one ends at 1 (§3.1.4): a client sees which it is.
      const below = batch === all ? 0 : shown.uidAt(shown.size - batch * size)
      if (highest !== undefined && below !== undefined) batches.push(`${highest}:${below + 1}`)
    }
    out
      .text('* UIDBATCHES (TAG ')
      .string(tag)
      .text(`)${batches.length > 0 ? ` ${batches.join(',')}` : ''}\r\n`)
    return { status: 'OK', text: 'These are the batches' }
  },
})
