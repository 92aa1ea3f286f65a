/** UIDL (RFC 1939 §7). @module */
import type { MessageNumber } from '#mail/ids.ts'
import { formatUniqueIdListing } from '#wire/pop3/listings.ts'
import { type Command, command, ok } from '../command.ts'
import { sendListing } from '../message.ts'
import { numberRefusal } from '../refusals.ts'
import { same } from '../words.ts'

export const uidl: Command = command({
  name: 'UIDL',
  states: ['transaction'],
  run({ message }, context) {
    const { maildrop } = context
    const line = (number: MessageNumber): string =>
      formatUniqueIdListing({ message: number, uniqueId: maildrop.uniqueId(number) })
    if (message === undefined) return sendListing(context, line)
    const refusal = maildrop.refusal(message)
    return refusal === undefined ? ok(same(line(message))) : numberRefusal(refusal)
  },
})
