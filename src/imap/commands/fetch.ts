/** FETCH and UID FETCH (RFC 9051 §6.4.5, §6.4.9, RFC 7162 §3.1.4, §3.2.6, RFC 9394 §3.3). @module */
import { LARGEST_UID, type Modseq } from '#mail/ids.ts'
import { formatUidSet, normaliseUidSet, type UidSet, uidSetOf, uidSetSize } from '#mail/uid-set.ts'
import { sliceUidSet } from '#mail/uid-set-arithmetic.ts'
import { SnapshotWalk } from '#services/snapshot-walk.ts'
import { SEEN } from '#store/flags.ts'
import type { FetchRequest } from '#wire/imap/fetch-items.ts'
import type { MessageSet, SetNumber } from '#wire/imap/message-set.ts'
import type { PartialRange } from '#wire/imap/partial-range.ts'
import { type By, type Command, type Completion, type Context, command } from '../command.ts'
import { answerFetch, type FetchFailures } from '../fetch/answer.ts'
import { planFetch } from '../fetch/plan.ts'
import { enableCondstore, NO_SUCH_NUMBER, SOME_GONE } from '../message-commands.ts'
import { limitCode, limited, messageLimit, tooMany, withLimit } from '../message-limit.ts'
import { vanishedSince } from '../qresync.ts'
import { partialSpan } from '../search/results.ts'

interface Args {
  readonly messages: MessageSet
  readonly request: FetchRequest
}

export const fetch: Command = command<Args>({
  name: 'FETCH',
  states: ['selected'],
  uidForm: true,
  holdsExpunge: true,

  // fetch = "FETCH" SP sequence-set SP (…) [fetch-modifiers]
  parse(r) {
    const messages = r.sp().messageSet()
    const request = r.sp().fetchRequest()
    r.end()
    return { messages, request }
  },

  async run({ messages, request }, by, context) {
    const { view, enabled, out } = context
    const { changedSince, vanished, partial } = request
    if (partial !== undefined && by === 'number') return { status: 'BAD', text: 'PARTIAL needs UID FETCH' }
    if (vanished && by === 'number') return { status: 'BAD', text: 'VANISHED needs UID FETCH' }
    if (vanished && !enabled.qresync) return { status: 'BAD', text: 'Enable QRESYNC first' }
    const plan = planFetch(request, by === 'uid' && !enabled.uidOnly, view.others)
    if (plan.modseq) enableCondstore(context)
    const all = await view.resolve(out, messages, by)
    if (all === undefined) return NO_SUCH_NUMBER
    // The range comes first, then CHANGEDSINCE (RFC 9394 §3.4)
    const named = partial === undefined ? all : partOf(all, partial)
    // RFC 9738 §3.1
    if (partial !== undefined && uidSetSize(named) > messageLimit(context)) return tooMany(limitCode(context))
    if (vanished && changedSince !== undefined) {
      const known = asWritten(messages, view.saved)
      const gone = await vanishedSince(context, view, { modseq: changedSince, match: undefined }, known)
      if (gone.length > 0) out.text(`* VANISHED (EARLIER) ${formatUidSet(gone)}\r\n`)
    }
    const { uids, code } = limited(
      context,
      changedSince === undefined ? named : uidSetOf(changedIn(context, named, changedSince)),
    )
    if (uids.length === 0) return { status: 'OK', text: 'Nothing to fetch' }
    // RFC 4314 §4: without the right, mail is read and stays unseen.
    const marked = plan.marksSeen && !view.readOnly && view.may('s') ? await markSeen(context, uids) : []
    return withLimit(context, completion(await answerFetch(context, plan, uids, marked), by), code)
  },
})

function partOf(uids: UidSet, range: PartialRange): UidSet {
  const span = partialSpan(range, uidSetSize(uids))
  return span === undefined ? [] : sliceUidSet(uids, span.from, span.to)
}

/** UIDs as the client wrote them, also such as are no more; `*` is open towards the end. */
function asWritten(messages: MessageSet, saved: UidSet): UidSet {
  if (messages === '$') return saved
  const value = (end: SetNumber): number => (end === '*' ? LARGEST_UID : end)
  return normaliseUidSet(messages.map(([a, b]) => [Math.min(value(a), value(b)), Math.max(value(a), value(b))]))
}

function* changedIn({ view }: Context, uids: UidSet, since: Modseq): Generator<number, void, void> {
  for (const walk = new SnapshotWalk(view.shown, uids, since); walk.next(); ) yield walk.uid
}

/** Marks all at once, before the first is sent; a store that takes no changes now still gives mail. */
async function markSeen({ view, store, actor, out }: Context, uids: UidSet): Promise<UidSet> {
  const unseen: number[] = []
  for (const walk = new SnapshotWalk(view.shown, uids); walk.next(); )
    if ((walk.flags & SEEN) === 0) unseen.push(walk.uid)
  if (unseen.length === 0) return []
  const answer = await store.write('changeFlags', {
    account: view.account,
    by: actor,
    guest: view.guest,
    mailbox: view.mailbox,
    uids: uidSetOf(unseen),
    action: 'add',
    flags: { system: SEEN, keywords: [] },
    unchangedSince: undefined,
  })
  if (!answer.ok) return []
  if (view.guest === undefined) view.took(answer.value.changed)
  view.expect(answer.value.modseq)
  const marked = uidSetOf(answer.value.changed.uids)
  await view.absorb(out, marked)
  return marked
}

function completion({ lost, damaged, undecodable }: FetchFailures, by: By): Completion {
  if (damaged > 0) return { status: 'NO', code: 'CORRUPTION', text: `${damaged} of the messages cannot be read` }
  if (undecodable > 0)
    return { status: 'NO', code: 'UNKNOWN-CTE', text: 'A part has an encoding that is not known here' }
  // A UID that is not there is no error (RFC 9051 §6.4.9).
  if (lost > 0 && by === 'number') return SOME_GONE
  return { status: 'OK', text: 'Fetched' }
}
