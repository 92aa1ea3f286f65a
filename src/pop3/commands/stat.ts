/** STAT (RFC 1939 §5). @module */
import { formatDropListing } from '#wire/pop3/listings.ts'
import { type Command, command, ok } from '../command.ts'
import { same } from '../words.ts'

export const stat: Command = command({
  name: 'STAT',
  states: ['transaction'],
  run: (_, { maildrop }) =>
    ok(same(formatDropListing({ messages: maildrop.remaining, octets: maildrop.remainingOctets }))),
})
