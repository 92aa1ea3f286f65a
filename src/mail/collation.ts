/** The order of texts for SORT and THREAD: i;unicode-casemap (RFC 5051 §2, RFC 5256 §7). @module */

/**
 * A text's sort key: keys are equal where the collation says so, and `<` orders them as it does, octet by octet of UTF-8.
 * @example collationKey('été') === collationKey('ÉTÉ')
 */
export function collationKey(text: string): string {
  // Most text is ASCII, where this is all there is to do.
  if (!/[^\0-\x7f]/.test(text)) return text.toUpperCase()
  let key = ''
  for (const char of text) key += titleCase(char)
  key = key.normalize('NFKD')
  return /[\ud800-\uffff]/.test(key) ? inCodePointOrder(key) : key
}

/** The simple titlecase mapping of the Unicode database: one char becomes one char. */
function titleCase(char: string): string {
  const code = char.codePointAt(0) ?? 0
  if (code < 128) return char.toUpperCase()
  // Letters whose capital is none of a title: DŽ and its like have a form of their own, Georgian keeps its small ones.
  if (code >= 0x1c4 && code <= 0x1cc) return String.fromCharCode(code - ((code - 0x1c4) % 3) + 1)
  if (code >= 0x1f1 && code <= 0x1f3) return 'ǲ'
  if (code >= 0x10d0 && code <= 0x10ff) return char
  // Greek with iota below: to JavaScript, their capitals are two letters.
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCharCode(code | 8)
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCharCode(code + 9)
  const upper = char.toUpperCase()
  return upper.length === char.length ? upper : char
}

/** JavaScript compares units of UTF-16, which puts what lies beyond 0xFFFF before 0xE000: the two are exchanged. */
function inCodePointOrder(text: string): string {
  return text.replace(/[\ud800-\uffff]/g, (unit) => {
    const code = unit.charCodeAt(0)
    return String.fromCharCode(code < 0xe000 ? code + 0x2000 : code - 0x800)
  })
}
