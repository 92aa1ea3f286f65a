import { ANY_STATE, type Command, command } from '../command.ts'
import { LANGUAGES, languageOf } from '../language.ts'

/** LANGUAGE (RFC 5255 §3.2): which language people are spoken to in, or which there are. */
export const language: Command = command<readonly string[]>({
  name: 'LANGUAGE',
  states: ANY_STATE,

  // language-cmd = "LANGUAGE" *(SP lang-range-quoted)
  parse(r) {
    const ranges = r.languageRanges()
    r.end()
    return ranges
  },

  async run(ranges, _by, { out }) {
    if (ranges.length === 0) {
      out.text(`* LANGUAGE (${LANGUAGES.join(' ')})\r\n`)
      return { status: 'OK', text: 'These are the languages' }
    }
    // "… in the first supported language specified"
    const chosen = ranges.map(languageOf).find((found) => found !== undefined)
    if (chosen === undefined) return { status: 'NO', text: 'No language of these is spoken here' }
    out.text(`* LANGUAGE (${chosen})\r\n`)
    out.language = chosen
    return { status: 'OK', text: 'This is the language now' }
  },
})
