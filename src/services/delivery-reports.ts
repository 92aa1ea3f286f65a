/** Tells senders that their messages are in the mailboxes, where they asked for it (NOTIFY=SUCCESS, RFC 3461 §6). @module */
import { type Result, refused } from '#lib/result.ts'
import { composeDeliveryReport, type DeliveryReport } from '#mail/delivery-report.ts'
import { type DeliveryDeps, type DeliveryRefusal, IncomingMessage } from './delivery.ts'
import type { RecipientRefusal, Registry } from './registry.ts'

/** Whose word a report is, and about what. */
export type ReportRequest = Omit<DeliveryReport, 'hostname' | 'from' | 'at'>

export interface ReportDeps extends DeliveryDeps {
  readonly registry: Pick<Registry, 'resolve'>
}

/**
 * Puts a report into the mailbox of the sender, on disk when this settles. It goes out with the null sender, and so is
 * never answered by another (RFC 3461 §6.1).
 * @param login Who sent the message: where the sender's address is not one of ours, the report goes into this mailbox
 * instead of out: whoever is logged in here has it at hand (RFC 3461 §6.1 has the envelope sender alone).
 */
export async function deliverReport(
  deps: ReportDeps,
  request: ReportRequest,
  login: string | undefined,
): Promise<Result<void, RecipientRefusal | DeliveryRefusal>> {
  let address = request.to
  let resolved = await deps.registry.resolve(address)
  if (login !== undefined && !(resolved.ok && resolved.value.local.length > 0)) {
    address = login
    resolved = await deps.registry.resolve(address)
  }
  if (!resolved.ok) return resolved
  if (resolved.value.local.length === 0) return refused({ kind: 'not-local' })
  const { hostname, clock } = deps
  const from = `postmaster@${address.slice(address.lastIndexOf('@') + 1)}`
  const report = composeDeliveryReport({ ...request, hostname, from, at: clock.now() })
  const origin = {
    sender: '',
    helo: hostname,
    remoteAddress: '127.0.0.1',
    protocol: 'local',
    tls: undefined,
    id: `${request.id}.report`,
  }
  const message = new IncomingMessage(deps, origin, [{ address, targets: resolved.value.local }], {
    lineEnds: 'normalise',
    limitBytes: report.length,
  })
  await message.write(report)
  const [outcome] = await message.finish()
  return outcome ?? refused({ kind: 'unknown' })
}
