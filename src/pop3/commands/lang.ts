/** LANG (RFC 6856 §3). @module */
import { ANSWERED, type Command, command, err, ok } from '../command.ts'
import { LANGUAGES, languageFor, words } from '../words.ts'

export const lang: Command = command({
  name: 'LANG',
  states: ['authorization', 'transaction'],
  run({ range }, context) {
    const { connection, options } = context
    if (range === undefined) {
      connection.writeText(`+OK ${context.say(words('Languages follow', 'Voici les langues'))}\r\n`)
      for (const [tag, name] of LANGUAGES) {
        connection.writeText(`${tag} ${Buffer.from(name, 'utf8').toString('latin1')}\r\n`)
      }
      connection.writeText('.\r\n')
      return ANSWERED
    }
    const language = range === '*' ? options.language : languageFor(range)
    if (language === undefined) return err(words('That language is not spoken here', 'Langue inconnue ici'))
    context.language = language
    return ok(words('en Language changed', 'fr Langue changée'))
  },
})
