/** Everything after the message set of STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3). @module */
import type { Modseq } from '#mail/ids.ts'
import type { ElementReader } from './element-reader.ts'
import { formatFlags } from './flags.ts'

export interface StoreRequest {
  /** UNCHANGEDSINCE; 0 is allowed. */
  readonly unchangedSince: Modseq | undefined
  readonly mode: 'replace' | 'add' | 'remove'
  readonly silent: boolean
  readonly flags: readonly string[]
}

const MODES = { '+': 'add', '-': 'remove', '': 'replace' } as const

// store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags (RFC 4466 §2.5)
export function readStoreRequest(r: ElementReader): StoreRequest {
  let unchangedSince: Modseq | undefined
  if (r.peek() === '(') {
    r.list(() => {
      const start = r.position
      if (r.keyword() !== 'UNCHANGEDSINCE') r.fault('STORE modifier is not known', start)
      unchangedSince = r.sp().number64() as Modseq
    }, 1)
    r.sp()
  }
  // store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
  const sign = r.skip('+') ? '+' : r.skip('-') ? '-' : ''
  const silent = r.expect('FLAGS').skip('.SILENT')
  r.sp()
  return { unchangedSince, mode: MODES[sign], silent, flags: r.peek() === '(' ? r.flagList() : readBareFlags(r) }
}

function readBareFlags(r: ElementReader): readonly string[] {
  const flags = [r.flag()]
  while (r.spaces() && !r.atEnd) flags.push(r.flag())
  return flags
}

/** `(UNCHANGEDSINCE 12) +FLAGS.SILENT (\Seen)`. */
export function formatStoreRequest({ unchangedSince, mode, silent, flags }: StoreRequest): string {
  const modifier = unchangedSince === undefined ? '' : `(UNCHANGEDSINCE ${unchangedSince}) `
  const sign = mode === 'add' ? '+' : mode === 'remove' ? '-' : ''
  return `${modifier}${sign}FLAGS${silent ? '.SILENT' : ''} ${formatFlags(flags)}`
}
