/** What RFCs leave open in a line of a server, so that the transcripts hold for servers other than ours. @module */

/** Tried at most; longer lists of items stay in the order of the transcript. */
const MOST_ORDERS = 720

/**
 * Other forms of a wanted line that mean the same: FETCH and STATUS items, attributes and flags in another order,
 * refusals without a code (RFC 5530 §1), announced flags without the UID that RFC 7162 §3.1.4 only recommends.
 */
export function otherForms(said: string): readonly string[] {
  const refusal = /^(\S+ (?:NO|BAD)) \[[^\]]*\]? ?\.\.\.$/.exec(said)
  if (refusal !== null) return [`${refusal[1]} ...`]
  // whether a wrong value is a matter of grammar is for the server to say; that it is refused is not
  const bad = /^(\S+) BAD \.\.\.$/.exec(said)
  if (bad !== null && bad[1] !== '*') return [`${bad[1]} NO ...`]
  const listed = /^(\* \d+ FETCH|\* STATUS (?:"[^"]*"|\S+)|\* LIST|\* FLAGS) \((.*?)\)( (?:"[^"]*"|NIL) .*)?$/.exec(
    said,
  )
  if (listed === null) return []
  const [, head = '', inner = '', tail = ''] = listed
  if (inner.includes('{')) return []
  const words = topWords(inner)
  const pairs = head.endsWith('FETCH') || head.includes('STATUS')
  const items: string[] = []
  if (pairs) for (let at = 0; at < words.length; at += 2) items.push(`${words[at]} ${words[at + 1] ?? ''}`.trim())
  else items.push(...words)
  const forms = orders(items.flatMap((item) => [item])).map((each) => each.join(' '))
  const withFlags = forms.flatMap((form) => flagOrders(form))
  const whole = withFlags.map((form) => `${head} (${form})${tail}`)
  // date-day-fixed = (SP DIGIT) / 2DIGIT (RFC 9051 §9)
  const days = whole.filter((form) => form.includes('" ')).map((form) => form.replace(/" (\d)-/g, '"0$1-'))
  const withoutUid = whole
    .filter((form) => form.includes('MODSEQ'))
    .map((form) => form.replace(/UID \d+ | UID \d+/, ''))
  return [...whole, ...days, ...withoutUid]
}

/** Lines that a server may send whenever it likes (RFC 9051 §7), and that no case is about. */
export function isAside(line: string): boolean {
  return /^\* (?:\d+ RECENT|FLAGS \(|OK \[(?:PERMANENTFLAGS|HIGHESTMODSEQ|UIDNEXT|UNSEEN)|OK Still here)/.test(line)
}

/** Words separated by spaces that stand in no parentheses, brackets or quotes. */
function topWords(text: string): string[] {
  const words: string[] = []
  let word = ''
  let depth = 0
  let quoted = false
  for (const char of text) {
    if (char === '"') quoted = !quoted
    else if (!quoted && (char === '(' || char === '[')) depth += 1
    else if (!quoted && (char === ')' || char === ']')) depth -= 1
    if (char === ' ' && depth === 0 && !quoted) {
      words.push(word)
      word = ''
    } else word += char
  }
  return word === '' ? words : [...words, word]
}

function flagOrders(form: string): string[] {
  const flags = /FLAGS \(([^)]*)\)/.exec(form)?.[1]
  if (flags === undefined || !flags.includes(' ')) return [form]
  return orders(flags.split(' ')).map((order) => form.replace(`FLAGS (${flags})`, () => `FLAGS (${order.join(' ')})`))
}

function orders(items: readonly string[]): readonly (readonly string[])[] {
  if (items.length < 2) return [items]
  let count = 1
  for (let n = 2; n <= items.length; n += 1) count *= n
  if (count > MOST_ORDERS) return [items]
  return items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map((rest) => [item, ...rest]))
}
