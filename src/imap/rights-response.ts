import { formatRights, RIGHTS } from '#store/acl.ts'
import { writeAclResponse } from '#wire/imap/acl.ts'
import type { Output } from './output.ts'

/** Writes `* MYRIGHTS name rights` of a mailbox of the person's own: all rights (RFC 4314 §3.8). */
export function writeMyRights(out: Output, mailbox: string): void {
  out.text('* ')
  writeAclResponse(out, { kind: 'MYRIGHTS', mailbox, rights: formatRights(RIGHTS) })
  out.text('\r\n')
}
