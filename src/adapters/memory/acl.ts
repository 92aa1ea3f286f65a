/** Rights to mailboxes in memory (RFC 4314). @module */
import { done, refused } from '#lib/result.ts'
import { ANYONE, changeRights } from '#store/acl.ts'
import { MAX_ACL_ENTRIES } from '#store/limits.ts'
import { announce, type Handler, nextModseq, touchTree } from './commit.ts'
import type { Account, Knobs } from './state.ts'

/** Whether one more mailbox may be for `anyone`. */
export function hasRoomForAnyone({ byKey }: Account, { mostForAnyone }: Knobs): boolean {
  return [...byKey.values()].filter(({ acl }) => acl.has(ANYONE)).length < mostForAnyone
}

export const setAcl: Handler<'setAcl'> = (commit, request) => {
  const account = commit.accounts.get(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const mailbox = account.byKey.get(request.mailbox)
  if (mailbox === undefined) return refused({ kind: 'no-such-mailbox' })
  const { identifier, mode } = request
  const known = mailbox.acl.get(identifier)
  const rights = changeRights(known ?? '', mode, request.rights)
  if (known === undefined && rights !== '' && mailbox.acl.size >= MAX_ACL_ENTRIES)
    return refused({ kind: 'too-many-acl-entries', limit: MAX_ACL_ENTRIES })
  if (known === undefined && rights !== '' && identifier === ANYONE && !hasRoomForAnyone(account, commit.knobs))
    return refused({ kind: 'too-many-for-anyone', limit: commit.knobs.mostForAnyone })
  if (rights === '') mailbox.acl.delete(identifier)
  else mailbox.acl.set(identifier, rights)
  nextModseq(account)
  announce(commit, account, undefined, 'mailboxes', identifier)
  return done({ modseq: account.modseq })
}

export const forgetPeople: Handler<'forgetPeople'> = (commit, { addresses }) => {
  let entries = 0
  for (const account of commit.accounts.values()) {
    let own = 0
    for (const { acl } of account.byKey.values())
      for (const address of addresses) own += Number(acl.delete(address)) + Number(acl.delete(`-${address}`))
    if (own === 0) continue
    entries += own
    nextModseq(account)
    touchTree(commit, account)
  }
  return done({ entries })
}
