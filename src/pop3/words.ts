/** The words for people, in each language there is (RFC 6856 §3); commands say them side by side. @module */

/** The same sentence in each language. */
export interface Words {
  /** ASCII: it is what clients get that never asked for a language (RFC 1939 §3). */
  readonly en: string
  readonly fr: string
}
export type Language = keyof Words

/** Each language in itself, in the order of the listing. */
export const LANGUAGES: ReadonlyMap<Language, string> = new Map([
  ['en', 'English'],
  ['fr', 'Français'],
])

/** A sentence in both languages. */
export function words(en: string, fr: string): Words {
  return { en, fr }
}

/** What reads the same in each. */
export function same(text: string): Words {
  return { en: text, fr: text }
}

/**
 * The language for a basic language range: the range itself, else less and less of it (RFC 4647 §3.4).
 * @example languageFor('fr-CA') // 'fr'
 */
export function languageFor(range: string): Language | undefined {
  const subtags = range.toLowerCase().split('-')
  if (!subtags.every((subtag) => /^[a-z0-9]{1,8}$/.test(subtag))) return undefined
  const [primary] = subtags
  return primary === 'en' || primary === 'fr' ? primary : undefined
}

/** What the grammar finds wrong with a command, in English there. */
const SYNTAX: ReadonlyMap<string, string> = new Map([
  ['A control character is in the command', 'La commande contient un caractère de contrôle'],
  ['A message-number is wanted here', 'Il faut ici un numéro de message'],
  ['APOP is not offered here', 'APOP n’est pas proposé ici'],
  [
    'AUTH wants a mechanism and at most one initial response',
    'AUTH demande un mécanisme et au plus une réponse initiale',
  ],
  ['LANG wants one language range at most', 'LANG demande au plus une langue'],
  ['PASS wants a password', 'PASS demande un mot de passe'],
  ['That is not UTF-8', 'Ce n’est pas de l’UTF-8'],
  ['TOP wants a message-number and a number of lines', 'TOP demande un numéro de message et un nombre de lignes'],
  ['USER wants a name', 'USER demande un nom'],
  ['Unknown command', 'Commande inconnue'],
])

/** A mistake that the grammar found, for people. */
export function syntaxWords(message: string): Words {
  const keyword = /^([A-Z0-9]+) wants no argument$/.exec(message)?.[1]
  const fr = keyword === undefined ? SYNTAX.get(message) : `${keyword} ne demande pas d’argument`
  return { en: message, fr: fr ?? message }
}
