/** The verbs about mail on its way to other servers. @module */
import { systemClock } from '#lib/clock.ts'
import { parseAddress, parseDomain } from '#services/addresses.ts'
import type { StandingHold } from '#store/queue.ts'
import type { QueueDesk } from './queue-desk.ts'
import { filterOf, type QueueFilterArgs, queueHistoryView, queueMessageView, RECIPIENTS_LISTED } from './queue-views.ts'
import { VerbRefused, type Verbs } from './verbs.ts'

type QueueVerbs = Extract<keyof Verbs, `queue.${string}`>
type QueueHandlers = { [V in QueueVerbs]: (args: Verbs[V]['args']) => Promise<Verbs[V]['value']> }

export interface QueueVerbDeps {
  /** All mail of an account was released: what it has sent is as it should be. */
  readonly released: (account: string) => Promise<void>
  /** @throws {VerbRefused} where there is none. */
  readonly mustHave: (account: string) => Promise<void>
}

export function queueVerbs(queue: QueueDesk, { released, mustHave }: QueueVerbDeps): QueueHandlers {
  return {
    'queue.list': async ({ limit, ...filter }) =>
      (await queue.ask('list', filterOf(canonical(filter)), limit, limit * RECIPIENTS_LISTED)).map(queueMessageView),
    'queue.show': async ({ id }) => {
      const found = await queue.ask('history', id)
      if (found === undefined) throw new VerbRefused({ kind: 'not-in-queue', id })
      return queueHistoryView(found)
    },
    'queue.hold': async (wish) => {
      const args = await checked(queue, wish)
      const hold = standingHoldOf(args)
      // A mistake would hold nothing, ever.
      if (hold?.kind === 'account') await mustHave(hold.name)
      if (hold === undefined) return { recipients: await queue.ask('hold', filterOf(args), 'administrator') }
      const before = await held(queue, args)
      await queue.ask('setStandingHold', hold, true)
      return { recipients: (await held(queue, args)) - before }
    },
    'queue.release': async (wish) => {
      const args = await checked(queue, wish)
      const hold = standingHoldOf(args)
      const before = await held(queue, args)
      if (hold !== undefined) await queue.ask('setStandingHold', hold, false)
      await queue.ask('release', filterOf(args))
      if (hold?.kind === 'account') await released(hold.name)
      return { recipients: before - (await held(queue, args)) }
    },
    'queue.retry': async (wish) => {
      const args = await checked(queue, wish)
      return { recipients: await queue.ask('retry', filterOf(args), systemClock.now()) }
    },
    'queue.drop': async ({ dryRun, ...wish }) => {
      const args = await checked(queue, wish)
      if (dryRun) return { recipients: await pending(queue, args) }
      return { recipients: await queue.ask('drop', filterOf(args), systemClock.now()) }
    },
    'queue.pause': async () => {
      await queue.ask('setStandingHold', pause(), true)
      return null
    },
    'queue.resume': async () => {
      await queue.ask('setStandingHold', pause(), false)
      return null
    },
  }
}

function pause(): StandingHold {
  return { kind: 'all', name: '', since: systemClock.now(), reason: 'administrator' }
}

/** What is said of an account or a domain alone counts for what comes, too. */
function standingHoldOf({ ids, account, domain }: QueueFilterArgs): StandingHold | undefined {
  if (ids !== null) return undefined
  const since = systemClock.now()
  if (account !== null && domain === null) return { kind: 'account', name: account, since, reason: 'administrator' }
  if (domain !== null && account === null) return { kind: 'domain', name: domain, since, reason: 'administrator' }
  return undefined
}

/** Addresses and domains as the queue has them. */
function canonical(args: QueueFilterArgs): QueueFilterArgs {
  const account = args.account === null ? null : parseAddress(args.account)?.address
  if (account === undefined) throw new VerbRefused({ kind: 'bad-address', text: args.account ?? '' })
  // An address literal is a destination, too.
  const isLiteral = args.domain?.startsWith('[') === true
  const domain = args.domain === null || isLiteral ? args.domain : parseDomain(args.domain)
  if (domain === undefined) throw new VerbRefused({ kind: 'bad-domain', text: args.domain ?? '' })
  return { ...args, account, domain }
}

/** The same, with each message that is named in the queue. */
async function checked(queue: QueueDesk, args: QueueFilterArgs): Promise<QueueFilterArgs> {
  const { ids } = args
  if (ids === null) return canonical(args)
  for (const id of ids) {
    if ((await queue.ask('count', { ids: [id] })) === 0) throw new VerbRefused({ kind: 'not-in-queue', id })
  }
  return canonical(args)
}

async function held(queue: QueueDesk, args: QueueFilterArgs): Promise<number> {
  return pending(queue, { ...args, held: true })
}

/** Recipients that wait or are held. */
async function pending(queue: QueueDesk, args: QueueFilterArgs): Promise<number> {
  return queue.ask('count', filterOf(args))
}
