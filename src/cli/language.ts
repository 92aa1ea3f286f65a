/** English and French for everything the command line says. @module */

/** What people can read here. */
type Language = 'en' | 'fr'

/** The language of a locale environment: `LC_ALL`, `LC_MESSAGES`, `LANG`, in this order (POSIX). */
function languageOf(environment: NodeJS.ProcessEnv): Language {
  const locale = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || ''
  return /^fr(?:[_.@-]|$)/i.test(locale) ? 'fr' : 'en'
}

const language = languageOf(process.env)

/** The text in the reader's language. */
export function say(english: string, french: string): string {
  return language === 'fr' ? french : english
}
