/** Where refusals and faults become OK, NO and BAD; commands say only what is special to them. @module */
import { StoreFull } from '#store/mail-store.ts'
import type { RestoreKind, WriteKind, Writes } from '#store/writes.ts'
import type { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import type { Completion } from './command.ts'

/** Everything that a write of a session may be refused for. */
export type WriteRefusal = Writes[Exclude<WriteKind, RestoreKind>]['refusal']

/** The usual answer to a refusal of the store; response codes from RFC 9051 §7.1 and RFC 5530 §3. */
export function refusalCompletion(refusal: WriteRefusal): Completion {
  switch (refusal.kind) {
    case 'unavailable':
      return { status: 'NO', code: 'UNAVAILABLE', text: UNAVAILABLE[refusal.reason] }
    case 'no-such-account':
      return { status: 'NO', code: 'UNAVAILABLE', text: 'The account is not there' }
    case 'no-such-mailbox':
      return { status: 'NO', code: 'NONEXISTENT', text: 'No such mailbox' }
    case 'mailbox-exists':
      return { status: 'NO', code: 'ALREADYEXISTS', text: 'A mailbox of that name exists' }
    case 'bad-name':
      return { status: 'NO', code: 'CANNOT', text: BAD_NAME[refusal.why] }
    case 'too-many-mailboxes':
      return { status: 'NO', code: 'LIMIT', text: `There may be ${refusal.limit} mailboxes at most` }
    case 'over-quota':
      return { status: 'NO', code: 'OVERQUOTA', text: overQuotaText(refusal.resource, refusal.limit) }
    case 'too-many-keywords':
      return { status: 'NO', code: 'LIMIT', text: `Keywords go beyond the limit of ${refusal.limit}` }
    case 'is-inbox':
      return { status: 'NO', code: 'CANNOT', text: 'INBOX stays where it is' }
    case 'special-use-taken':
      return { status: 'NO', code: 'USEATTR', text: 'Another mailbox has that special use' }
    case 'uidl-taken':
      return { status: 'NO', code: 'CANNOT', text: 'The UIDL is taken' }
    case 'no-such-message':
      return { status: 'NO', code: 'EXPUNGEISSUED', text: 'The message no longer exists' }
    case 'too-many-acl-entries':
      return { status: 'NO', code: 'LIMIT', text: `There may be ${refusal.limit} entries at most` }
    case 'too-many-for-anyone':
      return { status: 'NO', code: 'LIMIT', text: `At most ${refusal.limit} mailboxes may be for anyone` }
    // RFC 5464 §4.3
    case 'metadata-too-large':
      return { status: 'NO', code: `METADATA MAXSIZE ${refusal.limit}`, text: 'An annotation is too large' }
    case 'too-much-metadata':
      return { status: 'NO', code: 'METADATA TOOMANY', text: 'These are too many annotations' }
    case 'uids-exhausted':
      return { status: 'NO', code: 'LIMIT', text: 'The mailbox has no more UIDs to give' }
  }
}

/** What an account's limit is, for people. */
export function overQuotaText(resource: 'storage' | 'message', limit: number): string {
  return resource === 'storage' ? `The limit is ${limit} bytes` : `The limit is ${limit} messages`
}

const UNAVAILABLE = {
  full: 'The server has no space left',
  'read-only': 'The server takes no changes now',
  failed: 'The change could not be kept, try again',
  closing: 'The server is stopping',
  moving: 'The account is being moved, try again in a moment',
} as const

const BAD_NAME = {
  'empty-level': 'A level of the name is empty',
  'too-long': 'The name is too long',
  'too-deep': 'The name has too many levels',
  'bad-character': 'A character of the name is not allowed',
} as const

/** BAD with the place, counted from 1; what was sent is not repeated. */
export function syntaxCompletion(fault: SyntaxFault): Completion {
  return { status: 'BAD', text: `${fault.message} (at position ${fault.offset + 1})` }
}

/** The answer to what nobody expected; `undefined` for a bug, which the session logs. */
export function faultCompletion(error: unknown): Completion | undefined {
  if (error instanceof StoreFull) return { status: 'NO', code: 'UNAVAILABLE', text: UNAVAILABLE.full }
  return undefined
}

/** Said in BYE: nothing a client could do in the mailbox has a meaning any more. */
export const MAILBOX_GONE = 'The selected mailbox was deleted'
/** Said in BYE, too (RFC 4314 §5.1.1). */
export const READ_WITHDRAWN = 'Your right to read the selected mailbox was withdrawn'
