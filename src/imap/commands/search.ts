/** SEARCH and UID SEARCH (RFC 9051 §6.4.4, §6.4.9, RFC 4731, RFC 5182, RFC 5267 §4, RFC 6203, RFC 7162 §3.1.5, §3.1.10, RFC 9394 §3.1). @module */
import { UidRanges } from '#mail/uid-ranges.ts'
import type { SearchProgram } from '#wire/imap/search-program.ts'
import { type Command, command } from '../command.ts'
import { enableCondstore, UID_REQUIRED } from '../message-commands.ts'
import { withLimit } from '../message-limit.ts'
import { writeNumbers } from '../search/numbers.ts'
import {
  asksModseq,
  asksRelevancy,
  asksUpdate,
  charsetRefusal,
  namesNumbers,
  refuseUpdate,
  relevancyRefusal,
  TAG_IN_USE,
} from '../search/program.ts'
import { relevanceOf } from '../search/relevance.ts'
import { highestModseq, resultsOf, savedOf, writeResults } from '../search/results.ts'
import { runSearch, selectedMailbox } from '../search/run.ts'

export const search: Command = command<SearchProgram>({
  name: 'SEARCH',
  states: ['selected'],
  uidForm: true,
  holdsExpunge: true,

  // search = "SEARCH" [search-return-opts] SP search-program
  parse(r) {
    const program = r.sp().searchProgram()
    r.end()
    return program
  },

  async run(program, by, context) {
    const { view, out, enabled, tag } = context
    const { keys, returns } = program
    const saves = returns?.includes('SAVE') ?? false
    const refusal = charsetRefusal(program.charset, context) ?? relevancyRefusal(keys, asksRelevancy(program))
    if (refusal !== undefined) {
      // A search that fails with NO empties `$`; a command that is BAD leaves it (RFC 9051 §6.4.4.1)
      if (saves && refusal.status === 'NO') view.saved = []
      return refusal
    }
    if (enabled.uidOnly && namesNumbers(keys)) return UID_REQUIRED
    const updates = asksUpdate(program)
    if (updates && view.updates.has(tag)) return TAG_IN_USE
    const modseq = asksModseq(keys)
    if (modseq) enableCondstore(context)
    view.speak(by)
    const searched = selectedMailbox(context)
    const { ranges, code } = await runSearch(context, searched, keys)
    const { snapshot } = searched
    const results = resultsOf(ranges)
    const relevance = asksRelevancy(program) ? await relevanceOf(context, searched, keys, ranges.set) : undefined
    if (saves) view.saved = savedOf(program, results)
    // rev2 knows no other answer than ESEARCH (RFC 9051 §7.3.4, Appendix E)
    if (returns === undefined && !enabled.rev2) {
      out.text('* SEARCH')
      await writeNumbers(out, by === 'uid' ? ranges : UidRanges.of(view.numbers(ranges.set)))
      if (modseq && results.count > 0) out.text(` (MODSEQ ${highestModseq(snapshot, ranges.set)})`)
      out.text('\r\n')
    } else {
      const head = `(TAG "${tag}")`
      await writeResults(out, { head, by, snapshot, returns: program, results, modseq, relevance })
    }
    if (updates && !view.updates.add(by, keys, ranges.set, searched)) refuseUpdate(context)
    return withLimit(context, { status: 'OK', text: 'Searched' }, code)
  },
})
