import type { Result } from '#lib/result.ts'
import type { MailboxKey, Modseq } from '#mail/ids.ts'
import type { BodyPlace, Change, StagedBody } from '#store/types.ts'
import type { WriteKind, Writes } from '#store/writes.ts'
import type { Arriving } from './image.ts'
import type { Account, Knobs, Mailbox } from './state.ts'

/** One request while it is executed: what it may use, and what it touched. */
export interface Commit {
  readonly accounts: Map<number, Account>
  /** Accounts on their way in. */
  readonly arriving: Map<number, Arriving>
  readonly knobs: Knobs
  readonly now: number
  readonly by: string
  /** Keeps a body; called once a request cannot be refused any more. */
  keepBody(body: StagedBody): BodyPlace
  readonly announced: Change[]
}

/** Executes one kind of write: decides first, changes afterwards, so that a refusal leaves nothing behind. */
export type Handler<K extends WriteKind> = (
  commit: Commit,
  request: Writes[K]['request'],
) => Result<Writes[K]['value'], Writes[K]['refusal']>

/** Raises the account's MODSEQ by one for a request that changes something. */
export function nextModseq(account: Account): Modseq {
  account.modseq = (account.modseq + 1) as Modseq
  return account.modseq
}

/** Announces that messages of the mailbox changed at the account's MODSEQ. */
export function touchMessages(commit: Commit, account: Account, mailbox: Mailbox): void {
  mailbox.highestModseq = account.modseq
  announce(commit, account, mailbox.key, 'messages')
}

/** Announces that mailboxes, subscriptions or limits changed at the account's MODSEQ. */
export function touchTree(commit: Commit, account: Account): void {
  announce(commit, account, undefined, 'mailboxes')
}

/** Notes one announcement; it goes out after the commit. */
export function announce(
  commit: Commit,
  account: Account,
  mailbox: MailboxKey | undefined,
  kind: Change['kind'],
  rightsOf?: string,
): void {
  const change = { account: account.id, mailbox, modseq: account.modseq, kind, by: commit.by }
  commit.announced.push(rightsOf === undefined ? change : { ...change, rightsOf })
}
