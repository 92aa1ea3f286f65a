/** LIST (RFC 1939 §5). @module */
import type { MessageNumber } from '#mail/ids.ts'
import { formatScanListing } from '#wire/pop3/listings.ts'
import { type Command, command, ok } from '../command.ts'
import { sendListing } from '../message.ts'
import { numberRefusal } from '../refusals.ts'
import { same } from '../words.ts'

export const list: Command = command({
  name: 'LIST',
  states: ['transaction'],
  run({ message }, context) {
    const { maildrop } = context
    const line = (number: MessageNumber): string =>
      formatScanListing({ message: number, octets: maildrop.octets(number) })
    if (message === undefined) return sendListing(context, line)
    const refusal = maildrop.refusal(message)
    return refusal === undefined ? ok(same(line(message))) : numberRefusal(refusal)
  },
})
