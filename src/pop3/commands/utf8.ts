/** UTF8 (RFC 6856 §2.1). @module */
import { type Command, command, ok } from '../command.ts'
import { words } from '../words.ts'

export const utf8: Command = command({
  name: 'UTF8',
  states: ['authorization'],
  run(_, context) {
    context.utf8 = true
    return ok(words('UTF-8 from here on', 'UTF-8 désormais'))
  },
})
