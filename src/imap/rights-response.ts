import { formatRights } from '#store/acl.ts'
import { writeAclResponse } from '#wire/imap/acl.ts'
import type { Output } from './output.ts'
import type { Reached } from './resolve.ts'

/** Writes `* MYRIGHTS name rights` (RFC 4314 §3.8). */
export function writeMyRights(out: Output, { name, rights }: Pick<Reached, 'name' | 'rights'>): void {
  out.text('* ')
  writeAclResponse(out, { kind: 'MYRIGHTS', mailbox: name, rights: formatRights(rights) })
  out.text('\r\n')
}
