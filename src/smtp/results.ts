/** What became of a message for each recipient, in the words of the log. @module */
import type { Result } from '#lib/result.ts'
import type { DeliveryRefusal } from '#services/delivery.ts'
import type { EnvelopeRecipient } from './success-report.ts'

/**
 * `delivered` into mailboxes here, `queued` for other servers, `delivered and queued` for an alias that leads to both;
 * `not queued` where one answer for all is a refusal, and the kind of the refusal.
 */
export function resultsOf(
  outcomes: readonly Result<void, DeliveryRefusal>[],
  recipients: readonly Pick<EnvelopeRecipient, 'targets' | 'outside'>[],
  oneAnswer: boolean,
): readonly string[] {
  const refused = oneAnswer && outcomes.some(({ ok }) => !ok)
  return outcomes.map((outcome, index) => {
    if (!outcome.ok) return outcome.error.kind
    const { targets = [], outside = [] } = recipients[index] ?? {}
    const leaves = outside.length > 0
    if (!leaves) return 'delivered'
    if (targets.length === 0) return refused ? 'not queued' : 'queued'
    return refused ? 'delivered' : 'delivered and queued'
  })
}
