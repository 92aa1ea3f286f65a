/**
 * Kills the server again and again while clients work, and looks whether it kept its word.
 *
 * ```
 * node test/crash/kill.ts --rounds 50 [--seed 1] [--accounts 5] [--lmtp 6] [--least 300] [--most 2500] [--check 10]
 *   [--workers 1] [--shards 1] [--upkeep]
 * ```
 * Each round: start, load for a while (milliseconds from `--least` to `--most`, by the seed), SIGKILL, start again (now
 * and then killed once more while starting), compare everything over IMAP and POP3 with what clients were told, and
 * every `--check` rounds `malle check`. With `--upkeep` the server purges and compacts all the time, in small segments:
 * kills then meet those as well. Exit 1 when anything is not as it must be; the data is then kept. @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { shardPaths } from '#adapters/embedded/layout.ts'
import { Random } from '#testing/random.ts'
import { RawImap } from './connection.ts'
import { AccountJournal, Journal } from './journal.ts'
import { load, MAILBOXES } from './load.ts'
import { Installation, type ServeOptions, type ServerProcess, type Tuning } from './server-process.ts'
import { verify } from './verify.ts'

export interface KillOptions {
  readonly folder: string
  readonly rounds: number
  readonly seed: number
  readonly accounts: number
  readonly lmtpClients: number
  /** Milliseconds of load in a round. */
  readonly least: number
  readonly most: number
  /** `malle check` after so many rounds, and at the end. */
  readonly checkEvery: number
  /** Protocol threads. */
  readonly workers: number
  readonly shards: number
  /** Purge and compact all the time. */
  readonly upkeep: boolean
  readonly tell: (line: string) => void
  /** Called once more at the end, when all was well and the server still runs. */
  readonly lastly?: (server: ServerProcess, journal: Journal) => Promise<void>
}

export interface KillReport {
  readonly kills: number
  /** Kills while the server was starting. */
  readonly killsAtStart: number
  /** Operations that clients were told had succeeded. */
  readonly acknowledged: number
  readonly byKind: Readonly<Record<string, number>>
  /** Without an answer when the server was killed. */
  readonly openHappened: number
  readonly openNotHappened: number
  readonly messagesCompared: number
  readonly bytesCompared: number
  readonly checks: number
  /** With upkeep: segments made and removed, and kills that met an unfinished compaction. */
  readonly upkeep: Upkeep
  readonly seconds: number
  readonly faults: readonly string[]
}

/** Small segments, compacted early; deleted mail due after seconds, enough for a POP3 session that still shows it. */
const UPKEEP: Tuning = {
  segmentBytes: 500_000,
  compactBelow: 0.9,
  upkeepMs: 10,
  purgeMs: 0,
  graceMs: 500,
  keptMs: 4_000,
}

/** Share of rounds in which the restart is killed, too. */
const KILL_AT_START = 0.15
const SHOWN_FAULTS = 20
/** A round is not over before so much was acknowledged, or so much time has passed on top. */
const LEAST_OPERATIONS = 40
const PATIENCE_MS = 20_000

/** Runs the rounds; ends early at the first round with faults. */
export async function killRounds(options: KillOptions): Promise<KillReport> {
  const begun = performance.now()
  const random = new Random(options.seed)
  const installation = await Installation.make(options.folder, {
    workers: options.workers,
    shards: options.shards,
    retentionDays: 1,
  })
  const how: ServeOptions = options.upkeep ? { tuning: UPKEEP } : {}
  const upkeep = { killsInCompaction: 0 }
  const names = Array.from({ length: options.accounts }, (_, index) => `user${index}`)
  const logins = await installation.addAccounts(names)
  const journal = new Journal(logins.map(({ address, password }) => new AccountJournal(address, password)))
  let server = await installation.serve(how)
  for (const account of journal.accounts) await prepare(server, account)
  const counts = { kills: 0, killsAtStart: 0, happened: 0, notHappened: 0, messages: 0, bytes: 0, checks: 0 }
  const faults: string[] = []
  for (let round = 1; round <= options.rounds && faults.length === 0; round += 1) {
    const before = journal.total
    const loadMs = random.between(options.least, options.most)
    await loadAndKill(server, journal, random, options.lmtpClients, loadMs)
    counts.kills += 1
    upkeep.killsInCompaction += lookAt(installation, options.shards).targets > 0 ? 1 : 0
    if (random.chance(KILL_AT_START)) {
      const starting = installation.launch(how)
      await Promise.race([starting.ready, delay(random.between(50, 600))])
      await starting.kill()
      counts.killsAtStart += 1
    }
    server = await installation.serve(how)
    const verified = await verify(server, journal, random)
    counts.happened += verified.happened
    counts.notHappened += verified.notHappened
    counts.messages += verified.messages
    counts.bytes += verified.bytes
    faults.push(...verified.faults)
    if (round % options.checkEvery === 0 || round === options.rounds) {
      counts.checks += 1
      faults.push(...(await installation.check()).map(({ kind, message }) => `check: ${kind}: ${message}`))
    }
    options.tell(
      `round ${round}: killed after ${loadMs} ms and ${journal.total - before} operations; ${verified.messages} messages compared; ${faults.length} faults`,
    )
  }
  if (faults.length > 0) options.tell(server.log.join('\n'))
  else {
    // A server that is left behind would keep this process from ending.
    await options.lastly?.(server, journal).catch(async (error: unknown) => {
      await server.kill()
      throw error
    })
  }
  await server.stop()
  counts.checks += 1
  faults.push(...(await installation.check()).map(({ kind, message }) => `check when stopped: ${kind}: ${message}`))
  const { made, removed } = lookAt(installation, options.shards)
  return {
    kills: counts.kills,
    killsAtStart: counts.killsAtStart,
    acknowledged: journal.total,
    byKind: Object.fromEntries(journal.acknowledged),
    openHappened: counts.happened,
    openNotHappened: counts.notHappened,
    messagesCompared: counts.messages,
    bytesCompared: counts.bytes,
    checks: counts.checks,
    upkeep: { ...upkeep, segmentsMade: made, segmentsRemoved: removed },
    seconds: Math.round((performance.now() - begun) / 1_000),
    faults,
  }
}

export interface Upkeep {
  readonly segmentsMade: number
  readonly segmentsRemoved: number
  readonly killsInCompaction: number
}

/** What the indexes say of segments, while no server runs. */
function lookAt(installation: Installation, shards: number): SegmentCounts {
  const sum = { made: 0, removed: 0, targets: 0 }
  for (let shard = 0; shard < shards; shard += 1) {
    const { database } = shardPaths(path.join(installation.data, 'store'), shard)
    const db = new DatabaseSync(database, { readOnly: true })
    const counts = db
      .prepare(
        `SELECT (SELECT max(seq) FROM sqlite_sequence WHERE name = 'segment') AS made, count(*) AS here,
         count(*) FILTER (WHERE state = 'target') AS targets FROM segment`,
      )
      .get()
    db.close()
    sum.made += Number(counts?.['made'])
    sum.removed += Number(counts?.['made']) - Number(counts?.['here'])
    sum.targets += Number(counts?.['targets'])
  }
  return sum
}

interface SegmentCounts {
  readonly made: number
  readonly removed: number
  /** Of compactions that have not ended. */
  readonly targets: number
}

/** Makes the mailboxes of an account that clients use. */
export async function prepare(server: ServerProcess, account: AccountJournal): Promise<void> {
  const imap = await RawImap.login(server.endpoint('imap'), account.address, account.password)
  for (const name of MAILBOXES) {
    if (name !== 'INBOX') await imap.ok(`CREATE ${name}`)
    const { lines } = await imap.ok(`STATUS ${name} (UIDVALIDITY)`)
    account.mailbox(name).uidValidity = Number(/UIDVALIDITY (\d+)/.exec(lines.join(' '))?.[1])
  }
  imap.close()
}

/** A busy machine gets more time, until something was done. */
async function atLeast(ms: number, journal: Journal, signal: AbortSignal): Promise<void> {
  const enough = journal.total + LEAST_OPERATIONS
  const deadline = performance.now() + ms + PATIENCE_MS
  await delay(ms, undefined, { signal })
  while (journal.total < enough && performance.now() < deadline) await delay(5, undefined, { signal })
}

async function loadAndKill(
  server: ServerProcess,
  journal: Journal,
  random: Random,
  lmtpClients: number,
  ms: number,
): Promise<void> {
  let killed = false
  const loading = load(server, journal, { random, lmtpClients, over: () => killed })
  const time = new AbortController()
  // A client that fails before the kill ends the race with its fault.
  await Promise.race([atLeast(ms, journal, time.signal), loading]).catch(async (fault: unknown) => {
    time.abort()
    const log = server.log.join('\n')
    await server.kill()
    throw new Error(`A client failed; the server said:\n${log}`, { cause: fault })
  })
  killed = true
  await server.kill()
  await loading
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '50' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      accounts: { type: 'string', default: '5' },
      lmtp: { type: 'string', default: '6' },
      least: { type: 'string', default: '300' },
      most: { type: 'string', default: '2500' },
      check: { type: 'string', default: '10' },
      workers: { type: 'string', default: '1' },
      shards: { type: 'string', default: '1' },
      upkeep: { type: 'boolean', default: false },
    },
  })
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-kill-'))
  console.log(`seed ${values.seed}, data in ${folder}`)
  const report = await killRounds({
    folder,
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    accounts: Number(values.accounts),
    lmtpClients: Number(values.lmtp),
    least: Number(values.least),
    most: Number(values.most),
    checkEvery: Number(values.check),
    workers: Number(values.workers),
    shards: Number(values.shards),
    upkeep: values.upkeep,
    tell: (line) => console.log(line),
  })
  for (const fault of report.faults.slice(0, SHOWN_FAULTS)) console.log(`FAULT ${fault}`)
  console.log(JSON.stringify({ ...report, faults: report.faults.length }))
  const { kills, acknowledged, messagesCompared, checks, seconds, faults } = report
  console.log(
    `${kills} kills${values.upkeep ? ` (${report.upkeep.killsInCompaction} in a compaction; ${report.upkeep.segmentsMade} segments made, ${report.upkeep.segmentsRemoved} removed)` : ''}, ${acknowledged} acknowledged operations, ${messagesCompared} messages compared byte for byte, ${checks} checks, ${faults.length} faults, ${seconds} s`,
  )
  if (faults.length === 0) await rm(folder, { recursive: true })
  else process.exitCode = 1
}
