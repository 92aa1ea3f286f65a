/**
 * The language of what people read (RFC 5255 §3). Commands say it in English; on its way out it is looked up in a
 * catalogue, so that what nobody has translated yet is English and never missing.
 * @module
 */
import { FRENCH } from './texts.fr.ts'

/** Tags as LANGUAGE lists them; `i-default` is English, and where every session begins (§3.1). */
export const LANGUAGES = ['en', 'fr', 'i-default'] as const

export type Language = (typeof LANGUAGES)[number]

const CATALOGUES: ReadonlyMap<Language, ReadonlyMap<string, string>> = new Map([['fr', FRENCH]])
const PLACES: ReadonlyMap<Language, string> = new Map([['fr', 'à la position']])

/**
 * The language of a range by lookup (RFC 4647 §3.4): `fr-CA` is `fr`, `default` the administrator's.
 * @returns `undefined`: none fits.
 */
export function languageOf(range: string): Language | undefined {
  const wanted = range.toLowerCase()
  if (wanted === 'default') return 'en'
  for (let tag = wanted; tag !== ''; tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')))) {
    const found = LANGUAGES.find((language) => language === tag)
    if (found !== undefined) return found
  }
  return undefined
}

/** A text in that language; a response code before it and the place of a mistake behind it are kept. */
export function translate(text: string, language: Language): string {
  const catalogue = CATALOGUES.get(language)
  if (catalogue === undefined) return text
  const [, code = '', said = '', place] = PARTS.exec(text) ?? []
  const numbers = said.match(NUMBERS) ?? []
  let at = 0
  const found = catalogue.get(said.replace(NUMBERS, '{}'))?.replaceAll('{}', () => numbers[at++] ?? '')
  const where = place === undefined ? '' : ` (${PLACES.get(language)} ${place})`
  return `${code}${found ?? said}${where}`
}

const PARTS = /^(\[[^\]]*\] )?(.*?)(?: \(at position ([0-9]+)\))?$/s
const NUMBERS = /(?<![\p{L}=])[0-9]+(?![\p{L}])/gu
