/** SEARCH and UID SEARCH (RFC 9051 §6.4.4, §6.4.9, RFC 4731, RFC 5182, RFC 7162 §3.1.5, §3.1.10). @module */
import { Turns } from '#lib/turns.ts'
import { formatUidSet, type UidSet, uidSetOf, uidSetSize } from '#mail/uid-set.ts'
import { searchMailbox } from '#services/mailbox-search.ts'
import type { Criterion } from '#services/search-criterion.ts'
import { SnapshotWalk } from '#services/snapshot-walk.ts'
import type { SearchKey, SearchProgram, SearchReturn } from '#wire/imap/search-program.ts'
import { type By, type Command, type Completion, type Context, command } from '../command.ts'
import { enableCondstore, UID_REQUIRED } from '../message-commands.ts'
import { limited, messageLimit, withLimit } from '../message-limit.ts'
import { clipNumbers, criterionOf, type SearchGround } from '../search/criterion.ts'
import { intersectUidSets } from '../uid-sets.ts'

/** Text of numbers that is written at once. */
const NUMBERS_CHARS = 4_096
const CHARSETS: ReadonlySet<string> = new Set(['US-ASCII', 'UTF-8'])

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
    const refusal = charsetRefusal(program, context)
    const saves = program.returns?.includes('SAVE') ?? false
    if (refusal !== undefined) {
      // A search that fails with NO empties `$`; a command that is BAD leaves it (RFC 9051 §6.4.4.1)
      if (saves && refusal.status === 'NO') context.view.saved = []
      return refusal
    }
    if (context.enabled.uidOnly && namesNumbers(program.keys)) return UID_REQUIRED
    if (asksModseq(program.keys)) enableCondstore(context)
    const { view, store, account, signal, clock } = context
    view.speak(by)
    const ground: SearchGround = {
      keywords: view.keywords,
      uidsOf(set, how) {
        if (how === 'uid' || set === '$') return view.among(set, how) ?? []
        // Nor may UID SEARCH tell of expunges when it names messages by number (RFC 7162 §3.2.10.2).
        view.keepNumbers()
        return view.among(clipNumbers(set, view.messages), how) ?? []
      },
      now: clock.now(),
    }
    const { mailbox, shown: snapshot } = view
    const { criterion, code } = within(context, program.keys, ground)
    const found = await searchMailbox({ store, account, mailbox, snapshot, criterion, signal })
    if (saves) view.saved = savedOf(program.returns ?? [], found)
    await answer(context, program, found, by)
    return withLimit(context, { status: 'OK', text: 'Searched' }, code)
  },
})

/** The keys, and the messages that one command may look at: what they name by UID or number, the highest UIDs of it. */
function within(
  context: Context,
  keys: readonly SearchKey[],
  ground: SearchGround,
): { readonly criterion: Criterion; readonly code: string | undefined } {
  const criterion = criterionOf(keys, ground)
  const { view } = context
  if (view.messages <= messageLimit(context)) return { criterion, code: undefined }
  let looked = view.uids()
  for (const key of keys) {
    const named = criterionOf([key], ground)
    if (named.kind === 'uids') looked = intersectUidSets(looked, named.set)
  }
  const { uids, code } = limited(context, looked)
  return code === undefined
    ? { criterion, code }
    : { criterion: { kind: 'and', all: [{ kind: 'uids', set: uids }, criterion] }, code }
}

function charsetRefusal({ charset }: SearchProgram, { enabled }: Context): Completion | undefined {
  if (charset === undefined) return undefined
  // With UTF8=ACCEPT all text is UTF-8 and may not be called otherwise (RFC 6855 §3); rev2 takes the word again
  if (enabled.utf8 && !enabled.rev2) return { status: 'BAD', text: 'CHARSET is not used after ENABLE UTF8=ACCEPT' }
  if (CHARSETS.has(charset)) return undefined
  return { status: 'NO', code: 'BADCHARSET (US-ASCII UTF-8)', text: 'That charset is not known here' }
}

/** RFC 9586 §3.5. `$` is no number. */
function namesNumbers(keys: readonly SearchKey[]): boolean {
  return anyKey(keys, (key) => key.kind === 'SET' && key.set !== '$')
}

function asksModseq(keys: readonly SearchKey[]): boolean {
  return anyKey(keys, (key) => key.kind === 'MODSEQ')
}

function anyKey(keys: readonly SearchKey[], is: (key: SearchKey) => boolean): boolean {
  return keys.some((key) => {
    switch (key.kind) {
      case 'FUZZY':
      case 'NOT':
        return anyKey([key.key], is)
      case 'OR':
        return anyKey([key.left, key.right], is)
      case 'AND':
        return anyKey(key.keys, is)
      default:
        return is(key)
    }
  })
}

/** With SAVE, MIN and MAX alone keep just those messages (RFC 5182 §2.4). */
function savedOf(returns: readonly SearchReturn[], found: UidSet): UidSet {
  if (returns.includes('ALL') || returns.includes('COUNT')) return found
  const ends = endsOf(returns, found)
  return returns.includes('MIN') || returns.includes('MAX') ? ends : found
}

function endsOf(returns: readonly SearchReturn[], found: UidSet): UidSet {
  const first = found[0]?.[0]
  const last = found.at(-1)?.[1]
  const ends = new Set<number>()
  if (returns.includes('MIN') && first !== undefined) ends.add(first)
  if (returns.includes('MAX') && last !== undefined) ends.add(last)
  return uidSetOf([...ends].sort((a, b) => a - b))
}

async function answer(context: Context, program: SearchProgram, found: UidSet, by: By): Promise<void> {
  const { view, out, enabled } = context
  const shown = by === 'uid' ? found : view.numbers(found)
  const wantsModseq = asksModseq(program.keys)
  // rev2 knows no other answer than ESEARCH (RFC 9051 §7.3.4, Appendix E)
  if (program.returns === undefined && !enabled.rev2) {
    out.text('* SEARCH')
    await writeNumbers(context, shown)
    if (wantsModseq && found.length > 0) out.text(` (MODSEQ ${highest(context, found)})`)
    out.text('\r\n')
    return
  }
  const asked = program.returns ?? []
  // SAVE alone is answered by nothing (RFC 5182 §2.1)
  if (asked.length === 1 && asked[0] === 'SAVE') return
  const returns: readonly SearchReturn[] = asked.length === 0 ? ['ALL'] : asked
  out.text(`* ESEARCH (TAG "${context.tag}")`)
  if (by === 'uid') out.text(' UID')
  if (found.length > 0) {
    if (returns.includes('MIN')) out.text(` MIN ${shown[0]?.[0]}`)
    if (returns.includes('MAX')) out.text(` MAX ${shown.at(-1)?.[1]}`)
    if (returns.includes('ALL')) out.text(` ALL ${formatUidSet(shown)}`)
  }
  if (returns.includes('COUNT')) out.text(` COUNT ${uidSetSize(found)}`)
  if (wantsModseq && found.length > 0) {
    // Of the messages told of: with MIN and MAX alone, only those (RFC 7162 §3.1.10)
    const whole = returns.includes('ALL') || returns.includes('COUNT')
    out.text(` MODSEQ ${highest(context, whole ? found : endsOf(returns, found))}`)
  }
  out.text('\r\n')
}

/** Each number of the set: with 100,000 of them others must have their turn. */
async function writeNumbers({ out }: Context, set: UidSet): Promise<void> {
  const turns = new Turns()
  let text = ''
  for (const [first, last] of set)
    for (let number: number = first; number <= last; number += 1) {
      text += ` ${number}`
      if (text.length < NUMBERS_CHARS) continue
      out.text(text)
      text = ''
      if (out.due) await out.flush()
      if (turns.overNow) await turns.share()
    }
  out.text(text)
}

function highest({ view }: Context, uids: UidSet): number {
  let modseq = 0
  for (const walk = new SnapshotWalk(view.shown, uids); walk.next(); ) modseq = Math.max(modseq, walk.modseq)
  return modseq
}
