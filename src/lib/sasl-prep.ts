/**
 * SASLprep (RFC 4013), the common form of names and passwords on both ends.
 *
 * RFC 3454 froze its tables at Unicode 3.2. Here the Unicode of the runtime decides: NFKC, general categories and
 * scripts come from it, so that newer scripts are handled alike. Unassigned code points are allowed ("query
 * strings"). The rest follows the profile, the bidirectional rule with scripts in place of table D.1.
 * @module
 */

/** RFC 3454 C.1.2, mapped to space; U+200B is in both lists and goes to nothing as all libraries do. */
const OTHER_SPACES = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/gu
/** RFC 3454 B.1, mapped to nothing. */
const NOTHING =
  /\u{ad}|\u{34f}|\u{1806}|[\u{180b}-\u{180d}]|[\u{200b}-\u{200d}]|\u{2060}|[\u{fe00}-\u{fe0f}]|\u{feff}/gu
/** RFC 3454 C.2 to C.9: controls, private use, non-characters, surrogates, what is wrong for plain text, tags (U+0340 and U+0341 do not survive NFKC). */
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u200c-\u200f\u2028\u2029\u202a-\u202e\u2060-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufeff\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u
const RIGHT_TO_LEFT_LETTER = /^[\p{L}\p{So}\p{Po}\u200f]$/u

/**
 * The prepared form of a text, `undefined` when the profile prohibits it or nothing is left.
 * @example saslPrep('I\u00adX') // 'IX'
 */
export function saslPrep(text: string): string | undefined {
  if (/^[\x20-\x7e]+$/.test(text)) return text
  const prepared = text.replace(OTHER_SPACES, ' ').replace(NOTHING, '').normalize('NFKC')
  if (prepared === '' || PROHIBITED.test(prepared) || !bidiHolds(prepared)) return undefined
  return prepared
}

/**
 * A password as it is hashed: prepared where SASLprep allows it, else as it came. A password that the profile
 * prohibits still is one (RFC 4616 §2 leaves the preparation to the server), and the same text always gives the
 * same answer.
 */
export function preparePassword(text: string): string {
  return saslPrep(text) ?? text
}

/** RFC 3454 §6: with right-to-left letters no left-to-right ones, and such a letter first and last. */
function bidiHolds(text: string): boolean {
  if (!RIGHT_TO_LEFT.test(text)) return true
  const characters = Array.from(text)
  for (const character of characters) {
    if (/\p{L}/u.test(character) && !RIGHT_TO_LEFT.test(character)) return false
  }
  const first = characters[0] ?? ''
  const last = characters.at(-1) ?? ''
  return isRightToLeft(first) && isRightToLeft(last)
}

function isRightToLeft(character: string): boolean {
  return RIGHT_TO_LEFT.test(character) && RIGHT_TO_LEFT_LETTER.test(character)
}
