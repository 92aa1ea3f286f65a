import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { AccountId, MailboxKey, Uid } from '#mail/ids.ts'
import { messageOf, patternOf, someMessages, UNLIMITED } from '#store/kit.contract.ts'
import type { AccountRef, Change } from '#store/types.ts'
import type { DeliverRequest, WriteKind, Writes } from '#store/writes.ts'
import { CommitCounts } from './commit-counts.ts'
import { shardPaths } from './layout.ts'
import type { EmbeddedTuning } from './options.ts'
import type { AnyRequest } from './pack.ts'
import type { Probe } from './probe.ts'
import { realFiles, type SegmentFiles } from './segment-files.ts'
import { newFolder } from './test-kit.ts'
import { ShardWriter } from './writer.ts'

const TUNING: EmbeddedTuning = {
  segmentBytes: 1_000_000,
  reserveBytes: 65_536,
  batchRequests: 100,
  batchBytes: 16_777_216,
  // What shares a batch does not depend on how busy the machine is.
  batchMs: 3_600_000,
  sliceMessages: 50,
  checkpointBytes: 16_777_216,
  walLimitBytes: 268_435_456,
  tombstoneRanges: 100,
  graceMs: 0,
  compactBelow: 0.5,
  upkeepMs: 0,
  purgeMs: 0,
}
const ANN: AccountRef = { id: 1 as AccountId, shard: 0 }
const INBOX = 1 as MailboxKey

/** Calls that fail, so often, and what fails after them. */
interface Failing {
  readonly call: 'sync' | 'writev' | 'commit' | 'syncFolder'
  readonly code: string
  times: number
  readonly next?: Failing
}

/** A writer in this thread, its files failing as told, its steps taken by hand. */
class Bench implements AsyncDisposable {
  readonly directory: string
  readonly writer: ShardWriter
  readonly changes: Change[] = []
  readonly order: string[] = []
  readonly logged: string[] = []
  readonly commits = new CommitCounts()
  syncs = 0
  fail: Failing | undefined

  /** Times that a checkpoint was asked for. */
  walGrown = 0
  /** What happens after the next commit. */
  afterCommit: (() => void) | undefined

  constructor(directory: string, tuning: Partial<EmbeddedTuning> = {}) {
    this.directory = directory
    const failing = (call: Failing['call']): void => {
      if (this.fail?.call !== call) return
      const { code } = this.fail
      this.fail.times -= 1
      if (this.fail.times === 0) this.fail = this.fail.next
      throw Object.assign(new Error(`${code}: injected`), { code })
    }
    const files: SegmentFiles = {
      ...realFiles,
      sync: (fd) => {
        this.syncs += 1
        failing('sync')
        realFiles.sync(fd)
      },
      syncFolder: (folder) => {
        failing('syncFolder')
        realFiles.syncFolder(folder)
      },
      writev: (fd, buffers, position) => {
        failing('writev')
        realFiles.writev(fd, buffers, position)
      },
    }
    const probe: Probe = {
      files: (real) => real,
      at: (moment) => {
        if (moment === 'commit') failing('commit')
      },
    }
    this.writer = new ShardWriter(
      {
        shard: 0,
        paths: shardPaths(directory, 0),
        durability: 'full',
        mostForAnyone: 100,
        tuning: { ...TUNING, ...tuning },
        files,
        now: 0,
        commits: this.commits,
        probe,
      },
      {
        committed: (changes) => {
          this.afterCommit?.()
          this.afterCommit = undefined
          this.changes.push(...changes)
          this.order.push(...changes.map((change) => `change ${change.modseq}`))
        },
        log: (_, message) => this.logged.push(message),
        walGrown: () => {
          this.walGrown += 1
        },
      },
    )
  }

  ask<K extends WriteKind>(kind: K, own: Omit<Writes[K]['request'], 'account' | 'by'>): Promise<unknown> {
    const request = { account: ANN, by: 'test', ...own }
    return this.submit({ kind, request })
  }

  submit(asked: AnyRequest): Promise<unknown> {
    return new Promise((resolve) => {
      this.writer.submit({
        asked,
        now: 1_000_000,
        answer: (value) => {
          this.order.push(`answer ${asked.kind}`)
          resolve(value)
        },
      })
    })
  }

  /** Takes steps until nothing is to do. @returns how many. */
  run(): number {
    let batches = 0
    for (; this.writer.busy; batches += 1) this.writer.runBatch()
    return batches
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.writer.close()
    await rm(this.directory, { recursive: true })
  }
}

async function bench(messages = 0, tuning: Partial<EmbeddedTuning> = {}): Promise<Bench> {
  const made = new Bench(await newFolder(), tuning)
  const opened = made.ask('openAccount', { mailboxes: [], limits: UNLIMITED })
  made.run()
  await opened
  if (messages > 0) {
    const added = made.ask('append', { mailbox: INBOX, messages: someMessages(messages) })
    made.run()
    await added
  }
  made.order.length = 0
  return made
}

function delivery(): { readonly kind: 'deliver'; readonly request: DeliverRequest } {
  const { body, email } = messageOf({ body: patternOf(3_000) })
  const recipient = {
    account: ANN,
    mailbox: 'INBOX',
    trace: new Uint8Array(0),
    flags: { system: 0, keywords: [] },
    internalDate: 0,
    internalZone: 0,
  }
  return { kind: 'deliver', request: { shard: 0, by: 'test', body, email, recipients: [recipient] } }
}

const failed = (reason: string): unknown => ({ ok: false, error: { kind: 'unavailable', reason } })

test('what has queued shares one sync, is answered, then announced in commit order', async () => {
  await using b = await bench()
  const before = b.syncs
  const answers = Array.from({ length: 20 }, () => b.submit(delivery()))
  assert.equal(b.run(), 1)
  await Promise.all(answers)
  assert.equal(b.syncs - before, 1)
  const expected = [...Array(20).fill('answer deliver'), ...Array.from({ length: 20 }, (_, nth) => `change ${nth + 2}`)]
  assert.deepEqual(b.order, expected)
})

test('a commit is counted before it is answered: one for each MODSEQ, and none that did not happen', async () => {
  await using b = await bench()
  const counted = (): number => b.commits.of(ANN.id) ?? Number.NaN
  const before = counted()
  const seen: number[] = []
  const answers = Array.from({ length: 3 }, async () => {
    await b.submit(delivery())
    seen.push(counted() - before)
  })
  b.run()
  await Promise.all(answers)
  assert.deepEqual(seen, [3, 3, 3])
  const limited = b.ask('setLimits', { limits: UNLIMITED })
  b.run()
  await limited
  assert.ok(counted() - before > 3)

  const whole = counted()
  const flags = { system: 1, keywords: [] }
  const uids = [[9 as Uid, 9 as Uid]] as const
  const nothing = b.ask('changeFlags', { mailbox: INBOX, uids, action: 'add', flags, unchangedSince: undefined })
  b.run()
  await nothing
  assert.equal(counted(), whole)
  b.fail = { call: 'commit', code: 'EIO', times: 1 }
  const failed = b.submit(delivery())
  b.run()
  await failed
  assert.notEqual(counted(), whole, 'nobody knows what is on the disk')
})

test('a long change is cut into slices, and neighbours are served between', async () => {
  await using b = await bench(500)
  const flags = { system: 1, keywords: [] }
  const all = [[1 as Uid, 4_294_967_295 as Uid]] as const
  const long = b.ask('changeFlags', { mailbox: INBOX, uids: all, action: 'add', flags, unchangedSince: undefined })
  b.writer.runBatch()
  const neighbour = b.submit(delivery())
  b.writer.runBatch()
  assert.deepEqual(
    b.order.filter((entry) => entry.startsWith('answer')),
    ['answer deliver'],
  )
  assert.ok(b.run() > 5)
  await neighbour
  const answer = (await long) as { readonly value: { readonly changed: { readonly uids: Uint32Array } } }
  assert.equal(answer.value.changed.uids.length, 500)
})

test('the log is written from its beginning again once the checkpointer is done, though commits went on meanwhile', async () => {
  await using b = await bench(10, { checkpointBytes: 800_000 })
  const flip = async (system: number): Promise<void> => {
    const flags = { system, keywords: [] }
    const uids = [[1 as Uid, 1 as Uid]] as const
    const flipped = b.ask('changeFlags', { mailbox: INBOX, uids, action: 'replace', flags, unchangedSince: undefined })
    b.run()
    await flipped
  }
  let turn = 0
  while (b.walGrown === 0) await flip((turn += 1) % 2)
  const grown = b.writer.status().walBytes
  // The checkpointer has copied what was there when it began, as a reader sees it, while there was one more commit.
  const checkpointer = new DatabaseSync(shardPaths(b.directory, 0).database)
  const reader = new DatabaseSync(shardPaths(b.directory, 0).database, { readOnly: true })
  const flags = reader.prepare('SELECT flags FROM message WHERE uid = 1', { returnArrays: true })
  reader.exec('BEGIN')
  assert.deepEqual(flags.get(), [turn % 2])
  b.afterCommit = () => {
    checkpointer.exec('PRAGMA wal_checkpoint(PASSIVE)')
    reader.exec('COMMIT')
  }
  await flip((turn += 1) % 2)
  assert.ok(b.writer.status().walBytes > grown)
  await flip((turn += 1) % 2)
  assert.ok(b.writer.status().walBytes < grown / 4)
  assert.equal(b.walGrown, 1)
  assert.deepEqual(flags.get(), [turn % 2])
  reader.close()
  checkpointer.close()
})

test('a long expunge is cut into slices', async () => {
  await using b = await bench(500)
  const long = b.ask('expunge', { mailbox: INBOX, uids: undefined, which: 'any' })
  assert.ok(b.run() >= 10)
  const answer = (await long) as { readonly value: { readonly expunged: unknown } }
  assert.deepEqual(answer.value.expunged, [[1, 500]])
})

test('a full disk refuses mail, lets flags through, and is over when there is space', async () => {
  await using b = await bench(3)
  b.fail = { call: 'writev', code: 'ENOSPC', times: 1 }
  const flags = { system: 1, keywords: [] }
  const uids = [[1 as Uid, 3 as Uid]] as const
  const change = b.ask('changeFlags', { mailbox: INBOX, uids, action: 'add', flags, unchangedSince: undefined })
  const mail = b.submit(delivery())
  b.run()
  assert.deepEqual(await mail, [failed('full')])
  assert.equal(((await change) as { readonly ok: boolean }).ok, true)
  assert.ok(b.logged.some((line) => line.startsWith('No space left')))
  b.writer.upkeep()
  const later = b.submit(delivery())
  b.run()
  assert.equal(((await later) as readonly { readonly ok: boolean }[])[0]?.ok, true)
  assert.equal(b.writer.status().state, 'ok')
})

test('a failed sync acknowledges nothing of its batch; the second within a minute makes the shard read-only', async () => {
  await using b = await bench(3)
  b.fail = { call: 'sync', code: 'EIO', times: 1 }
  const lost = [b.submit(delivery()), b.submit(delivery())]
  b.run()
  assert.deepEqual(await Promise.all(lost), [[failed('failed')], [failed('failed')]])
  const kept = b.submit(delivery())
  b.run()
  assert.deepEqual(((await kept) as readonly { readonly value: { readonly uid: number } }[])[0]?.value.uid, 4)
  b.fail = { call: 'sync', code: 'EIO', times: 1 }
  const again = b.submit(delivery())
  b.run()
  assert.deepEqual(await again, [failed('failed')])
  const never = b.submit(delivery())
  b.run()
  assert.deepEqual(await never, [failed('read-only')])
  assert.equal(b.writer.status().state, 'read-only')
})

test('a shard that cannot be opened again refuses what is asked, and says why', async () => {
  await using b = await bench(3)
  b.fail = { call: 'sync', code: 'EIO', times: 1, next: { call: 'syncFolder', code: 'EIO', times: 1 } }
  const lost = b.submit(delivery())
  b.run()
  assert.deepEqual(await lost, [failed('failed')])
  const never = [b.submit(delivery()), b.submit(delivery())]
  b.run()
  assert.deepEqual(await Promise.all(never), [[failed('read-only')], [failed('read-only')]])
  assert.equal(b.writer.status().state, 'read-only')
})

test('a commit that failed may come back after a crash, so its bodies stay; one that had no space may not', async () => {
  await using b = await bench(3)
  const { segments } = shardPaths(b.directory, 0)
  const size = (): number => statSync(path.join(segments, '00000001.seg')).size
  const before = size()
  b.fail = { call: 'commit', code: 'ENOSPC', times: 2 }
  const full = b.submit(delivery())
  b.run()
  assert.deepEqual(await full, [failed('full')])
  assert.equal(size(), before)
  b.writer.upkeep()
  b.fail = { call: 'commit', code: 'EIO', times: 1 }
  const lost = b.submit(delivery())
  b.run()
  assert.deepEqual(await lost, [failed('failed')])
  assert.ok(size() > before + 3_000, 'the body is gone')
  const next = b.submit(delivery())
  b.run()
  assert.equal(((await next) as readonly { readonly value: { readonly uid: number } }[])[0]?.value.uid, 4)
  assert.ok(size() > before + 6_000, 'the body was written over')
})

test('a full database rolls the batch back and keeps the counters', async () => {
  await using b = await bench(3)
  const { db } = b.writer.tx.sql
  db.exec(`PRAGMA max_page_count = ${b.writer.tx.sql.number('PRAGMA page_count')}`)
  const answers = Array.from({ length: 600 }, () => b.submit(delivery()))
  b.run()
  for (const answer of await Promise.all(answers)) assert.deepEqual(answer, [failed('full')])
  db.exec('PRAGMA max_page_count = 1000000')
  b.writer.upkeep()
  const more = b.submit(delivery())
  b.run()
  assert.equal(((await more) as readonly { readonly value: { readonly uid: number } }[])[0]?.value.uid, 4)
})

test('a request that throws is answered alone', async () => {
  await using b = await bench(1)
  const good = b.submit(delivery())
  const bad = b.ask('append', { mailbox: INBOX, messages: [{ ...messageOf(), email: {} as never }] })
  const fine = b.submit(delivery())
  b.run()
  assert.deepEqual(await bad, failed('failed'))
  assert.deepEqual(
    ((await Promise.all([good, fine])) as { readonly value: { readonly uid: number } }[][]).map(
      ([one]) => one?.value.uid,
    ),
    [2, 3],
  )
})

test('tombstones stay bounded, and the floor rises when they are given up', async () => {
  await using b = await bench(1_000)
  for (let uid = 1; uid <= 999; uid += 2) {
    void b.ask('expunge', { mailbox: INBOX, uids: [[uid as Uid, uid as Uid]], which: 'any' })
    b.run()
  }
  const row = b.writer.tx.sql.get('SELECT vanished_floor, tombstones, highest_modseq FROM mailbox')
  const [floor, kept, highest] = row as readonly [number, number, number]
  assert.ok(kept <= 100 && kept >= 50, String(kept))
  assert.ok(floor > 0 && floor < highest)
  const below = b.writer.tx.sql.number('SELECT count(*) FROM tombstone WHERE modseq <= ?', floor)
  assert.equal(below, 0)
})
