/** LIST and its extensions (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154). @module */
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'
import { readMetadataName } from './metadata.ts'
import { formatStatusItems, readStatusItems, type StatusItem } from './status-items.ts'

/** Options before the reference: which mailboxes. */
export interface ListSelection {
  readonly subscribed: boolean
  readonly remote: boolean
  /** Only together with another one. */
  readonly recursiveMatch: boolean
  readonly specialUse: boolean
}

/** Options after RETURN: what to say about them. */
export interface ListReturn {
  readonly subscribed: boolean
  readonly children: boolean
  readonly specialUse: boolean
  /** STATUS answers to send along (RFC 5819). */
  readonly status: readonly StatusItem[] | undefined
  /** The person's rights (RFC 8440). */
  readonly myRights: boolean
  /** Entries to send along (RFC 9590), in lower case. */
  readonly metadata: readonly string[] | undefined
}

/** Everything after LIST. */
export interface ListRequest {
  /** Any of the extended forms was used: `""` as pattern then has no special meaning (RFC 5258 §3). */
  readonly extended: boolean
  readonly selection: ListSelection
  /** Decoded to Unicode. */
  readonly reference: string
  /** Decoded to Unicode, with `*` and `%`; at least one. */
  readonly patterns: readonly string[]
  readonly returns: ListReturn
}

// list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
export function readListRequest(r: ElementReader): ListRequest {
  const withSelection = r.peek() === '('
  const selection = readSelection(r, withSelection)
  const reference = r.mailbox()
  r.sp()
  const withPatterns = r.peek() === '('
  // patterns = "(" list-mailbox *(SP list-mailbox) ")" (RFC 5258 §6)
  const patterns = withPatterns ? r.list(() => r.listMailbox(), 1) : [r.listMailbox()]
  const withReturn = r.spaces() && !r.atEnd
  const returns = readReturns(r, withReturn)
  return { extended: withSelection || withPatterns || withReturn, selection, reference, patterns, returns }
}

function readSelection(r: ElementReader, given: boolean): ListSelection {
  const selection = { subscribed: false, remote: false, recursiveMatch: false, specialUse: false }
  if (!given) return selection
  const start = r.position
  r.list(() => {
    const at = r.position
    const name = r.keyword()
    if (name === 'SUBSCRIBED') selection.subscribed = true
    else if (name === 'REMOTE') selection.remote = true
    else if (name === 'RECURSIVEMATCH') selection.recursiveMatch = true
    else if (name === 'SPECIAL-USE') selection.specialUse = true
    else r.fault('LIST selection option is not known', at)
  })
  // "If a list-select-mod-opt appears, then a list-select-base-opt must also appear" (RFC 9051 §9)
  if (selection.recursiveMatch && !selection.subscribed && !selection.specialUse)
    r.fault('RECURSIVEMATCH needs another selection option', start)
  r.sp()
  return selection
}

function readReturns(r: ElementReader, given: boolean): ListReturn {
  const returns = { subscribed: false, children: false, specialUse: false, myRights: false }
  let status: readonly StatusItem[] | undefined
  let metadata: readonly string[] | undefined
  if (given)
    r.expect('RETURN')
      .sp()
      .list(() => {
        const at = r.position
        const name = r.keyword()
        if (name === 'SUBSCRIBED') returns.subscribed = true
        else if (name === 'CHILDREN') returns.children = true
        else if (name === 'SPECIAL-USE') returns.specialUse = true
        else if (name === 'MYRIGHTS') returns.myRights = true
        else if (name === 'STATUS') status = readStatusItems(r.sp())
        else if (name === 'METADATA') metadata = r.sp().list(() => readMetadataName(r), 1)
        else r.fault('LIST return option is not known', at)
      })
  return { ...returns, status, metadata }
}

/** Everything after LIST and its space. `extended` alone is written as `RETURN ()`. */
export function writeListRequest(w: ElementWriter, request: ListRequest): void {
  const { selection, reference, patterns, returns } = request
  const selected = [
    ...(selection.subscribed ? ['SUBSCRIBED'] : []),
    ...(selection.remote ? ['REMOTE'] : []),
    ...(selection.recursiveMatch ? ['RECURSIVEMATCH'] : []),
    ...(selection.specialUse ? ['SPECIAL-USE'] : []),
  ]
  if (selected.length > 0) w.text(`(${selected.join(' ')}) `)
  w.mailbox(reference).sp()
  const [only, ...others] = patterns
  if (only !== undefined && others.length === 0) w.listMailbox(only)
  else w.list(patterns, (pattern) => w.listMailbox(pattern))
  const returned: (() => void)[] = []
  if (returns.subscribed) returned.push(() => w.text('SUBSCRIBED'))
  if (returns.children) returned.push(() => w.text('CHILDREN'))
  if (returns.specialUse) returned.push(() => w.text('SPECIAL-USE'))
  if (returns.myRights) returned.push(() => w.text('MYRIGHTS'))
  const { status, metadata } = returns
  if (status !== undefined) returned.push(() => w.text(`STATUS ${formatStatusItems(status)}`))
  if (metadata !== undefined) returned.push(() => w.text('METADATA ').list(metadata, (name) => w.astring(name)))
  const mustShow = request.extended && selected.length === 0 && others.length === 0
  if (returned.length > 0 || mustShow) w.text(' RETURN ').list(returned, (write) => write())
}
