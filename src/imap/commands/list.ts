import { Turns } from '#lib/turns.ts'
import type { ListRequest, ListSelection } from '#wire/imap/list-options.ts'
import { type Command, type Context, command, LOGGED_IN } from '../command.ts'
import { attributesOf, writeList } from '../list-response.ts'
import { netUnicode } from '../mailbox-names.ts'
import { matchesPattern, simplifyPattern } from '../mailbox-pattern.ts'
import { isOnTheWay, type MailboxNode, mailboxTree, specialUseOf } from '../mailbox-tree.ts'
import { chooseMetadata, isAnnotated, writeMetadata } from '../metadata-response.ts'
import { mayFitOthers } from '../other-names.ts'
import { hasOneOf } from '../resolve.ts'
import { writeMyRights } from '../rights-response.ts'
import { writeStatus } from '../status-response.ts'

/** LIST (RFC 9051 §6.3.9) with its extensions (RFC 5258, RFC 5819, RFC 6154 §4, RFC 9590). */
export const list: Command = command<ListRequest>({
  name: 'LIST',
  states: LOGGED_IN,
  parse(r) {
    const request = r.sp().listRequest()
    r.end()
    return request
  },
  async run(request, _by, context) {
    if (!request.extended && request.patterns[0] === '') {
      // Asks for the separator alone (RFC 9051 §6.3.9).
      context.out.text('* LIST (\\Noselect) "/" ""\r\n')
      return { status: 'OK', text: 'That is the separator' }
    }
    const { reference, patterns } = request
    const { nodes } = await mailboxTree(context, mayListOthers(reference, patterns))
    const fits = patternTest(reference, patterns)
    const turns = new Turns()
    for (const { node, childInfo } of select(nodes, request.selection, fits)) {
      await answer(context, request, node, childInfo)
      // annotations are read for each mailbox, of which there may be thousands
      if (turns.over) await turns.share()
      if (context.out.due) await context.out.flush()
    }
    return { status: 'OK', text: 'That is the list' }
  },
})

interface Selected {
  readonly node: MailboxNode
  readonly childInfo: boolean
}

/** Whether the mailboxes of others must be looked at. */
export function mayListOthers(reference: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => mayFitOthers(reference + pattern))
}

/** Whether a name fits one of the patterns, each read behind the reference. */
export function patternTest(reference: string, patterns: readonly string[]): (name: string) => boolean {
  const whole = patterns.map((pattern) => netUnicode(simplifyPattern(reference + pattern)))
  const inCapitals = whole.map((pattern) => pattern.toUpperCase())
  return (name) =>
    whole.some((pattern) => matchesPattern(name, pattern)) ||
    // INBOX has no case (RFC 9051 §5.1)
    (name === 'INBOX' && inCapitals.some((pattern) => matchesPattern(name, pattern)))
}

/** The names to answer with, by the table of RFC 5258 §3.5. */
function select(nodes: readonly MailboxNode[], selection: ListSelection, fits: (name: string) => boolean): Selected[] {
  const { subscribed, specialUse, recursiveMatch } = selection
  const meets = (node: MailboxNode): boolean =>
    (subscribed || specialUse || isOnTheWay(node)) &&
    (!subscribed || node.subscribed) &&
    (!specialUse || specialUseOf(node) !== undefined)
  if (!recursiveMatch) return nodes.filter((node) => fits(node.name) && meets(node)).map(alone)
  // What is below each name and meets the options: anything, or something that is not answered by itself.
  const below = new Set<string>()
  const hidden = new Set<string>()
  for (const node of nodes) {
    if (!meets(node)) continue
    const shown = fits(node.name)
    for (let at = node.name.lastIndexOf('/'); at > 0; at = node.name.lastIndexOf('/', at - 1)) {
      const superior = node.name.slice(0, at)
      below.add(superior)
      if (!shown) hidden.add(superior)
    }
  }
  return nodes.flatMap((node) => {
    if (!fits(node.name)) return []
    if (meets(node)) return [{ node, childInfo: below.has(node.name) }]
    return hidden.has(node.name) ? [{ node, childInfo: true }] : []
  })
}

function alone(node: MailboxNode): Selected {
  return { node, childInfo: false }
}

async function answer(context: Context, request: ListRequest, node: MailboxNode, childInfo: boolean): Promise<void> {
  const { selection, returns, extended } = request
  const attributes = attributesOf(node, {
    nonExistent: extended || context.enabled.rev2,
    subscribed: selection.subscribed || returns.subscribed,
  })
  const options = [...(selection.subscribed ? ['SUBSCRIBED'] : []), ...(selection.specialUse ? ['SPECIAL-USE'] : [])]
  writeList(context.out, 'LIST', attributes, node.name, childInfo ? { childInfo: options } : {})
  const { box } = node
  if (box === undefined) return
  // RFC 8440 §3
  if (returns.myRights) writeMyRights(context.out, box)
  // The rights that GETMETADATA and STATUS want: what is in sight is not yet to be looked into (RFC 4314 §4, RFC 5464 §3.3).
  if (returns.metadata !== undefined && isAnnotated(box)) {
    // Without annotations of that name, NIL says so (RFC 9590 §3).
    const { store, account, out } = context
    const entries = await store.metadata(box.account, box.info.key, account.id)
    writeMetadata(out, node.name, chooseMetadata(entries, returns.metadata, '0'))
  }
  if (returns.status !== undefined && hasOneOf(box.rights, 'r')) await writeStatus(context, box, returns.status)
}
