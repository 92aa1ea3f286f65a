/**
 * A disk that fails: strace answers calls of a real server with EIO or ENOSPC, once or from then on, on one of its
 * files. Clients may be refused, and never lied to: what they were told is compared while the server runs on, and again
 * after a restart. A failed sync is also followed by power cuts. @module
 */
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Random } from '#testing/random.ts'
import { AccountJournal, Journal } from '../crash/journal.ts'
import { prepare } from '../crash/kill.ts'
import { load } from '../crash/load.ts'
import { Installation, type ServerProcess, type Tuning } from '../crash/server-process.ts'
import { verify } from '../crash/verify.ts'
import { damage, shuffled } from './crash.ts'
import { powerRounds } from './power.ts'
import { failure, Tally, type TortureOptions, type TortureReport } from './report.ts'

/** One segment, so that its path is known; checkpoints often. */
const TUNING: Tuning = { segmentBytes: 1_000_000_000, reserveBytes: 65_536, checkpointBytes: 262_144, upkeepMs: 50 }

const SEGMENT = 'store/shard-00/segments/00000001.seg'
const INDEX = 'store/shard-00/index.db'
const WAL = `${INDEX}-wal`
const BIG = 'store/shard-00/big'

/** One fault. */
interface Fault {
  readonly name: string
  readonly calls: string
  readonly error: 'EIO' | 'ENOSPC'
  readonly file: string
  /** How often in a row: once, twice, or from then on. */
  readonly times: 1 | 2 | 'on'
  /** Of the calls, which is the first: between 1 and this. */
  readonly within: number
  /** What the shard must be at the end: `ok` is as if nothing had happened. */
  readonly after: 'ok' | 'read-only' | 'full'
}

const SYNC = 'fsync,fdatasync'

/** What is tried. */
export const FAULTS: readonly Fault[] = [
  ...(['EIO', 'ENOSPC'] as const).flatMap((error): Fault[] => [
    { name: 'write of bodies', calls: 'pwritev', error, file: SEGMENT, times: 1, within: 20, after: 'ok' },
    { name: 'write of rows', calls: 'pwrite64', error, file: WAL, times: 1, within: 60, after: 'ok' },
    { name: 'write of a checkpoint', calls: 'pwrite64', error, file: INDEX, times: 1, within: 20, after: 'ok' },
  ]),
  { name: 'sync of bodies', calls: SYNC, error: 'EIO', file: SEGMENT, times: 1, within: 20, after: 'ok' },
  { name: 'sync of rows', calls: SYNC, error: 'EIO', file: WAL, times: 1, within: 20, after: 'ok' },
  { name: 'sync of a checkpoint', calls: SYNC, error: 'EIO', file: INDEX, times: 1, within: 2, after: 'ok' },
  {
    name: 'sync of the folder of large bodies',
    calls: SYNC,
    error: 'EIO',
    file: BIG,
    times: 1,
    within: 1,
    after: 'ok',
  },
  { name: 'reading bodies', calls: 'pread64', error: 'EIO', file: SEGMENT, times: 1, within: 30, after: 'ok' },
  { name: 'reading rows', calls: 'pread64', error: 'EIO', file: INDEX, times: 1, within: 30, after: 'ok' },
  { name: 'sync of bodies, twice', calls: SYNC, error: 'EIO', file: SEGMENT, times: 2, within: 20, after: 'read-only' },
  { name: 'sync of rows, for good', calls: SYNC, error: 'EIO', file: WAL, times: 'on', within: 20, after: 'read-only' },
  {
    name: 'write of bodies, for good',
    calls: 'pwritev',
    error: 'ENOSPC',
    file: SEGMENT,
    times: 'on',
    within: 20,
    after: 'full',
  },
  {
    name: 'write of rows, for good',
    calls: 'pwrite64',
    error: 'ENOSPC',
    file: WAL,
    times: 'on',
    within: 60,
    after: 'full',
  },
]

/** Operations before and after. */
const OPERATIONS = 120
const PATIENCE_MS = 60_000
/** With a fault that lasts, enough is seen after so many. */
const REFUSALS = 20
const LOOKS = 40
const PAUSE_MS = 50
/** Of all rounds, those that are power cuts after a failed sync. */
const POWER_SHARE = 0.25
/** Cuts of one recording. */
const CUTS_EACH = 10

/** Runs the rounds; ends early at losses. */
export async function faultRounds({ folder, rounds, seed, tell }: TortureOptions): Promise<TortureReport> {
  const begun = performance.now()
  const random = new Random(seed)
  const reached = new Tally()
  const losses: string[] = []
  const sums = { rounds: 0, acknowledged: 0, checked: 0, messages: 0 }
  const cuts = Math.floor(rounds * POWER_SHARE)
  const faults = shuffled(FAULTS, random)
  const installation = await Installation.make(path.join(folder, 'faults'))
  const logins = await installation.addAccounts(['ann', 'bob'])
  const journal = new Journal(logins.map(({ address, password }) => new AccountJournal(address, password)))
  let server = await installation.serve({ tuning: TUNING })
  try {
    for (const account of journal.accounts) await prepare(server, account)
    for (let round = 1; round <= rounds - cuts && losses.length === 0; round += 1) {
      await server.kill()
      const fault = faults[(round - 1) % faults.length]
      if (fault === undefined) throw new RangeError('There are no faults')
      server = installation.launch({ tuning: TUNING, wrapper: injecting(fault, installation.data, random) })
      // One that meets the fault while it opens says so and ends.
      const started = await server.ready.then(
        () => true,
        () => false,
      )
      const seen = started ? await underFault(server, journal, fault, random, losses) : 'it did not start'
      reached.add(`${fault.error} in ${fault.name}: ${seen}`)
      await server.kill()
      server = await installation.serve({ tuning: TUNING })
      const after = await verify(server, journal, random).catch((error: unknown) => ({
        faults: [failure(error)],
        messages: 0,
      }))
      losses.push(...after.faults, ...(await damage(installation)))
      sums.rounds += 1
      sums.checked += journal.total
      sums.messages += after.messages
      tell(
        `faults ${round}: ${fault.error} in ${fault.name}: ${seen}; ${after.messages} messages compared after a restart; ${losses.length} losses`,
      )
    }
  } finally {
    await server.kill()
  }
  sums.acknowledged = journal.total
  for (let left = cuts; left > 0 && losses.length === 0; left -= CUTS_EACH) {
    const call = random.pick(['fdatasync', 'fsync'])
    const report = await powerRounds({
      folder: path.join(folder, `cuts-${left}`),
      rounds: Math.min(left, CUTS_EACH),
      seed: random.below(1_000_000),
      inject: `${call}:error=EIO:when=${random.between(5, 40)}`,
      tell,
    })
    sums.rounds += report.rounds
    sums.acknowledged += report.acknowledged
    sums.checked += report.checked
    sums.messages += report.messagesCompared
    reached.add(`EIO in ${call}, then a power cut`, report.rounds)
    losses.push(...report.losses)
  }
  return {
    kind: 'faults',
    rounds: sums.rounds,
    acknowledged: sums.acknowledged,
    checked: sums.checked,
    messagesCompared: sums.messages,
    reached: reached.counts,
    seconds: Math.round((performance.now() - begun) / 1_000),
    losses,
  }
}

/** The words in front of the server that make its calls fail. */
function injecting({ calls, error, file, times, within }: Fault, data: string, random: Random): readonly string[] {
  const first = random.between(1, within)
  const when = times === 1 ? `${first}` : times === 2 ? `${first}..${first + 1}` : `${first}+`
  const trace = ['-f', '--seccomp-bpf', '-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}:when=${when}`]
  return ['strace', ...trace, '-P', path.join(data, file), '-o', path.join(path.dirname(data), 'injected')]
}

/**
 * Works until the fault was met and for a while after; what it did is compared while the server runs on.
 * @returns in words what clients and the log saw.
 */
async function underFault(
  server: ServerProcess,
  journal: Journal,
  fault: Fault,
  random: Random,
  losses: string[],
): Promise<string> {
  const first = await work(server, journal, random, ({ refusals, operations }) =>
    fault.times === 'on' || fault.after !== 'ok' ? refusals >= REFUSALS : operations >= OPERATIONS,
  )
  const state = await stateOf(server, fault.after === 'full' ? 'ok' : fault.after)
  // As the disk is not really full, the shard finds space again whenever it looks.
  const right = state === fault.after || (fault.after === 'full' && state === 'ok')
  if (!right) losses.push(`${fault.name}: the shard is ${state} and must be ${fault.after}`)
  // What a shard refused that takes nothing any more may still come to pass at the next start: it stays open till then.
  const known = fault.after === 'ok' ? journal : Journal.read(journal.snapshot())
  const { faults } = await verify(server, known, random).catch((error: unknown) => ({ faults: [failure(error)] }))
  losses.push(...faults.map((each) => `${fault.error} in ${fault.name}: ${each}`))
  if (fault.after !== 'ok') return `${fault.after}, ${first} refused`
  // As if nothing had happened.
  const again = await work(server, journal, random, ({ operations }) => operations >= OPERATIONS / 2)
  // Large bodies are written by the threads of a pool, and strace counts the calls of each thread by itself.
  if (again > 0 && fault.file !== BIG) losses.push(`${fault.name}: ${again} were refused after it was over`)
  return first + again === 0 ? 'nobody was refused' : 'some were refused'
}

interface Done {
  readonly refusals: number
  readonly operations: number
}

/** @returns how often clients were refused. */
async function work(
  server: ServerProcess,
  journal: Journal,
  random: Random,
  isEnough: (done: Done) => boolean,
): Promise<number> {
  let refusals = 0
  const before = journal.total
  const deadline = performance.now() + PATIENCE_MS
  const done = (): boolean => isEnough({ refusals, operations: journal.total - before }) || performance.now() > deadline
  const refused = (): void => {
    refusals += 1
  }
  await load(server, journal, { random, lmtpClients: 2, over: () => false, refused, done })
  return refusals
}

/** What the shard says of itself; a full one may take a moment to see that there is space. */
async function stateOf(server: ServerProcess, wanted: Fault['after']): Promise<string> {
  const { host, port } = server.endpoint('http')
  for (let time = 0; ; time += 1) {
    const text = await (await fetch(`http://${host}:${port}/healthz`)).text()
    const state = /shard 0 is ([\w-]+)/.exec(text)?.[1] ?? 'ok'
    if (state === wanted || time === LOOKS) return state
    await delay(PAUSE_MS)
  }
}
