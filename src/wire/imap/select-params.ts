/** Parameters of SELECT and EXAMINE (RFC 7162 §3.1.8, §3.2.5). @module */
import type { Modseq } from '#mail/ids.ts'
import { formatUidSet, type UidSet, uidSetSize } from '#mail/uid-set.ts'
import type { ElementReader } from './element-reader.ts'
import { readModseq } from './fetch-items.ts'

export interface SelectParams {
  readonly condstore: boolean
  readonly qresync: QresyncParams | undefined
}

/** What the client remembers of the mailbox. */
export interface QresyncParams {
  readonly uidValidity: number
  readonly modseq: Modseq
  /** Sorted and merged. `undefined`: all. */
  readonly knownUids: UidSet | undefined
  /** Message numbers and their UIDs, equally many, ranges as written (RFC 7162 §3.2.5.2). */
  readonly match: { readonly numbers: UidSet; readonly uids: UidSet } | undefined
}

/** Optional parameters with their leading space. */
export function readSelectParams(r: ElementReader): SelectParams {
  let condstore = false
  let qresync: QresyncParams | undefined
  // select-params = SP "(" select-param *(SP select-param) ")" (RFC 4466 §2.1)
  if (r.spaces() && !r.atEnd)
    r.list(() => {
      const start = r.position
      const name = r.keyword()
      if (name === 'CONDSTORE') condstore = true
      else if (name === 'QRESYNC') qresync = readQresync(r.sp())
      else r.fault('SELECT parameter is not known', start)
    }, 1)
  return { condstore, qresync }
}

// "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")" (RFC 7162 §7)
function readQresync(r: ElementReader): QresyncParams {
  const uidValidity = r.expect('(').nzNumber()
  const modseq = readModseq(r.sp())
  let knownUids: UidSet | undefined
  let match: QresyncParams['match']
  if (r.spaces() && /[0-9]/.test(r.peek())) {
    knownUids = r.uidSet()
    r.spaces()
  }
  if (r.peek() === '(') {
    // seq-match-data = "(" known-sequence-set SP known-uid-set ")"
    const start = r.position
    const numbers = r.expect('(').orderedUids()
    const uids = r.sp().orderedUids()
    r.expect(')')
    if (uidSetSize(numbers) !== uidSetSize(uids)) r.fault('Both sets must have as many numbers', start)
    match = { numbers, uids }
    r.spaces()
  }
  r.expect(')')
  return { uidValidity, modseq, knownUids, match }
}

/** With the leading space; nothing where there are none. */
export function formatSelectParams({ condstore, qresync }: SelectParams): string {
  const params = condstore ? ['CONDSTORE'] : []
  if (qresync !== undefined) {
    const { uidValidity, modseq, knownUids, match } = qresync
    const known = knownUids === undefined ? '' : ` ${formatUidSet(knownUids)}`
    const matched = match === undefined ? '' : ` (${formatUidSet(match.numbers)} ${formatUidSet(match.uids)})`
    params.push(`QRESYNC (${uidValidity} ${modseq}${known}${matched})`)
  }
  return params.length === 0 ? '' : ` (${params.join(' ')})`
}
