/** Mail in the queue that is for our own people, reports mostly: into mailboxes, or on to where an address leads. @module */
import { createHash } from 'node:crypto'
import { done } from '#lib/result.ts'
import { type DeliveryDeps, type DeliveryRefusal, IncomingMessage } from '#services/delivery.ts'
import type { OutgoingTerms } from '#services/outgoing.ts'
import type { RecipientRefusal, Registry } from '#services/registry.ts'
import type { NewMessage, Outbox, QueuedMessage, QueuedRecipient } from '#store/queue.ts'
import type { LocalDelivery } from './delivery-agent.ts'

export interface HereDeps extends Omit<DeliveryDeps, 'checks'> {
  readonly registry: Pick<Registry, 'resolve'>
  readonly stage: Outbox['stage']
  readonly forwardedSender?: OutgoingTerms['forwardedSender']
}

type Verdict = Awaited<ReturnType<LocalDelivery['deliver']>>

/** Lines that a delivery adds, generously. */
const ADDED = 65_536

export function openHere(deps: HereDeps): LocalDelivery {
  return {
    async isLocal(domain) {
      if (domain.startsWith('[')) return false
      const resolved = await deps.registry.resolve(`postmaster@${domain}`)
      return resolved.ok || resolved.error.kind !== 'not-local'
    },
    deliver: (message, recipient, body) => deliver(deps, message, recipient, body),
  }
}

async function deliver(
  deps: HereDeps,
  message: QueuedMessage,
  recipient: QueuedRecipient,
  body: AsyncIterable<Uint8Array>,
): Promise<Verdict> {
  const resolved = await deps.registry.resolve(recipient.address)
  if (!resolved.ok) return unresolved(resolved.error)
  const { local, outside } = resolved.value
  const onward: NewMessage[] = []
  const origin = {
    sender: message.sender,
    helo: deps.hostname,
    remoteAddress: '127.0.0.1',
    protocol: 'local',
    tls: undefined,
    // the same at each try
    id: `${message.id}.h${createHash('sha256').update(recipient.address).digest('hex').slice(0, 8)}`,
  }
  const { address, notify, original, alias } = recipient
  const accepted = { address, targets: local, outside, notify, originalRecipient: original, alias }
  const terms: OutgoingTerms = {
    // enqueued with what became of it, in one commit
    outbox: {
      stage: deps.stage,
      enqueue: async (messages) => {
        // a report of ours stays one
        onward.push(...messages.map((one) => ({ ...one, priority: message.priority })))
        return done(undefined)
      },
    },
    account: message.account,
    language: message.language,
    returns: message.returns,
    envelopeId: message.envelopeId,
    utf8: message.smtpUtf8,
    forwardedSender: deps.forwardedSender,
  }
  const incoming = new IncomingMessage(deps, origin, [accepted], {
    lineEnds: 'normalise',
    limitBytes: message.body.size + ADDED,
    outgoing: terms,
    // killed before the queue knows of it, it is delivered again
    notedLater: true,
  })
  try {
    for await (const chunk of body) await incoming.write(chunk)
  } catch (error) {
    await incoming.abandon()
    throw error
  }
  const [outcome] = await incoming.finish()
  if (outcome !== undefined && !outcome.ok) return refusedHere(outcome.error)
  const words = onward.length === 0 ? `2.0.0 Kept as ${origin.id}` : `2.0.0 Goes on as ${origin.id}`
  return { outcome: 'delivered', words, onward }
}

function unresolved({ kind }: RecipientRefusal): Verdict {
  switch (kind) {
    case 'alias-loop':
      return { outcome: 'failed', words: '5.4.6 The alias leads back to itself, or to too many' }
    case 'bad-address':
      return { outcome: 'failed', words: '5.1.3 This is no address' }
    case 'unknown':
    case 'not-local':
      return { outcome: 'failed', words: '5.1.1 There is no such address here' }
  }
}

/** What may be otherwise tomorrow waits. */
function refusedHere(refusal: DeliveryRefusal): Verdict {
  switch (refusal.kind) {
    case 'over-quota':
      return { outcome: 'deferred', words: '4.2.2 The mailbox is full' }
    case 'mail-loop':
      return { outcome: 'failed', words: '5.4.6 The message goes round in circles' }
    case 'unavailable':
    case 'no-queue':
      return { outcome: 'deferred', words: '4.3.1 Nothing can be kept now' }
    default:
      return { outcome: 'deferred', words: `4.3.0 Not kept: ${refusal.kind}` }
  }
}
