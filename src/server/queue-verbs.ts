/** The verbs about mail on its way to other servers. @module */
import { systemClock } from '#lib/clock.ts'
import type { StandingHold } from '#store/queue.ts'
import type { QueueDesk } from './queue-desk.ts'
import { filterOf, type QueueFilterArgs, queueAttemptView, queueMessageView } from './queue-views.ts'
import { VerbRefused, type Verbs } from './verbs.ts'

type QueueVerbs = Extract<keyof Verbs, `queue.${string}`>
type QueueHandlers = { [V in QueueVerbs]: (args: Verbs[V]['args']) => Promise<Verbs[V]['value']> }

/** @param released All mail of an account was released: what it has sent is as it should be. */
export function queueVerbs(queue: QueueDesk, released: (account: string) => Promise<void>): QueueHandlers {
  return {
    'queue.list': async ({ limit, ...filter }) =>
      (await queue.ask('list', filterOf(filter), limit)).map(queueMessageView),
    'queue.show': async ({ id }) => {
      const found = await queue.ask('history', id)
      if (found === undefined) throw new VerbRefused({ kind: 'not-in-queue', id })
      return { ...queueMessageView(found.message), tries: found.attempts.map(queueAttemptView) }
    },
    'queue.hold': async (args) => {
      await mustBeThere(queue, args)
      const hold = standingHoldOf(args)
      if (hold === undefined) return { recipients: await queue.ask('hold', filterOf(args), 'administrator') }
      const before = await held(queue, args)
      await queue.ask('setStandingHold', hold, true)
      return { recipients: (await held(queue, args)) - before }
    },
    'queue.release': async (args) => {
      await mustBeThere(queue, args)
      const hold = standingHoldOf(args)
      const before = await held(queue, args)
      if (hold !== undefined) await queue.ask('setStandingHold', hold, false)
      await queue.ask('release', filterOf(args))
      if (hold?.kind === 'account') await released(hold.name)
      return { recipients: before - (await held(queue, args)) }
    },
    'queue.retry': async (args) => {
      await mustBeThere(queue, args)
      return { recipients: await queue.ask('retry', filterOf(args), systemClock.now()) }
    },
    'queue.drop': async ({ dryRun, ...args }) => {
      await mustBeThere(queue, args)
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

/** Each message that is named. */
async function mustBeThere(queue: QueueDesk, { ids }: QueueFilterArgs): Promise<void> {
  if (ids === null) return
  const found = new Set((await queue.ask('list', { ids }, ids.length)).map(({ id }) => id))
  const missing = ids.find((id) => !found.has(id))
  if (missing !== undefined) throw new VerbRefused({ kind: 'not-in-queue', id: missing })
}

async function held(queue: QueueDesk, args: QueueFilterArgs): Promise<number> {
  return pending(queue, { ...args, held: true })
}

/** Recipients that wait or are held. */
async function pending(queue: QueueDesk, args: QueueFilterArgs): Promise<number> {
  return queue.ask('count', filterOf(args))
}
