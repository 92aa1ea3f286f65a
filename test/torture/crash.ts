/**
 * A server that ends itself by SIGKILL at named points of its store, under load; then it is started again and compared
 * with what clients were told. Each point is reached in a batch that holds the operation it is named with. @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Random } from '#testing/random.ts'
import { AccountJournal, Journal } from '../crash/journal.ts'
import { prepare } from '../crash/kill.ts'
import { load } from '../crash/load.ts'
import { BATCH_POINTS, BODY_POINTS, type Broken, type DieOrder, type Point } from '../crash/probe.ts'
import { Installation, type ServerProcess, type Tuning } from '../crash/server-process.ts'
import { verify } from '../crash/verify.ts'
import { failure, Tally, type TortureOptions, type TortureReport } from './report.ts'

export interface CrashOptions extends TortureOptions {
  readonly broken?: Broken
  /** Only this point. */
  readonly only?: Point
}

/** Small segments, compacted and checkpointed all the time. */
const TUNING: Tuning = {
  segmentBytes: 400_000,
  reserveBytes: 65_536,
  checkpointBytes: 524_288,
  compactBelow: 0.9,
  upkeepMs: 10,
  purgeMs: 0,
  graceMs: 500,
  keptMs: 4_000,
}

type Target = Omit<DieOrder, 'nth'>

const at = (kind: string | undefined, points: readonly Point[]): Target[] =>
  points.map((point) => (kind === undefined ? { at: point } : { at: point, kind }))

/** Every point with every operation that it can meet. */
export const TARGETS: readonly Target[] = [
  ...['deliver', 'append'].flatMap((kind) => at(kind, BODY_POINTS)),
  ...['changeFlags', 'copy', 'move', 'expunge', 'applyMaildrop'].flatMap((kind) => at(kind, BATCH_POINTS)),
  ...at('task:compact', BODY_POINTS),
  ...at('task:purge', BATCH_POINTS),
  ...at('task:remove old segments', ['commit', 'committed', 'answered']),
  ...at(undefined, ['new-segment', 'segment-synced', 'checkpoint', 'checkpointed', 'opening', 'opened']),
]

/** Points that are met at the start, not under load. */
const AT_START: ReadonlySet<Point> = new Set<Point>(['opening', 'opened'])
/** A point that is not met in this time is given up; the server is then killed from outside. */
const PATIENCE_MS = 15_000
const CHECK_EVERY = 8
/** Points are met at the nth time, so that some have work behind them. */
const MOST_NTH = 6

/** Runs the rounds, each with another target; ends early at losses. */
export async function crashRounds({ folder, rounds, seed, broken, only, tell }: CrashOptions): Promise<TortureReport> {
  const begun = performance.now()
  const random = new Random(seed)
  const targets = shuffled(
    TARGETS.filter((target) => only === undefined || target.at === only),
    random,
  )
  const installation = await Installation.make(folder, { retentionDays: 1 })
  const logins = await installation.addAccounts(['ann', 'bob'])
  const journal = new Journal(logins.map(({ address, password }) => new AccountJournal(address, password)))
  const reached = new Tally()
  const losses: string[] = []
  const sums = { rounds: 0, checked: 0, messages: 0 }
  const orderOf = (round: number): DieOrder => {
    const target = targets[round % targets.length]
    if (target === undefined) throw new RangeError('There are no targets')
    return { ...target, nth: AT_START.has(target.at) ? 1 : random.between(1, MOST_NTH) }
  }
  const tuned = (die?: DieOrder): Tuning => ({
    ...TUNING,
    probe: { ...(die === undefined ? {} : { die }), ...(broken === undefined ? {} : { broken }) },
  })
  let die = orderOf(0)
  // The server of a round is started with its point, except for those of the start.
  const serve = (): Promise<ServerProcess> =>
    installation.serve({ tuning: tuned(AT_START.has(die.at) ? undefined : die) })
  let server = await installation.serve({ tuning: TUNING })
  try {
    for (const account of journal.accounts) await prepare(server, account)
    await server.stop()
    server = await serve()
    for (let round = 1; round <= rounds && losses.length === 0; round += 1) {
      const before = journal.total
      const fails = (error: unknown): boolean => {
        losses.push(failure(error))
        return true
      }
      const met = AT_START.has(die.at)
        ? await dieAtStart(installation, server, journal, random, tuned(die)).catch(fails)
        : await dieUnderLoad(server, journal, random).catch(fails)
      const name = `${die.kind ?? 'any'} at ${die.at}`
      reached.add(met ? name : `not met: ${name}`)
      die = orderOf(round)
      server = await serve()
      const { faults, messages } = await verify(server, journal, random).catch((error: unknown) => ({
        faults: [failure(error)],
        messages: 0,
      }))
      losses.push(...faults)
      sums.rounds += 1
      sums.checked += journal.total
      sums.messages += messages
      if (round % CHECK_EVERY === 0 || round === rounds) losses.push(...(await damage(installation)))
      tell(
        `crash ${round}: ${met ? '' : 'not met: '}${name}, ${journal.total - before} operations; ${messages} messages compared; ${losses.length} losses`,
      )
    }
    await server.kill()
  } finally {
    server.abandon()
  }
  return {
    kind: 'crash',
    rounds: sums.rounds,
    acknowledged: journal.total,
    checked: sums.checked,
    messagesCompared: sums.messages,
    reached: reached.counts,
    seconds: Math.round((performance.now() - begun) / 1_000),
    losses,
  }
}

/** What `malle check` finds. */
export async function damage(installation: Installation): Promise<readonly string[]> {
  return (await installation.check()).map(({ kind, message }) => `check: ${kind}: ${message}`)
}

/** @returns whether the point was met. */
async function dieUnderLoad(server: ServerProcess, journal: Journal, random: Random): Promise<boolean> {
  const time = new AbortController()
  const loading = load(server, journal, { random, lmtpClients: 2, over: () => true })
  server.arm()
  const patience = delay(PATIENCE_MS, undefined, { signal: time.signal }).catch(() => undefined)
  await Promise.race([loading, patience, server.ended])
  time.abort()
  await server.kill()
  await loading
  return server.diedAsOrdered
}

/** A load that is killed from outside, then starts that end themselves. */
async function dieAtStart(
  installation: Installation,
  server: ServerProcess,
  journal: Journal,
  random: Random,
  tuning: Tuning,
): Promise<boolean> {
  let killed = false
  const loading = load(server, journal, { random, lmtpClients: 2, over: () => killed })
  const enough = journal.total + random.between(20, 150)
  const deadline = performance.now() + PATIENCE_MS
  while (journal.total < enough && performance.now() < deadline) await Promise.race([delay(5), loading])
  killed = true
  await server.kill()
  await loading
  const starting = installation.launch({ tuning })
  await Promise.race([starting.ready.catch(() => undefined), starting.ended])
  await starting.kill()
  return starting.diedAsOrdered
}

export function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list]
  return list.map(() => left.splice(random.below(left.length), 1)[0] as T)
}
