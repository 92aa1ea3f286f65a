/** The ESEARCH command as a value (RFC 7377 §4). @module */
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'
import { readSearchProgram, type SearchProgram, writeSearchProgram } from './search-program.ts'

/** Mailboxes to search. */
export type SearchSource =
  | { readonly kind: 'selected' | 'inboxes' | 'personal' | 'subscribed' }
  | { readonly kind: 'subtree' | 'subtree-one' | 'mailboxes'; readonly names: readonly string[] }

/** Everything after ESEARCH. */
export interface EsearchRequest {
  /** `undefined`: the selected mailbox. */
  readonly sources: readonly SearchSource[] | undefined
  readonly program: SearchProgram
}

// esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program
export function readEsearchRequest(r: ElementReader): EsearchRequest {
  let sources: readonly SearchSource[] | undefined
  // esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"; no scope option is defined
  if (r.skip('IN ')) {
    r.spaces()
    sources = r.list(() => readSource(r), 1)
    r.sp()
  }
  return { sources, program: readSearchProgram(r) }
}

function readSource(r: ElementReader): SearchSource {
  const start = r.position
  const kind = r.keyword().toLowerCase()
  switch (kind) {
    case 'selected':
    case 'inboxes':
    case 'personal':
    case 'subscribed':
      return { kind }
    case 'subtree':
    case 'subtree-one':
    case 'mailboxes':
      r.sp()
      // one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")" (RFC 5465 §8)
      return { kind, names: r.peek() === '(' ? r.list(() => r.mailbox(), 1) : [r.mailbox()] }
    default:
      return r.fault('Mailboxes are expected', start)
  }
}

/** Everything after ESEARCH and its space. */
export function writeEsearchRequest(w: ElementWriter, { sources, program }: EsearchRequest): void {
  if (sources !== undefined)
    w.text('IN ')
      .list(sources, (source) => {
        w.text(source.kind)
        if ('names' in source) w.sp().list(source.names, (name) => w.mailbox(name))
      })
      .sp()
  writeSearchProgram(w, program)
}
