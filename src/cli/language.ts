/** English and French for everything the command line says. @module */

/** What people can read here. */
type Language = 'en' | 'fr'

/** The language of a locale environment: `LC_ALL`, `LC_MESSAGES`, `LANG`, in this order (POSIX). */
function languageOf(environment: NodeJS.ProcessEnv): Language {
  const locale = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || ''
  return /^fr(?:[_.@-]|$)/i.test(locale) ? 'fr' : 'en'
}

const language = languageOf(process.env)

/** For dates of people. */
export const localeName: string = language === 'fr' ? 'fr-FR' : 'en-GB'

/** The text in the reader's language. */
export function say(english: string, french: string): string {
  return language === 'fr' ? french : english
}

/** `3 messages`; French counts 0 as one, English does not. */
export function counted(
  count: number,
  english: readonly [one: string, many: string],
  french: readonly [one: string, many: string],
): string {
  const [one, many] = language === 'fr' ? french : english
  const single = language === 'fr' ? count < 2 : count === 1
  return `${count} ${single ? one : many}`
}

/** Octets as people read them, with binary units. */
export function formatBytes(octets: number): string {
  const units = language === 'fr' ? ['o', 'Ko', 'Mo', 'Go', 'To'] : ['B', 'KB', 'MB', 'GB', 'TB']
  let value = octets
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  const digits = unit === 0 ? String(value) : value.toFixed(1)
  return `${language === 'fr' ? digits.replace('.', ',') : digits} ${units[unit]}`
}

/** A time to the minute, by the clock of this machine. */
export function formatTime(time: string | number | null): string {
  if (time === null) return '-'
  const at = new Date(time)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`
}
