/**
 * Mailbox names made mailboxes: whose one is, and what the person logged in may do there. Every command that names a
 * mailbox asks here, so that rights are enforced in one place (RFC 4314 §4, §6).
 * @module
 */
import { done, type Result, refused } from '#lib/result.ts'
import type { AccountId } from '#mail/ids.ts'
import { RIGHTS } from '#store/acl.ts'
import type { AccountRef, MailboxInfo } from '#store/types.ts'
import type { Completion, Context } from './command.ts'

/** A mailbox and what the person may do there. */
export interface Reached {
  /** As its client calls it. */
  readonly name: string
  /** Whose it is. */
  readonly account: AccountRef
  /** The owner's address. */
  readonly owner: string
  readonly info: MailboxInfo
  /** Letters of `RIGHTS`. */
  readonly rights: string
  /** Whose own `\Seen` counts there; `undefined`: that of the message, which is the owner's. */
  readonly user: AccountId | undefined
}

/** The answer to a name of no mailbox, and to that of one that the person must not know of (RFC 4314 §6). */
export const NO_MAILBOX: Completion = { status: 'NO', code: 'NONEXISTENT', text: 'No such mailbox' }
/** The same where the mailbox was to take messages (RFC 9051 §6.3.12, §6.4.7). */
export const NO_TARGET: Completion = { status: 'NO', code: 'TRYCREATE', text: 'No such mailbox' }
export const NOT_ALLOWED: Completion = { status: 'NO', code: 'NOPERM', text: 'You have no right to do that there' }

/**
 * The mailbox of a name.
 * @param oneOf Rights, of which the person needs one. Who has none of them and no `l` either is told that there is no
 *   such mailbox.
 * @param missing What is said then.
 */
export async function reach(
  context: Context,
  name: string,
  oneOf: string,
  missing: Completion = NO_MAILBOX,
): Promise<Result<Reached, Completion>> {
  const { store, account, address } = context
  const own = await store.mailboxByName(account, name)
  if (own !== undefined) return done({ name, account, owner: address, info: own, rights: RIGHTS, user: undefined })
  return refused(missing)
}

/** Whether some right of `oneOf` is among the rights. */
export function hasOneOf(rights: string, oneOf: string): boolean {
  for (const right of oneOf) if (rights.includes(right)) return true
  return false
}
