/** What the commands on messages share. @module */
import type { Completion, Context } from './command.ts'

/** RFC 9051 §9 seq-number: a number beyond the last is an error, also `*` in an empty mailbox. */
export const NO_SUCH_NUMBER: Completion = { status: 'BAD', text: 'There is no message of that number' }

/** RFC 9586 §3: UIDONLY is enabled. */
export const UID_REQUIRED: Completion = {
  status: 'BAD',
  code: 'UIDREQUIRED',
  text: 'Message numbers are not used after ENABLE UIDONLY',
}

/** How an answer about a message begins (RFC 9051 §7.5.2, RFC 9586 §3.3). */
export function fetchHead(
  { number, uid }: { readonly number: number; readonly uid: number },
  uidOnly: boolean,
): string {
  return uidOnly ? `* ${uid} UIDFETCH (` : `* ${number} FETCH (`
}

/** EXAMINE. */
export const READ_ONLY: Completion = { status: 'NO', code: 'READ-ONLY', text: 'The mailbox was only examined' }

/** Messages that the client still counts are no more (RFC 5530 §3). */
export const SOME_GONE: Completion = {
  status: 'NO',
  code: 'EXPUNGEISSUED',
  text: 'Some of the messages no longer exist',
}

/** The command makes the client one that wants MODSEQs; the first one in a mailbox is told where it stands (RFC 7162 §3.1). */
export function enableCondstore({ enabled, out, view }: Context): void {
  if (enabled.condstore) return
  enabled.condstore = true
  out.text(`* OK [HIGHESTMODSEQ ${view.modseq}] `).line('Changes are counted')
}
