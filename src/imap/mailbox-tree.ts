/** The names that LIST and LSUB choose from: mailboxes, levels without one, and names only subscribed to. @module */
import { RIGHTS } from '#store/acl.ts'
import { compareMailboxNames, superiorNames } from '#store/mailbox-name.ts'
import type { Context } from './command.ts'
import type { Reached } from './resolve.ts'

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

/** Reads the names that a person has. */
export async function mailboxTree({ store, account, address }: Context): Promise<MailboxTree> {
  const [mailboxes, subscriptions] = await Promise.all([store.mailboxes(account), store.subscriptions(account)])
  const boxes = new Map<string, Reached>()
  for (const info of mailboxes)
    boxes.set(info.name, { name: info.name, account, owner: address, info, rights: RIGHTS, user: undefined })
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

/** Whether the name is shown by LIST without options: it is a mailbox, or the way to one. */
export function isOnTheWay(node: MailboxNode): boolean {
  return node.box !== undefined || node.hasChildren
}
