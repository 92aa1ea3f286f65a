import { type Command, command } from '../command.ts'

/** CANCELUPDATE (RFC 5267 §4.3.5): the results of those searches are no longer kept up to date. */
export const cancelUpdate: Command = command<readonly string[]>({
  name: 'CANCELUPDATE',
  states: ['selected'],

  // command-select =/ "CANCELUPDATE" 1*(SP quoted)
  parse(r) {
    const tags = [r.sp().string()]
    while (!r.atEnd) tags.push(r.sp().string())
    r.end()
    return tags
  },

  async run(tags, _by, { view }) {
    const known = tags.map((tag) => view.updates.cancel(tag))
    if (known.includes(false)) return { status: 'BAD', text: 'No search of that tag is kept up to date' }
    return { status: 'OK', text: 'You are told no more of it' }
  },
})
