/** Reports of delivery into mailboxes here, for senders here who asked for them (RFC 3461). @module */
import type { AcceptedRecipient } from '#services/delivery.ts'
import { deliverReport } from '#services/delivery-reports.ts'
import type { SessionDeps } from '#services/session-deps.ts'
import type { RecipientDsn } from './dsn-parameters.ts'
import { isExpanded } from './outgoing-dsn.ts'

/** A recipient and what its sender wants to hear of it (RFC 3461 §4.1, §4.2). */
export interface EnvelopeRecipient extends AcceptedRecipient {
  readonly dsn: RecipientDsn | undefined
}

/** A message that is kept. */
export interface KeptMessage {
  readonly connection: string
  readonly id: string
  readonly sender: string
  readonly envelopeId: string | undefined
  readonly header: Uint8Array
  readonly recipients: readonly EnvelopeRecipient[]
  /** Who is logged in. */
  readonly login: string | undefined
}

/** Tells the sender of the recipients with NOTIFY=SUCCESS; never the null sender (RFC 3461 §6.1). */
export async function reportSuccess(deps: SessionDeps, kept: KeptMessage): Promise<void> {
  const { connection, id, sender, envelopeId, header, login } = kept
  // Of one outside, the queue tells.
  const wanted = kept.recipients.filter(
    (recipient) =>
      (recipient.targets.length > 0 || isExpanded(recipient)) && recipient.dsn?.notify?.includes('SUCCESS') === true,
  )
  if (sender === '' || wanted.length === 0) return
  const request = {
    to: sender,
    id,
    envelopeId,
    header,
    recipients: wanted.map((recipient) => ({
      address: recipient.address,
      original: recipient.dsn?.originalRecipient,
      action: isExpanded(recipient) ? ('expanded' as const) : ('delivered' as const),
    })),
  }
  try {
    const outcome = await deliverReport(deps, request, login)
    const result = outcome.ok ? 'delivered' : outcome.error.kind
    deps.log.info({ connection, message: id, result }, 'delivery report')
  } catch (error) {
    // The message itself is kept: a refusal now would make the client send it again.
    deps.log.error({ connection, message: id, error }, 'a delivery report was not kept')
  }
}
