/** The thread of a shard's writer: ports in, batches, ports out. @module */
import fs from 'node:fs'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { giveWay, HAS_ONE_CORE } from '#lib/give-way.ts'
import { shrinkWhenQuiet } from '#lib/quiet-heap.ts'
import { newerFormatOf } from '#store/newer-format.ts'
import type { Change } from '#store/types.ts'
import { type CheckFinding, rebuiltFinding } from './check.ts'
import { CommitCounts } from './commit-counts.ts'
import { type CompactionSettings, compact, forgetRetired, WORTH_BY_CLOCK } from './compaction.ts'
import { Interest } from './interest.ts'
import { segmentPath, shardPaths } from './layout.ts'
import type { Compacted, Hears, ShardLog } from './options.ts'
import { unpack } from './pack.ts'
import { packAnswer, packAnswers } from './pack-answer.ts'
import { loadProbe } from './probe.ts'
import type { AskMessage, CannotOpen, WriterOrder, WriterReply, WriterSettings } from './protocol.ts'
import { purge } from './purge.ts'
import { realFiles, unsyncedFiles } from './segment-files.ts'
import { type BackgroundTask, ShardWriter } from './writer.ts'

/** Answers of a batch that go to one thread. */
interface Line {
  readonly port: MessagePort
  readonly hears: Hears
  /** What it is told of. */
  readonly interest: Interest
  answers: [number, unknown][]
  /** Whether all of them may travel as text. */
  plain: boolean
  /** Changes that it hears of later, the newest of a kind. */
  readonly later: Map<string, Change>
}

const host = parentPort
if (host === null) throw new Error('This file runs as a worker thread only')
const settings = workerData as WriterSettings
const paths = shardPaths(settings.directory, settings.shard)
const probe = await loadProbe(settings.probe)
const plainFiles = settings.durability === 'full' ? realFiles : unsyncedFiles
const files = probe?.files(plainFiles) ?? plainFiles
const commits = new CommitCounts(settings.commits)
const lines = new Set<Line>()
let closed: number[] = []

const say = (reply: WriterReply): void => host.postMessage(reply)
const log: ShardLog = (level, message) => say({ said: 'log', entry: { level, shard: settings.shard, message } })

/** How long changes are gathered for threads that hear of them later. */
const LATER_MS = 250
let telling: NodeJS.Timeout | undefined

/** One message a thread and batch: its answers first, then what changed. */
function send(changes: readonly Change[]): void {
  for (const line of lines) {
    const wanted = line.hears === 'nothing' ? [] : changes.filter((change) => line.interest.has(change))
    if (line.hears === 'later' && wanted.length > 0) gather(line, wanted)
    const told = line.hears === 'at-once' ? wanted : []
    if (line.answers.length > 0 || told.length > 0 || closed.length > 0) post(line, told)
  }
  closed = []
}

function gather({ later }: Line, changes: readonly Change[]): void {
  for (const change of changes) {
    const { account, mailbox, kind, rightsOf } = change
    const key = `${account} ${mailbox} ${kind} ${rightsOf}`
    later.delete(key)
    later.set(key, change)
  }
  telling ??= setTimeout(tellLater, LATER_MS)
}

function tellLater(): void {
  clearTimeout(telling)
  telling = undefined
  for (const line of lines) if (line.later.size > 0) post(line, [])
}

/** With what it was to hear later. */
function post(line: Line, changes: readonly Change[]): void {
  const told = line.later.size === 0 ? changes : [...line.later.values()]
  line.port.postMessage(packAnswers([line.answers, told, closed], line.plain))
  line.answers = []
  line.plain = true
  line.later.clear()
}

function start(): ShardWriter {
  return new ShardWriter(
    {
      shard: settings.shard,
      paths,
      durability: settings.durability,
      mostForAnyone: settings.mostForAnyone,
      tuning: settings.tuning,
      files,
      now: settings.now,
      commits,
      probe,
    },
    { committed: send, log, walGrown: () => say({ said: 'wal' }) },
  )
}

/** Steps below the threads that speak with clients. */
const BELOW = 5

let writer: ShardWriter
try {
  writer = start()
} catch (error) {
  const { message, code, errcode } = error as NodeJS.ErrnoException & { readonly errcode?: number }
  host.close()
  // Of an error's own fields only the cause comes through to the host.
  throw new Error(message, { cause: { code, errcode, newer: newerFormatOf(error) } satisfies CannotOpen })
}

/** Between two slices of upkeep when nothing else is to do: it takes half of a core at most. */
const UPKEEP_PAUSE_MS = 5

let scheduled = false
let closing: number | undefined

function schedule(): void {
  if (scheduled) return
  scheduled = true
  // After all that has arrived was taken from the ports: that is what makes one sync serve many.
  setImmediate(turn)
}

function turn(): void {
  scheduled = false
  if (writer.busy) writer.runBatch()
  send([])
  if (writer.queued > 0) schedule()
  else if (writer.busy) setTimeout(schedule, UPKEEP_PAUSE_MS)
  else if (closing !== undefined) close(closing)
}

function close(id: number): void {
  writer.close()
  send([])
  tellLater()
  for (const { port } of lines) port.close()
  say({ said: 'answer', id, value: 0 })
  host?.close()
}

const NO_BYTES = new Uint8Array(0)

function connect(port: MessagePort, hears: Hears, interest: Interest): void {
  const line: Line = { port, hears, interest, answers: [], plain: true, later: new Map() }
  lines.add(line)
  port.on('message', ([requests, bytes = NO_BYTES]: AskMessage) => {
    for (const [id, now, packed] of requests) {
      const asked = unpack(packed, bytes)
      const answer = (value: unknown): void => {
        const packedAnswer = packAnswer(asked.kind, value)
        line.plain &&= packedAnswer.plain
        line.answers.push([id, packedAnswer.value])
      }
      writer.submit({ asked, now, answer })
    }
    schedule()
  })
  port.on('close', () => lines.delete(line))
}

let lastPurge = Number.NEGATIVE_INFINITY

/** Compaction and purge queued already are not queued again by the clock. */
const pending = new Set<string>()

/** @param done for what was asked for: it is queued also when the same is queued already. */
function task(name: string, begin: BackgroundTask['begin'], done?: (value: number) => void): void {
  if (done === undefined && pending.has(name)) return
  pending.add(name)
  writer.addTask({
    name,
    begin,
    done: (value) => {
      pending.delete(name)
      done?.(value)
    },
  })
  schedule()
}

/** Answers what segments gave back. What reads mail is loaded for this alone. */
async function repair(id: number): Promise<void> {
  const { repairShard } = await import('./repair.ts')
  if (closing !== undefined) return
  let findings: CheckFinding[] = []
  task(
    'repair',
    (tx) => {
      findings = []
      return repairShard(tx, paths, (account, what) => findings.push(rebuiltFinding(settings.shard, account, what)))
    },
    () => {
      // Rows were mended one by one, whatever their MODSEQ.
      commits.addToAll()
      say({ said: 'answer', id, value: findings })
    },
  )
}

const answerTo =
  (id: number) =>
  (value: number | Compacted): void =>
    say({ said: 'answer', id, value })

function compaction(onlyDead: boolean, leastDead: number): CompactionSettings {
  return { paths, files, log, onlyDead, leastDead }
}

/** Purges what is due, compacts, and with no readers about gives the space back at once. */
function reclaim({ id, now, atOnce }: Extract<WriterOrder, { readonly do: 'compact' }>): void {
  const { graceMs } = settings.tuning
  let result: Compacted = { messages: 0, bytes: 0, inMs: 0 }
  task(
    'compact',
    function* (tx) {
      const bigBefore = tx.droppedBigBytes
      const messages = yield* purge(tx, now, settings.keeping)
      // The counts of a slice are written at its commit.
      yield
      const bytes = yield* compact(tx, compaction(false, 1), now)
      result = { messages, bytes: bytes + tx.droppedBigBytes - bigBefore, inMs: atOnce || bytes === 0 ? 0 : graceMs }
      return messages
    },
    () => {
      if (atOnce) removeOld(now, 0, () => answerTo(id)(result))
      else answerTo(id)(result)
    },
  )
}

function removeOld(now: number, graceMs: number, done?: () => void): void {
  let removed: number[] = []
  task(
    'remove old segments',
    function* (tx) {
      removed = forgetRetired(tx, now, graceMs)
      yield
      return removed.length
    },
    () => {
      for (const id of removed) fs.rmSync(segmentPath(paths, id), { force: true })
      closed.push(...removed)
      done?.()
    },
  )
}

function upkeep(now: number): void {
  writer.upkeep()
  const keeping = writer.full ? { ...settings.keeping, days: 1 } : settings.keeping
  if (writer.full || now - lastPurge >= settings.tuning.purgeMs)
    task('purge', function* (tx) {
      lastPurge = now
      const dropped = yield* purge(tx, now, keeping)
      if (writer.full && dropped > 0) log('warn', `Deleted mail gave way on the full disk: ${dropped} messages`)
      return dropped
    })
  const leastDead = writer.full ? 1 : settings.tuning.segmentBytes * WORTH_BY_CLOCK
  task('compact', (tx) => compact(tx, compaction(writer.full, leastDead), now))
  removeOld(now, settings.tuning.graceMs)
}

host.on('message', (order: WriterOrder) => {
  switch (order.do) {
    case 'connect':
      return connect(order.port, order.hears, new Interest(order.interest))
    case 'status':
      return say({ said: 'answer', id: order.id, value: { ...writer.status(), restarts: 0 } })
    case 'upkeep':
      return upkeep(order.now)
    case 'purge':
      return task('purge', (tx) => purge(tx, order.now, settings.keeping), answerTo(order.id))
    case 'compact':
      return reclaim(order)
    case 'repair':
      return void repair(order.id)
    case 'close':
      closing = order.id
      return schedule()
  }
})
shrinkWhenQuiet()
// A request would take the only core from whoever sent it, who has more of them to read: commits would be many and small. So
// the writer begins when they have nothing to do, or have had most of a while.
if (HAS_ONE_CORE) giveWay(BELOW)
say({ said: 'ready' })
