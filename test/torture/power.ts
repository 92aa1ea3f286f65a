/**
 * Power cuts. A server works under load while strace records every write and sync below its data; a {@link Disk} that
 * keeps only what was synced follows the record. At moments of which it is known what clients had been told, it tells
 * what a cut leaves; a server is started on that and compared with what clients were told. @module
 */
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { loadConfig } from '#config/load.ts'
import { createLog } from '#server/log.ts'
import { startServer } from '#server/server.ts'
import { Random } from '#testing/random.ts'
import { RawImap } from '../crash/connection.ts'
import { AccountJournal, Journal } from '../crash/journal.ts'
import { prepare } from '../crash/kill.ts'
import { load } from '../crash/load.ts'
import { messageOf } from '../crash/messages.ts'
import type { Broken } from '../crash/probe.ts'
import { Installation, type Protocol, type Served, type Tuning } from '../crash/server-process.ts'
import { verify } from '../crash/verify.ts'
import { CUTS, type Cut, Disk } from './disk.ts'
import { failure, Tally, type TortureOptions, type TortureReport } from './report.ts'
import { Seen } from './seen.ts'
import { type FileEvent, readTrace, recording } from './trace.ts'

export interface PowerOptions extends TortureOptions {
  readonly broken?: Broken
  /** A fault while recording, as strace's `-e inject=` takes it; what clients are refused then is in doubt. */
  readonly inject?: string
  /** Operations acknowledged while recording; default 30 a round, at least 300. */
  readonly operations?: number
}

/** Small, so that segments are made, compacted and removed while it is recorded, and checkpoints run. */
const TUNING: Tuning = {
  segmentBytes: 400_000,
  reserveBytes: 0,
  checkpointBytes: 524_288,
  compactBelow: 0.9,
  upkeepMs: 20,
  purgeMs: 0,
  graceMs: 500,
  keptMs: 4_000,
}
/** A recording does not go on after so long. */
const PATIENCE_MS = 120_000
/** Moments at most so far apart, milliseconds. */
const MOST_APART = 12
/** Where the trouble is: moments at which something of this kind is unsynced are looked at first. */
const ROUNDS_EACH = 2
/** Of all rounds, those at moments at which something is not synced since long. */
const LATE_SHARE = 1 / 3

/** What clients had been told at one moment. */
interface Moment {
  /** Microseconds since 1970. */
  readonly at: number
  readonly journal: Uint8Array
  /** Operations acknowledged. */
  readonly total: number
}

/** Records once, then cuts as often as there are rounds; ends early at losses. */
export async function powerRounds(options: PowerOptions): Promise<TortureReport> {
  const { folder, rounds, seed, tell } = options
  const begun = performance.now()
  const random = new Random(seed)
  const recorded = await record(options, random)
  const { installation, moments, events, journal, losses } = recorded
  tell(`power: ${journal.total} operations recorded in ${events.length} calls, ${moments.length} moments`)
  const reached = recorded.refusals
  const sums = { rounds: 0, checked: 0, messages: 0 }
  const disk = new Disk(recorded.baseline)
  const cuts = losses.length > 0 ? new Map<number, readonly Cut[]>() : chooseCuts(recorded, rounds, random)
  let next = 0
  for (const [index, { at, journal: snapshot }] of moments.entries()) {
    for (let event = events[next]; event !== undefined && event.at < at; event = events[next]) {
      disk.follow(event)
      next += 1
    }
    for (const how of cuts.get(index) ?? []) {
      if (losses.length > 0) break
      const cut = path.join(folder, `cut-${sums.rounds + 1}`)
      const unsynced = disk.unsynced.join(', ') || 'nothing'
      disk.cut(path.join(cut, 'data'), how, random)
      fs.copyFileSync(installation.config, path.join(cut, 'malle.toml'))
      const known = Journal.read(snapshot)
      const total = known.total
      const verified = await compare(cut, known, random)
      losses.push(...verified.losses)
      sums.rounds += 1
      sums.checked += total
      sums.messages += verified.messages
      reached.add(`unsynced: ${unsynced}`)
      reached.add(`kept: ${how}`)
      tell(
        `power ${sums.rounds}: ${how} kept of what was unsynced (${unsynced}) after ${total} operations; ${verified.messages} messages compared; ${losses.length} losses`,
      )
      if (verified.losses.length === 0) fs.rmSync(cut, { recursive: true })
    }
  }
  return {
    kind: 'power',
    rounds: sums.rounds,
    acknowledged: journal.total,
    checked: sums.checked,
    messagesCompared: sums.messages,
    reached: reached.counts,
    seconds: Math.round((performance.now() - begun) / 1_000),
    losses,
  }
}

interface Recorded {
  readonly installation: Installation
  /** A copy of the data as it was before, all of it synced. */
  readonly baseline: string
  readonly events: readonly FileEvent[]
  readonly moments: readonly Moment[]
  readonly journal: Journal
  /** What clients saw meanwhile that they must not. */
  readonly losses: string[]
  /** What it refused to clients. */
  readonly refusals: Tally
}

async function record({ folder, rounds, broken, operations, inject }: PowerOptions, random: Random): Promise<Recorded> {
  const installation = await Installation.make(path.join(folder, 'recorded'), { retentionDays: 1 })
  const logins = await installation.addAccounts(['ann', 'bob'])
  const journal = new Journal(logins.map(({ address, password }) => new AccountJournal(address, password)))
  const first = await installation.serve({ tuning: TUNING })
  try {
    for (const account of journal.accounts) await prepare(first, account)
    await first.stop()
  } finally {
    first.abandon()
  }
  const baseline = path.join(folder, 'baseline')
  fs.cpSync(installation.data, baseline, { recursive: true })
  const trace = path.join(folder, 'trace')
  const tuning = broken === undefined ? TUNING : { ...TUNING, probe: { broken } }
  const server = await installation.serve({ tuning, wrapper: recording(trace, inject) })
  server.arm()
  const moments: Moment[] = []
  const losses: string[] = []
  const refusals = new Tally()
  let killedAt = Number.POSITIVE_INFINITY
  const kill = (): Promise<void> => {
    killedAt = Math.min(killedAt, Date.now() * 1_000)
    return server.kill()
  }
  try {
    let killed = false
    const refused = (): void => refusals.add('refused')
    const loading = load(server, journal, {
      random,
      lmtpClients: 2,
      over: () => killed,
      ...(inject === undefined ? {} : { refused }),
    })
    const enough = operations ?? Math.max(300, rounds * 30)
    const deadline = performance.now() + PATIENCE_MS
    while (journal.total < enough && performance.now() < deadline) {
      await Promise.race([delay(random.between(1, MOST_APART)), loading])
      moments.push(momentOf(journal))
    }
    killed = true
    await kill()
    await loading
  } catch (error) {
    losses.push(failure(error), ...server.log)
    await kill()
  }
  const events = await readTrace(trace, fs.realpathSync(installation.data), killedAt)
  compareWithReal(baseline, events, installation.data)
  return { installation, baseline, events, moments, journal, losses, refusals }
}

/**
 * The journal at a time that the system's clock gives to the microsecond: that at which a millisecond begins. As this
 * thread waits for it, nothing is sent or heard meanwhile; strace goes by the same clock.
 */
function momentOf(journal: Journal): Moment {
  const before = Date.now()
  let now = before
  while (now <= before) now = Date.now()
  return { at: now * 1_000, journal: journal.snapshot(), total: journal.total }
}

/** A record that misses calls would prove nothing: the files must be what the process left. */
function compareWithReal(baseline: string, events: readonly FileEvent[], data: string): void {
  const seen = new Seen(baseline)
  for (const event of events) seen.follow(event)
  const differs = seen.differs(data)
  if (differs !== undefined) throw new Error(differs)
}

/**
 * Ways to cut by moment: some where most was acknowledged since the oldest change began that is not synced, as a store
 * that answers too early loses something there; the others spread over the states that the disk was in, rare ones
 * included.
 */
function chooseCuts(
  { baseline, events, moments }: Recorded,
  rounds: number,
  random: Random,
): ReadonlyMap<number, readonly Cut[]> {
  const states = new Map<string, number[]>()
  const late = new Map<number, Late>()
  const disk = new Disk(baseline)
  let next = 0
  for (const [index, { at, total }] of moments.entries()) {
    for (let event = events[next]; event !== undefined && event.at < at; event = events[next]) {
      disk.follow(event)
      next += 1
    }
    const state = disk.unsynced.join()
    const alike = states.get(state)
    if (alike === undefined) states.set(state, [index])
    else alike.push(index)
    const since = disk.unsyncedSince
    if (since !== undefined) {
      const before = late.get(since)?.before ?? total
      late.set(since, { index, before, answered: total - before })
    }
  }
  const latest = Array.from(late.values())
    .sort((one, other) => other.answered - one.answered)
    .slice(0, Math.ceil(rounds * LATE_SHARE))
  const chosen = new Map<number, Cut[]>(latest.map(({ index }) => [index, ['nothing']]))
  const groups = Array.from(states.values())
  for (let round = latest.length; round < rounds; ) {
    const group = groups[random.below(groups.length)]
    if (group === undefined) throw new Error('There are no moments')
    const index = random.pick(group)
    const ways = chosen.get(index) ?? []
    for (let time = 0; time < ROUNDS_EACH && round < rounds; time += 1, round += 1) ways.push(random.pick(CUTS))
    chosen.set(index, ways)
  }
  return chosen
}

/** Of a change while it was not synced. */
interface Late {
  /** The last moment. */
  readonly index: number
  /** Operations acknowledged at the first. */
  readonly before: number
  /** Since then. */
  readonly answered: number
}

/** Starts a server in this process on what is left, compares, checks, and sees that mail goes on. */
async function compare(
  folder: string,
  journal: Journal,
  random: Random,
): Promise<{ readonly messages: number; readonly losses: readonly string[] }> {
  const read = await loadConfig(path.join(folder, 'malle.toml'))
  if (!read.ok) throw new Error(`The configuration is wrong: ${JSON.stringify(read.error)}`)
  const losses: string[] = []
  await using running = await startServer(read.value, createLog('error'))
  const served: Served = {
    endpoint(protocol: Protocol) {
      const endpoint = running.endpoints[protocol][0]
      if (endpoint === undefined) throw new Error(`The server does not listen for ${protocol}`)
      return endpoint
    },
  }
  let messages = 0
  try {
    const verified = await verify(served, journal, random)
    messages = verified.messages
    losses.push(...verified.faults)
    for (const account of journal.accounts) losses.push(...(await goesOn(served, account, journal)))
  } catch (error) {
    losses.push(failure(error))
  }
  await running.administration.ask('check', { repair: false, bodies: true }, (finding) =>
    losses.push(`check: ${JSON.stringify(finding)}`),
  )
  return { messages, losses }
}

/** New mail gets what nobody had: a UID and a MODSEQ above all that anyone was told. */
async function goesOn(server: Served, account: AccountJournal, journal: Journal): Promise<readonly string[]> {
  const losses: string[] = []
  const imap = await RawImap.login(server.endpoint('imap'), account.address, account.password)
  for (const { name, uidNext, modseq } of account.mailboxes.values()) {
    const bytes = messageOf(journal.token())
    const { code } = await imap.ok(`APPEND ${name} {${bytes.length}+}`, bytes)
    const uid = Number(/^APPENDUID \d+ (\d+)$/.exec(code)?.[1])
    if (!(uid >= uidNext)) losses.push(`${account.address} ${name}: UID ${uid} is used again`)
    const { lines } = await imap.ok(`STATUS ${name} (HIGHESTMODSEQ)`)
    const now = Number(/HIGHESTMODSEQ (\d+)/.exec(lines.join(' '))?.[1])
    if (!(now > modseq)) losses.push(`${account.address} ${name}: MODSEQ ${now} follows ${modseq}`)
  }
  imap.close()
  return losses
}
