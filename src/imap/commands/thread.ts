/** THREAD and UID THREAD (RFC 5256 §3, RFC 9738 §3.3; THREAD=REFS: draft-ietf-morg-inthread, dates as Dovecot has them). @module */
import { Turns } from '#lib/turns.ts'
import { type MailboxThreads, type ThreadAlgorithm, threadMailbox } from '#services/mailbox-threads.ts'
import type { ThreadRequest } from '#wire/imap/thread-request.ts'
import { type By, type Command, type Context, command } from '../command.ts'
import { enableCondstore, UID_REQUIRED } from '../message-commands.ts'
import { limitCode, tooMany } from '../message-limit.ts'
import { asksModseq, namedCharsetRefusal, namesNumbers } from '../search/program.ts'
import { isTooMuch, runSearch, selectedMailbox } from '../search/run.ts'

/** Text that is written at once. */
const TEXT_CHARS = 4_096

const ALGORITHMS: ReadonlyMap<string, ThreadAlgorithm> = new Map([
  ['ORDEREDSUBJECT', 'subject'],
  ['REFERENCES', 'references'],
  ['REFS', 'references-only'],
])

export const thread: Command = command<ThreadRequest>({
  name: 'THREAD',
  states: ['selected'],
  uidForm: true,
  holdsExpunge: true,

  // thread = "THREAD" SP thread-alg SP search-criteria
  parse(r) {
    const request = r.sp().threadRequest()
    r.end()
    return request
  },

  async run({ algorithm: name, charset, keys }, by, context) {
    const { view, store, signal, out } = context
    const algorithm = ALGORITHMS.get(name)
    if (algorithm === undefined) return { status: 'BAD', text: 'That way to make threads is not known here' }
    const refusal = namedCharsetRefusal(charset, context)
    if (refusal !== undefined) return refusal
    if (context.enabled.uidOnly && namesNumbers(keys)) return UID_REQUIRED
    if (asksModseq(keys)) enableCondstore(context)
    view.speak(by)
    const searched = selectedMailbox(context)
    if (isTooMuch(context, searched, keys)) return tooMany(limitCode(context))
    const uids = (await runSearch(context, searched, keys)).ranges.set
    const threads = await threadMailbox({ ...searched, store, uids, algorithm, signal })
    out.text('* THREAD')
    if (threads.forest.roots.length > 0) out.sp()
    await writeThreads(context, threads, by)
    out.text('\r\n')
    return { status: 'OK', text: 'Threaded' }
  },
})

/** Without recursion: a thread may be as deep as the mailbox is large. */
async function writeThreads({ out, view }: Context, { uids, forest }: MailboxThreads, by: By): Promise<void> {
  const { firstChild, nextSibling, messages } = forest
  const turns = new Turns()
  const { shown } = view
  const numberOf = (node: number): number => {
    const uid = uids[node] ?? 0
    return by === 'uid' ? uid : (shown.numberOf(uid) ?? 0)
  }
  const CLOSE = -1
  const todo: number[] = []
  let text = ''
  for (const root of forest.roots) {
    todo.push(root)
    for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
      if (node === CLOSE) {
        text += ')'
        continue
      }
      text += '('
      // thread-members = nz-number *(SP nz-number) [SP thread-nested]
      let at = node
      let begun = false
      for (;;) {
        if (at < messages) {
          text += `${begun ? ' ' : ''}${numberOf(at)}`
          begun = true
        }
        const child = firstChild[at] ?? -1
        if (child < 0 || (nextSibling[child] ?? -1) >= 0) break
        at = child
        if (text.length >= TEXT_CHARS) {
          out.text(text)
          text = ''
        }
      }
      todo.push(CLOSE)
      const children: number[] = []
      for (let child = firstChild[at] ?? -1; child >= 0; child = nextSibling[child] ?? -1) children.push(child)
      if (children.length > 0 && begun) text += ' '
      for (let i = children.length - 1; i >= 0; i -= 1) todo.push(children[i] ?? 0)
      if (text.length < TEXT_CHARS) continue
      out.text(text)
      text = ''
      if (out.due) await out.flush()
      if (turns.overNow) await turns.share()
    }
  }
  out.text(text)
}
