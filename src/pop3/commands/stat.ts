/** STAT (RFC 1939 §5). @module */
import { formatDropListing } from '#wire/pop3/listings.ts'
import { type Command, command, ok } from '../command.ts'

export const stat: Command = command({
  name: 'STAT',
  states: ['transaction'],
  run: (_, { maildrop }) => ok(formatDropListing({ messages: maildrop.remaining, octets: maildrop.remainingOctets })),
})
