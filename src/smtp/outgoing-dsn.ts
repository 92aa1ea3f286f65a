/** Parameters of RFC 3461 as the queue keeps them. @module */
import type { Notify } from '#store/queue.ts'
import type { RecipientDsn } from './dsn-parameters.ts'

export function notifyOf(dsn: RecipientDsn | undefined): Notify | undefined {
  const notify = dsn?.notify
  return notify?.length === 0 ? ['NEVER'] : notify
}

export function originalRecipientOf(dsn: RecipientDsn | undefined): string | undefined {
  const original = dsn?.originalRecipient
  return original && `${original.type};${original.address}`
}
