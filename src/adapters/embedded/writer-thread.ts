/** The thread of a shard's writer: ports in, batches, ports out. @module */
import fs from 'node:fs'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { newerFormatOf } from '#store/newer-format.ts'
import type { Change } from '#store/types.ts'
import { compact, removeRetired } from './compaction.ts'
import { segmentPath, shardPaths } from './layout.ts'
import { unpack } from './pack.ts'
import type { AnswerMessage, AskMessage, CannotOpen, WriterOrder, WriterReply, WriterSettings } from './protocol.ts'
import { purge } from './purge.ts'
import { repairShard } from './repair.ts'
import { realFiles, unsyncedFiles } from './segment-files.ts'
import { ShardWriter } from './writer.ts'

/** Answers of a batch that go to one thread. */
interface Line {
  readonly port: MessagePort
  answers: [number, unknown][]
}

const host = parentPort
if (host === null) throw new Error('This file runs as a worker thread only')
const settings = workerData as WriterSettings
const paths = shardPaths(settings.directory, settings.shard)
const files = settings.durability === 'full' ? realFiles : unsyncedFiles
const lines = new Set<Line>()
let closed: number[] = []

const say = (reply: WriterReply): void => host.postMessage(reply)
const log = (level: 'info' | 'warn' | 'error', message: string): void =>
  say({ said: 'log', entry: { level, shard: settings.shard, message } })

/** One message a thread and batch: its answers first, then what changed. */
function send(changes: readonly Change[]): void {
  for (const line of lines) {
    if (line.answers.length === 0 && changes.length === 0 && closed.length === 0) continue
    const message: AnswerMessage = { answers: line.answers, changes, closed }
    line.answers = []
    line.port.postMessage(message)
  }
  closed = []
}

function start(): ShardWriter {
  return new ShardWriter(
    {
      shard: settings.shard,
      paths,
      durability: settings.durability,
      tuning: settings.tuning,
      files,
      now: settings.now,
    },
    { committed: send, log, walGrown: () => say({ said: 'wal' }) },
  )
}

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
  for (const { port } of lines) port.close()
  say({ said: 'answer', id, value: 0 })
  host?.close()
}

function connect(port: MessagePort): void {
  const line: Line = { port, answers: [] }
  lines.add(line)
  port.on('message', ({ bytes, requests }: AskMessage) => {
    for (const { id, now, packed } of requests) {
      writer.submit({ asked: unpack(packed, bytes), now, answer: (value) => line.answers.push([id, value]) })
    }
    schedule()
  })
  port.on('close', () => lines.delete(line))
}

/** Retention is counted in days: no need to look at every account each minute. */
const PURGE_EVERY_MS = 3_600_000
let lastPurge = Number.NEGATIVE_INFINITY

/** Compaction and purge queued already are not queued again by the clock. */
const pending = new Set<string>()

function task(name: string, begin: Parameters<ShardWriter['addTask']>[0]['begin'], id?: number): void {
  if (id === undefined && pending.has(name)) return
  pending.add(name)
  writer.addTask({
    name,
    begin,
    done: (value) => {
      pending.delete(name)
      if (id !== undefined) say({ said: 'answer', id, value })
    },
  })
  schedule()
}

function upkeep(now: number): void {
  writer.upkeep()
  const days = writer.full ? 1 : settings.retentionDays
  if (writer.full || now - lastPurge >= PURGE_EVERY_MS)
    task('purge', function* (tx) {
      lastPurge = now
      const dropped = yield* purge(tx, now, days)
      if (writer.full && dropped > 0) log('warn', `Deleted mail gave way on the full disk: ${dropped} messages`)
      return dropped
    })
  task('compact', (tx) => compact(tx, { paths, files, log, onlyDead: writer.full }, now))
  let removed: number[] = []
  writer.addTask({
    name: 'remove old segments',
    *begin(tx) {
      removed = removeRetired(tx, paths, now)
      yield
      return removed.length
    },
    done: () => {
      for (const id of removed) fs.rmSync(segmentPath(paths, id), { force: true })
      closed.push(...removed)
    },
  })
}

host.on('message', (order: WriterOrder) => {
  switch (order.do) {
    case 'connect':
      return connect(order.port)
    case 'status':
      return say({ said: 'answer', id: order.id, value: { ...writer.status(), restarts: 0 } })
    case 'upkeep':
      return upkeep(order.now)
    case 'purge':
      return task('purge', (tx) => purge(tx, order.now, settings.retentionDays), order.id)
    case 'compact':
      return task('compact', (tx) => compact(tx, { paths, files, log, onlyDead: false }, order.now), order.id)
    case 'repair':
      return task('repair', (tx) => repairShard(tx, paths), order.id)
    case 'close':
      closing = order.id
      return schedule()
  }
})
say({ said: 'ready' })
