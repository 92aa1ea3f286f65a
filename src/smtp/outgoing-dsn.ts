/** Parameters of RFC 3461 as the queue keeps them. @module */
import type { Notify } from '#store/queue.ts'
import type { RecipientDsn } from './dsn-parameters.ts'

/** Who has what is sent to one recipient: an alias may lead to several. */
interface Ends {
  readonly targets: readonly unknown[]
  readonly outside?: readonly unknown[]
}

/** @param expanded The sender hears of success here, and not from those whom the alias leads to (RFC 3461 §5.2.7.3 (c)). */
export function notifyOf(dsn: RecipientDsn | undefined, expanded: boolean): Notify | undefined {
  const notify = dsn?.notify?.filter((keyword) => !expanded || keyword !== 'SUCCESS')
  return notify?.length === 0 ? ['NEVER'] : notify
}

/** Whether it is an alias of several. */
export function isExpanded({ targets, outside = [] }: Ends): boolean {
  return targets.length + outside.length > 1
}

export function originalRecipientOf(dsn: RecipientDsn | undefined): string | undefined {
  const original = dsn?.originalRecipient
  return original && `${original.type};${original.address}`
}
