/** One message into mailboxes here: one request a shard, one answer a recipient. @module */
import type { Clock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import type { PreparedEmail } from '#mail/prepare.ts'
import { NO_FLAGS } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { StagedBody } from '#store/types.ts'
import type { DeliverRefusal, Recipient } from '#store/writes.ts'
import { parseOutsideAddress } from './addresses.ts'
import type { Verdict } from './inbound-checks.ts'
import { junkMailbox } from './junk-mailbox.ts'
import { KeptBefore } from './kept-before.ts'
import { goesRound } from './mail-loops.ts'
import type { OutsideRecipient } from './outgoing.ts'
import type { DeliveryTarget } from './registry.ts'
import { type Origin, traceLines } from './trace-lines.ts'

/** An address the session accepted, and where its mail goes. */
export interface AcceptedRecipient extends OutsideRecipient {
  readonly targets: readonly DeliveryTarget[]
}

/** The same by the queue: all that it leads to gets the message when the queue lets it go. */
export function queuedRecipient<R extends AcceptedRecipient>(recipient: R): R {
  const { address, targets } = recipient
  const outside = [{ address: parseOutsideAddress(address) ?? targets[0]?.address ?? address }]
  return { ...recipient, targets: [], outside }
}

/** What became of a recipient here. */
export type LocalRefusal = DeliverRefusal | { readonly kind: 'mail-loop' }

export interface LocalDeps {
  readonly store: MailStore
  readonly clock: Clock
  readonly hostname: string
}

/** A message that is whole. */
export interface LocalMessage {
  readonly origin: Origin
  readonly recipients: readonly AcceptedRecipient[]
  /** Not there where nobody here gets it, as its body. */
  readonly email: PreparedEmail | undefined
  /** Addresses of the Delivered-To lines that it came with. */
  readonly already: ReadonlySet<string>
  readonly verdict: Verdict | undefined
  /** The sender's own copy, whose fate nobody waits for. */
  readonly copy?: Recipient | undefined
  /** Something else is committed for it afterwards: where that fails, it comes again. */
  readonly moreToDo: boolean
}

const LOOP = { kind: 'mail-loop' } as const

export interface LocalDelivery {
  /** In the order of the recipients; who has nobody here is answered for nobody, with `ok`. */
  readonly outcomes: readonly Result<void, LocalRefusal>[]
  /** What became of the copy; absent: there was none to be made. */
  readonly copy?: 'kept' | DeliverRefusal['kind']
  /** Accounts that have it from an earlier try. */
  readonly keptBefore: number
  /** The store was asked to keep the body: it is the store's. */
  readonly asked: boolean
}

/**
 * Each account gets the message once, however many recipients lead to it, and however often it comes because one of
 * several commits was not reached.
 * @param body Not there where no recipient has anybody here.
 */
export async function deliverLocally(
  deps: LocalDeps,
  message: LocalMessage,
  body: StagedBody | undefined,
): Promise<LocalDelivery> {
  const at = deps.clock.now()
  const outcomes = new Map<string, Result<void, LocalRefusal>>()
  const byShard = new Map<number, { readonly account: string | undefined; readonly recipient: Recipient }[]>()
  let copied: LocalDelivery['copy']
  const before = body && mayComeAgain(message) ? new KeptBefore(deps.store, message.email?.messageId, body) : undefined
  let keptBefore = 0
  if (message.copy !== undefined)
    byShard.set(message.copy.account.shard, [{ account: undefined, recipient: message.copy }])
  for (const one of message.recipients) {
    if (goesRound(one, message.already)) continue
    for (const target of one.targets) {
      if (outcomes.has(target.address)) continue
      if (message.already.has(target.address)) {
        outcomes.set(target.address, refused(LOOP))
        continue
      }
      const recipient = await recipientOf(deps, message, target, one.address, at)
      if ((await before?.in(recipient)) === true) {
        outcomes.set(target.address, done(undefined))
        keptBefore += 1
        continue
      }
      outcomes.set(target.address, refused({ kind: 'unavailable', reason: 'failed' }))
      const list = byShard.get(target.account.shard) ?? []
      byShard.set(target.account.shard, list)
      list.push({ account: target.address, recipient })
    }
  }
  const { email } = message
  for (const [shard, list] of byShard) {
    if (body === undefined || email === undefined) throw new Error(`There is no body for shard ${shard}`)
    const answers = await deps.store.deliver({
      shard,
      by: message.origin.id,
      body: await deps.store.restage(body, shard),
      email,
      recipients: list.map(({ recipient }) => recipient),
    })
    for (const [index, { account }] of list.entries()) {
      const answer = answers[index]
      if (answer === undefined) continue
      if (account === undefined) copied = answer.ok ? 'kept' : answer.error.kind
      else outcomes.set(account, answer.ok ? done(undefined) : answer)
    }
  }
  return {
    outcomes: message.recipients.map((recipient) =>
      goesRound(recipient, message.already)
        ? refused(LOOP)
        : worst(recipient.targets.map(({ address }) => outcomes.get(address))),
    ),
    ...(copied === undefined ? {} : { copy: copied }),
    keptBefore,
    asked: byShard.size > 0,
  }
}

/** More than one commit: somebody may have the message, and its sender not know. */
function mayComeAgain({ recipients, copy, moreToDo }: LocalMessage): boolean {
  const accounts = [...recipients.flatMap(({ targets }) => targets), ...(copy === undefined ? [] : [copy])]
  return moreToDo || new Set(accounts.map(({ account }) => account.shard)).size > 1
}

async function recipientOf(
  { store, hostname }: LocalDeps,
  { origin, verdict }: LocalMessage,
  target: DeliveryTarget,
  address: string,
  at: number,
): Promise<Recipient> {
  const { headerLines, disposition } = verdict ?? {}
  return {
    account: target.account,
    mailbox: disposition === 'junk' ? await junkMailbox(store, target.account, origin.id) : (target.detail ?? 'INBOX'),
    trace: traceLines(origin, address, target.address, hostname, at, headerLines),
    flags: NO_FLAGS,
    internalDate: Math.floor(at / 1000) * 1000,
    internalZone: 0,
  }
}

/**
 * What a recipient with several accounts behind it is told: a refusal if any refused. The sender then tries again, and
 * the others may see the message twice; that is better than never.
 */
function worst(outcomes: readonly (Result<void, LocalRefusal> | undefined)[]): Result<void, LocalRefusal> {
  return outcomes.find((outcome) => outcome !== undefined && !outcome.ok) ?? done(undefined)
}
