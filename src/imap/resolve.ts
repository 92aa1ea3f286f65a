/**
 * Mailbox names made mailboxes: whose one is, and what the person logged in may do there. Every command that names a
 * mailbox asks here, so that rights are enforced in one place (RFC 4314 §4, §6).
 * @module
 */
import { done, type Result, refused } from '#lib/result.ts'
import type { AccountId } from '#mail/ids.ts'
import { RIGHTS, rightsOf } from '#store/acl.ts'
import { compareMailboxNames, superiorNames } from '#store/mailbox-name.ts'
import type { AccountRef, MailboxInfo } from '#store/types.ts'
import type { Guest } from '#store/writes.ts'
import type { Completion, Context } from './command.ts'
import { formatOtherName, isOfOthers, parseOtherName } from './other-names.ts'

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
const RESERVED: Completion = { status: 'NO', code: 'CANNOT', text: 'That name is for the mailboxes of other people' }

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
  const info = await store.mailboxByName(account, name)
  if (info !== undefined) return done({ name, account, owner: address, info, rights: RIGHTS, user: undefined })
  if (!isOfOthers(name)) return refused(missing)
  const there = await place(context, name)
  const found = there === undefined ? undefined : await boxAt(context, there, there.path)
  if (found !== undefined && hasOneOf(found.rights, oneOf)) return done(found)
  if (found?.rights.includes('l') === true) return refused(NOT_ALLOWED)
  // TRYCREATE only where the person could (RFC 9051 §7.1).
  return refused(missing === NO_TARGET && !(await mayCreateAt(context, there)) ? NO_MAILBOX : missing)
}

/** Where a mailbox may be made: whose account, and its name there. It needs `k` on the nearest mailbox above it. */
export async function placeForNew(context: Context, name: string): Promise<Result<Place, Completion>> {
  if (!isOfOthers(name)) return done({ account: context.account, owner: context.address, path: name })
  const there = await place(context, name)
  if (parseOtherName(name) === undefined) return refused(RESERVED)
  return there !== undefined && (await mayCreateAt(context, there)) ? done(there) : refused(NOT_ALLOWED)
}

/** A name in somebody's account. */
export interface Place {
  readonly account: AccountRef
  readonly owner: string
  readonly path: string
}

/** Mailboxes of others that the person may know of (`l`), by owner, then by name. */
export async function mailboxesOfOthers({ store, account, address, session }: Context): Promise<Reached[]> {
  const shared = (await store.sharedWith(address)).filter((one) => one.account.id !== account.id)
  const visible = shared.filter(({ rights }) => rights.includes('l'))
  if (visible.length === 0) return []
  const accounts = new Map(visible.map((one) => [one.account.id, one.account]))
  const addresses = await session.deps.registry.addressesOf([...accounts.keys()])
  const found: Reached[] = []
  for (const [index, of] of [...accounts.values()].entries()) {
    const owner = addresses[index]
    if (owner === undefined) continue
    const infos = new Map((await store.mailboxes(of)).map((info) => [info.key, info]))
    for (const { account: whose, mailbox, rights } of visible) {
      const info = infos.get(mailbox)
      if (whose.id !== of.id || info === undefined) continue
      const name = formatOtherName({ owner, path: info.name })
      found.push({ name, account: of, owner, info, rights, user: account.id })
    }
  }
  return found.sort((a, b) => compareMailboxNames(a.name, b.name))
}

/** What the person may do in a mailbox of somebody else, as it is now. */
export async function rightsNow(
  { store, address }: Context,
  account: AccountRef,
  info: Pick<MailboxInfo, 'key'>,
): Promise<string> {
  return rightsOf(await store.acl(account, info.key), address)
}

/** As whom the store writes there: `undefined` for the owner. */
export function guestIn({ user, rights }: Pick<Reached, 'user' | 'rights'>): Guest | undefined {
  return user === undefined ? undefined : { user, rights }
}

/** Whose it is where it is somebody else's: their keys may be those of the person's own mailboxes and messages. */
export function othersAccount({ user, account }: Pick<Reached, 'user' | 'account'>): AccountId | undefined {
  return user === undefined ? undefined : account.id
}

/** Whether some right of `oneOf` is among the rights. */
export function hasOneOf(rights: string, oneOf: string): boolean {
  for (const right of oneOf) if (rights.includes(right)) return true
  return false
}

/** The place of somebody else's that the name means, by the one spelling of the owner's address. */
async function place({ account, session }: Context, name: string): Promise<Place | undefined> {
  const other = parseOtherName(name)
  if (other === undefined || other.path === '') return undefined
  const answer = await session.deps.registry.resolve(other.owner)
  const alone = answer.ok && answer.value.local.length === 1 && answer.value.outside.length === 0
  const target = alone ? answer.value.local[0] : undefined
  if (target?.address !== other.owner || target.account.id === account.id) return undefined
  return { account: target.account, owner: other.owner, path: other.path }
}

async function boxAt(context: Context, { account, owner }: Place, path: string): Promise<Reached | undefined> {
  const info = await context.store.mailboxByName(account, path)
  if (info === undefined) return undefined
  const rights = await rightsNow(context, account, info)
  return { name: formatOtherName({ owner, path: info.name }), account, owner, info, rights, user: context.account.id }
}

/** CREATE needs `k` on the nearest mailbox above that exists (RFC 4314 §4); above the first level there is none. */
async function mayCreateAt(context: Context, there: Place | undefined): Promise<boolean> {
  if (there === undefined) return false
  for (const superior of superiorNames(there.path).toReversed()) {
    const box = await boxAt(context, there, superior)
    if (box !== undefined) return box.rights.includes('k')
  }
  return false
}
