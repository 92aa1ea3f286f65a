/** ESEARCH: one search in several mailboxes (RFC 7377). @module */
import { snapshotsOf } from '#services/snapshots.ts'
import type { EsearchRequest, SearchSource } from '#wire/imap/esearch-request.ts'
import { encodeMailboxName } from '#wire/imap/mailbox-name.ts'
import { ResponseWriter } from '#wire/imap/response-writer.ts'
import type { SearchProgram } from '#wire/imap/search-program.ts'
import { type Command, type Context, command, LOGGED_IN } from '../command.ts'
import { netUnicode } from '../mailbox-names.ts'
import { mailboxTree } from '../mailbox-tree.ts'
import { enableCondstore, UID_REQUIRED } from '../message-commands.ts'
import { limitCode, withLimit } from '../message-limit.ts'
import { isOfOthers } from '../other-names.ts'
import { hasOneOf, type Reached, reach } from '../resolve.ts'
import {
  asksModseq,
  asksRelevancy,
  asksUpdate,
  charsetRefusal,
  namesNumbers,
  refuseUpdate,
  relevancyRefusal,
} from '../search/program.ts'
import { relevanceOf } from '../search/relevance.ts'
import { resultsOf, savedOf, writeResults } from '../search/results.ts'
import { otherMailbox, runSearch, type Searched, selectedMailbox } from '../search/run.ts'
import type { SelectedView } from '../selected.ts'

export const esearch: Command = command<EsearchRequest>({
  name: 'ESEARCH',
  states: LOGGED_IN,

  // esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program
  parse(r) {
    const request = r.sp().esearchRequest()
    r.end()
    return request
  },

  async run({ sources = SELECTED, program }, _by, context) {
    const { keys, returns } = program
    const saves = returns?.includes('SAVE') ?? false
    const ofSelected = sources.some(({ kind }) => kind === 'selected')
    const selected = context.session.state === 'selected'
    // RFC 7377 §2.2
    if (ofSelected && !selected) return { status: 'BAD', text: 'No mailbox is selected' }
    if (saves && !sources.every(({ kind }) => kind === 'selected'))
      return { status: 'BAD', text: 'SAVE is for the selected mailbox alone' }
    // RFC 7377 §2.2: it would be of the selected mailbox alone.
    if (asksUpdate(program) && !selected) return { status: 'BAD', text: 'No mailbox is selected' }
    const refusal = charsetRefusal(program.charset, context) ?? relevancyRefusal(keys, asksRelevancy(program))
    if (refusal !== undefined) {
      if (saves && refusal.status === 'NO') context.view.saved = []
      return refusal
    }
    if (context.enabled.uidOnly && namesNumbers(keys)) return UID_REQUIRED
    if (selected) {
      if (asksModseq(keys)) enableCondstore(context)
      context.view.speak('uid')
    } else if (asksModseq(keys)) context.enabled.condstore = true
    let limit: string | undefined
    const boxes = await chosen(context, sources)
    for (const box of boxes) {
      const code = await searchOne(context, box, program, ofSelected && context.view.isOf(box))
      // A UID would be of one of them (RFC 9738 §5: it is left out when not known).
      if (code !== undefined) limit = boxes.length === 1 ? code : limitCode(context)
      if (context.out.due) await context.out.flush()
      context.signal.throwIfAborted()
    }
    if (asksUpdate(program)) refuseUpdate(context)
    return withLimit(context, { status: 'OK', text: 'Searched' }, limit)
  },
})

const SELECTED: readonly SearchSource[] = [{ kind: 'selected' }]

/** The mailboxes, each once, in the order of LIST; names of none are ignored (RFC 7377 §2.2, §5). */
async function chosen(context: Context, sources: readonly SearchSource[]): Promise<readonly Reached[]> {
  if (sources.every(({ kind }) => kind === 'selected')) {
    const box = await context.view.reached()
    return box === undefined ? [] : [box]
  }
  const selected = context.session.selected
  const tests = sources.map((source) => testOf(source, selected))
  const { nodes } = await mailboxTree(
    context,
    selected?.guest !== undefined || !sources.every(({ kind }) => OWN.has(kind)),
  )
  const boxes = nodes.flatMap(({ name, box, subscribed }) =>
    box !== undefined && hasOneOf(box.rights, 'r') && tests.some((test) => test({ name, box, subscribed }))
      ? [box]
      : [],
  )
  // Whoever names a mailbox needs no `l` (RFC 7377 §2.2).
  for (const source of sources)
    for (const name of source.kind === 'mailboxes' ? source.names.map(netUnicode) : []) {
      if (!isOfOthers(name) || boxes.some((box) => box.name === name)) continue
      const found = await reach(context, name, 'r')
      if (found.ok) boxes.push(found.value)
    }
  return boxes
}

const OWN: ReadonlySet<SearchSource['kind']> = new Set(['selected', 'inboxes', 'personal'])

type Test = (node: { readonly name: string; readonly box: Reached; readonly subscribed: boolean }) => boolean

function testOf(source: SearchSource, selected: SelectedView | undefined): Test {
  switch (source.kind) {
    case 'selected':
      return ({ box }) => selected?.isOf(box) === true
    // Mail is delivered into any mailbox (plus-addressing), so this is the same (RFC 5465 §6.3).
    case 'inboxes':
    case 'personal':
      return ({ box }) => box.user === undefined
    case 'subscribed':
      return ({ subscribed }) => subscribed
    case 'mailboxes': {
      const names = new Set(source.names.map(netUnicode))
      return ({ name }) => names.has(name)
    }
    case 'subtree': {
      const roots = new Set(source.names.map(netUnicode))
      return ({ name }) => {
        for (let at = name.length; at > 0; at = name.lastIndexOf('/', at - 1))
          if (roots.has(name.slice(0, at))) return true
        return false
      }
    }
    case 'subtree-one': {
      const roots = new Set(source.names.map(netUnicode))
      return ({ name }) => roots.has(name) || roots.has(name.slice(0, Math.max(0, name.lastIndexOf('/'))))
    }
  }
}

/** Answers with what one mailbox has, and with nothing where it has nothing (RFC 7377 §2.1). */
async function searchOne(
  context: Context,
  box: Reached,
  program: SearchProgram,
  asView: boolean,
): Promise<string | undefined> {
  if (asView) return answer(context, box, program, selectedMailbox(context))
  const { store } = context
  const { account, info } = box
  const handle = snapshotsOf(store).open(account, info.key, box.user)
  try {
    const snapshot = await handle.refresh(0, performance.now())
    if (snapshot === undefined) return undefined
    await handle.keywords.load(store, account)
    return await answer(context, box, program, otherMailbox(context, box, snapshot, handle.keywords))
  } finally {
    handle.close()
  }
}

async function answer(
  context: Context,
  box: Reached,
  program: SearchProgram,
  searched: Searched,
): Promise<string | undefined> {
  const { keys } = program
  const { ranges, code } = await runSearch(context, searched, keys)
  const results = resultsOf(ranges)
  if (program.returns?.includes('SAVE')) context.view.saved = savedOf(program, results)
  if (results.count === 0) return code
  const relevance = asksRelevancy(program) ? await relevanceOf(context, searched, keys, ranges.set) : undefined
  const { snapshot } = searched
  const head = correlators(context, box)
  const modseq = asksModseq(keys)
  await writeResults(context.out, { head, by: 'uid', snapshot, returns: program, results, modseq, relevance })
  return code
}

function correlators({ tag, enabled }: Context, { name, info: { uidValidity } }: Reached): string {
  // Quoted as in the examples of RFC 7377; an atom would do as well.
  const w = new ResponseWriter({ utf8: enabled.utf8 })
  w.text(`(TAG "${tag}" MAILBOX `).string(encodeMailboxName(name, enabled.utf8)).text(` UIDVALIDITY ${uidValidity})`)
  return Buffer.concat(w.take()).toString('latin1')
}
