/** The names that LIST and LSUB choose from: mailboxes, levels without one, and names only subscribed to. @module */
import type { MailStore } from '#store/mail-store.ts'
import { compareMailboxNames, superiorNames } from '#store/mailbox-name.ts'
import type { AccountRef, MailboxInfo } from '#store/types.ts'

/** One name. */
export interface MailboxNode {
  readonly name: string
  /** `undefined`: there is no mailbox of that name, only below it or in the subscriptions. */
  readonly info: MailboxInfo | undefined
  readonly subscribed: boolean
  /** Some mailbox is below it. */
  readonly hasChildren: boolean
}

export interface MailboxTree {
  /** INBOX first, then by name; superiors before their inferiors. */
  readonly nodes: readonly MailboxNode[]
}

/** Reads the names of an account. */
export async function mailboxTree(store: MailStore, account: AccountRef): Promise<MailboxTree> {
  const [mailboxes, subscriptions] = await Promise.all([store.mailboxes(account), store.subscriptions(account)])
  const infos = new Map(mailboxes.map((info) => [info.name, info]))
  const subscribed = new Set(subscriptions)
  const parents = new Set<string>()
  const names = new Set<string>(infos.keys())
  for (const { name } of mailboxes)
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
    info: infos.get(name),
    subscribed: subscribed.has(name),
    hasChildren: parents.has(name),
  }))
  return { nodes }
}

/** Whether the name is shown by LIST without options: it is a mailbox, or the way to one. */
export function isOnTheWay(node: MailboxNode): boolean {
  return node.info !== undefined || node.hasChildren
}
