/** What SEARCH, SORT, THREAD and ESEARCH look for in their keys before they begin. @module */
import type { SearchKey, SearchReturns } from '#wire/imap/search-program.ts'
import type { Completion, Context } from '../command.ts'

const CHARSETS: ReadonlySet<string> = new Set(['US-ASCII', 'UTF-8'])

/** Why the charset that SEARCH names will not do. */
export function charsetRefusal(charset: string | undefined, { enabled }: Context): Completion | undefined {
  if (charset === undefined) return undefined
  // With UTF8=ACCEPT all text is UTF-8 and may not be called otherwise (RFC 6855 §3); rev2 takes the word again
  if (enabled.utf8 && !enabled.rev2) return { status: 'BAD', text: 'CHARSET is not used after ENABLE UTF8=ACCEPT' }
  return unknownCharset(charset)
}

/** The same for SORT and THREAD, which must name one: with UTF8=ACCEPT that is UTF-8 (RFC 9755 §3). */
export function namedCharsetRefusal(charset: string, { enabled }: Context): Completion | undefined {
  if (enabled.utf8 && !enabled.rev2 && charset !== 'UTF-8')
    return { status: 'BAD', text: 'The charset is UTF-8 after ENABLE UTF8=ACCEPT' }
  return unknownCharset(charset)
}

function unknownCharset(charset: string): Completion | undefined {
  if (CHARSETS.has(charset)) return undefined
  return { status: 'NO', code: 'BADCHARSET (US-ASCII UTF-8)', text: 'That charset is not known here' }
}

/** RFC 6203 §4, §6: what is not fuzzy has no relevancy. */
export function relevancyRefusal(keys: readonly SearchKey[], asked: boolean): Completion | undefined {
  if (!asked || anyKey(keys, (key) => key.kind === 'FUZZY')) return undefined
  return { status: 'BAD', text: 'RELEVANCY needs FUZZY' }
}

/** Whether RETURN has RELEVANCY. */
export function asksRelevancy({ returns }: SearchReturns): boolean {
  return returns?.includes('RELEVANCY') ?? false
}

/** Whether RETURN has UPDATE. */
export function asksUpdate({ returns }: SearchReturns): boolean {
  return returns?.includes('UPDATE') ?? false
}

/** RFC 5267 §4.3. */
export const TAG_IN_USE: Completion = { status: 'BAD', text: 'A search of that tag is kept up to date' }

/** RFC 5267 §4.3.1. */
export function refuseUpdate({ out, tag }: Context): void {
  out.text('* NO [NOUPDATE ').string(tag).text('] ').line('This search is not kept up to date')
}

/** RFC 9586 §3.5. `$` is no number. */
export function namesNumbers(keys: readonly SearchKey[]): boolean {
  return anyKey(keys, (key) => key.kind === 'SET' && key.set !== '$')
}

export function asksModseq(keys: readonly SearchKey[]): boolean {
  return anyKey(keys, (key) => key.kind === 'MODSEQ')
}

/** Whether one of the keys, or of those within them, is such a one. */
export function anyKey(keys: readonly SearchKey[], is: (key: SearchKey) => boolean): boolean {
  return keys.some((key) => {
    if (is(key)) return true
    switch (key.kind) {
      case 'FUZZY':
      case 'NOT':
        return anyKey([key.key], is)
      case 'OR':
        return anyKey([key.left, key.right], is)
      case 'AND':
        return anyKey(key.keys, is)
      default:
        return false
    }
  })
}
