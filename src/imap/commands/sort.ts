/** SORT and UID SORT (RFC 5256 §3, RFC 5957, RFC 5267 §3, RFC 6203 §6, RFC 7162 §3.1.6, RFC 9738 §3.3). @module */
import { type SortBy, sortMailbox } from '#services/mailbox-sort.ts'
import type { SortKey, SortProgram } from '#wire/imap/sort-program.ts'
import { type Command, command } from '../command.ts'
import { enableCondstore, UID_REQUIRED } from '../message-commands.ts'
import { limitCode, tooMany } from '../message-limit.ts'
import { writeEach } from '../search/numbers.ts'
import {
  asksModseq,
  asksRelevancy,
  asksUpdate,
  namedCharsetRefusal,
  namesNumbers,
  refuseUpdate,
  relevancyRefusal,
  TAG_IN_USE,
} from '../search/program.ts'
import { relevanceOf } from '../search/relevance.ts'
import { highestModseq, savedOf, sortedResults, writeResults } from '../search/results.ts'
import { isTooMuch, runSearch, selectedMailbox } from '../search/run.ts'

const ORDERS: Readonly<Record<SortKey, SortBy>> = {
  ARRIVAL: 'arrival',
  CC: 'cc',
  DATE: 'sent',
  DISPLAYFROM: 'display-from',
  DISPLAYTO: 'display-to',
  FROM: 'from',
  RELEVANCY: 'relevance',
  SIZE: 'size',
  SUBJECT: 'subject',
  TO: 'to',
}

export const sort: Command = command<SortProgram>({
  name: 'SORT',
  states: ['selected'],
  uidForm: true,
  holdsExpunge: true,

  // sort = "SORT" [search-return-opts] SP sort-criteria SP search-criteria
  parse(r) {
    const program = r.sp().sortProgram()
    r.end()
    return program
  },

  async run(program, by, context) {
    const { view, out, store, signal, enabled, tag } = context
    const { keys, criteria, returns } = program
    const saves = returns?.includes('SAVE') ?? false
    const byRelevancy = criteria.some(({ key }) => key === 'RELEVANCY') || asksRelevancy(program)
    const refusal = namedCharsetRefusal(program.charset, context) ?? relevancyRefusal(keys, byRelevancy)
    if (refusal !== undefined) {
      if (saves && refusal.status === 'NO') view.saved = []
      return refusal
    }
    if (enabled.uidOnly && namesNumbers(keys)) return UID_REQUIRED
    if (asksUpdate(program) && view.updates.has(tag)) return TAG_IN_USE
    const modseq = asksModseq(keys)
    if (modseq) enableCondstore(context)
    view.speak(by)
    const searched = selectedMailbox(context)
    const { snapshot } = searched
    if (isTooMuch(context, searched, keys)) {
      if (saves) view.saved = []
      return tooMany(limitCode(context))
    }
    const uids = (await runSearch(context, searched, keys)).ranges.set
    const relevance = byRelevancy ? await relevanceOf(context, searched, keys, uids) : undefined
    const orders = criteria.map(({ key, reverse }) => ({ by: ORDERS[key], descending: reverse }))
    const sorted = await sortMailbox({
      ...searched,
      store,
      uids,
      orders,
      signal,
      relevanceOf: relevance ?? (() => 0),
    })
    const results = sortedResults(sorted)
    if (saves) view.saved = savedOf(program, results)
    if (returns === undefined) {
      out.text('* SORT')
      await writeEach(out, sorted, by === 'uid' ? undefined : (uid) => snapshot.numberOf(uid) ?? 0)
      if (modseq && results.count > 0) out.text(` (MODSEQ ${highestModseq(snapshot, uids)})`)
      out.text('\r\n')
    } else {
      const head = `(TAG "${tag}")`
      await writeResults(out, { head, by, snapshot, returns: program, results, modseq, relevance })
    }
    // CONTEXT=SORT is not offered: places in an order would have to be told.
    if (asksUpdate(program)) refuseUpdate(context)
    return { status: 'OK', text: 'Sorted' }
  },
})
