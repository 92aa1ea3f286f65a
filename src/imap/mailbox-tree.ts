/** The names that LIST and LSUB choose from: mailboxes, levels without one, and names only subscribed to. @module */
import { RIGHTS } from '#store/acl.ts'
import { compareMailboxNames, superiorNames } from '#store/mailbox-name.ts'
import type { SpecialUse } from '#store/types.ts'
import type { Context } from './command.ts'
import { mailboxesOfOthers, type Reached } from './resolve.ts'

/** One name. */
export interface MailboxNode {
  readonly name: string
  /** `undefined`: there is no mailbox of that name, only below it or in the subscriptions. */
  readonly box: Reached | undefined
  readonly subscribed: boolean
  /** Some mailbox is below it. */
  readonly hasChildren: boolean
}

export interface MailboxTree {
  /** INBOX first, then by name; superiors before their inferiors. */
  readonly nodes: readonly MailboxNode[]
}

/**
 * Reads the names that a person has.
 * @param others With the mailboxes of others, as far as the person may know of them. One of the person's own, should it
 *   have such a name, comes before.
 */
export async function mailboxTree(context: Context, others = false): Promise<MailboxTree> {
  const { store, account, address } = context
  const [mailboxes, subscriptions] = await Promise.all([store.mailboxes(account), store.subscriptions(account)])
  const boxes = new Map<string, Reached>()
  for (const info of mailboxes)
    boxes.set(info.name, { name: info.name, account, owner: address, info, rights: RIGHTS, user: undefined })
  if (others) for (const box of await mailboxesOfOthers(context)) if (!boxes.has(box.name)) boxes.set(box.name, box)
  return treeOf(boxes, subscriptions)
}

/** The tree of these mailboxes and subscriptions. */
export function treeOf(boxes: ReadonlyMap<string, Reached>, subscriptions: readonly string[]): MailboxTree {
  const subscribed = new Set(subscriptions)
  const parents = new Set<string>()
  const names = new Set<string>(boxes.keys())
  for (const name of boxes.keys())
    for (const superior of superiorNames(name)) {
      parents.add(superior)
      names.add(superior)
    }
  for (const name of subscriptions) {
    names.add(name)
    for (const superior of superiorNames(name)) names.add(superior)
  }
  const nodes = [...names].sort(compareMailboxNames).map((name) => ({
    name,
    box: boxes.get(name),
    subscribed: subscribed.has(name),
    hasChildren: parents.has(name),
  }))
  return { nodes }
}

/** What the mailbox is for, to its owner: `\Sent` of somebody else is not where one's own mail goes (RFC 6154 §2). */
export function specialUseOf({ box }: MailboxNode): SpecialUse | undefined {
  return box === undefined || box.user !== undefined ? undefined : box.info.specialUse
}

/** Whether the name is shown by LIST without options: it is a mailbox, or the way to one. */
export function isOnTheWay(node: MailboxNode): boolean {
  return node.box !== undefined || node.hasChildren
}
