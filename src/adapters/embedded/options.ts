/** How an embedded store is started, and what it says of itself. @module */
import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '#lib/clock.ts'
import type { ProbeOrder } from './probe.ts'

/** How long what is gone is kept. A plan may say otherwise for its accounts. */
export interface Keeping {
  /** Of deleted mail, at least 1; default 30. */
  readonly days: number
  /** Octets of an account's deleted mail; above, the oldest goes, though not within a day. Default: no limit. */
  readonly bytes: number | undefined
  /** Of the history of messages; default 90. */
  readonly historyDays: number
}

/** Something an administrator may want to read in the log. */
export interface StoreLogEntry {
  readonly level: 'info' | 'warn' | 'error'
  /** `undefined` where it concerns the whole store. */
  readonly shard: number | undefined
  /** A sentence without a full stop. */
  readonly message: string
}

/** How the parts of a shard write into the log. */
export type ShardLog = (level: StoreLogEntry['level'], message: string) => void

/** Sizes and times that only tests and benches change. */
export interface EmbeddedTuning {
  /** A segment that has reached this many octets is followed by a new one. */
  readonly segmentBytes: number
  /** Kept on disk so that flags and expunges go on when the disk is full. */
  readonly reserveBytes: number
  /** Most requests that share one sync. */
  readonly batchRequests: number
  /** Most octets of bodies that share one sync. */
  readonly batchBytes: number
  /** A batch does not begin another request after so long. */
  readonly batchMs: number
  /** Messages that one slice of a long operation handles before neighbours are served. */
  readonly sliceMessages: number
  /** A PASSIVE checkpoint runs whenever this much WAL has come. */
  readonly checkpointBytes: number
  /** Above this, the writer pauses between batches for a RESTART checkpoint. */
  readonly walLimitBytes: number
  /** Ranges of tombstones kept in one mailbox; above, old ones are merged or given up. */
  readonly tombstoneRanges: number
  /** How long the file of a compacted segment stays, for readers that still hold its places. */
  readonly graceMs: number
  /** Sealed segments below this share of live octets are compacted. */
  readonly compactBelow: number
  /** Upkeep (purge, compaction, recovery of a full disk) is looked at this often; 0: only when asked for. */
  readonly upkeepMs: number
  /** Deleted mail past its retention is looked for this often: retention is counted in days. */
  readonly purgeMs: number
}

/** What {@link startEmbedded} needs. The caller holds the lock of the data directory. */
export interface EmbeddedOptions {
  /** The folder of the shards (`store/` of the data directory); made when it is not there. */
  readonly directory: string
  /** At least 1; more may be asked for at a later start, never fewer. */
  readonly shards: number
  /** `relaxed`: no syncs; a power cut loses what came last. For bulk imports and tests. */
  readonly durability: 'full' | 'relaxed'
  readonly keeping?: Partial<Keeping>
  /** Mailboxes of one account that may be for `anyone`; default {@link MAX_FOR_ANYONE}. */
  readonly mostForAnyone?: number
  readonly clock: Clock
  readonly log: (entry: StoreLogEntry) => void
  readonly tuning?: Partial<EmbeddedTuning>
  /** For suites alone. */
  readonly probe?: ProbeOrder | undefined
}

/** What a thread hears of changes: each batch at once, what came in a moment together, or nothing. */
export type Hears = 'at-once' | 'later' | 'nothing'

/** How to reach the writers: send it to a thread (`ports` is its transfer list) and open it there, once. */
export interface EmbeddedConnection {
  readonly directory: string
  readonly shards: number
  readonly durability: 'full' | 'relaxed'
  /** Memory of the `CommitCounts`. */
  readonly commits: SharedArrayBuffer
  /** Memory of the `Interest` of the thread. */
  readonly interest: SharedArrayBuffer
  /** To each shard's writer, in their order, and last the line to the host, which replaces the port of a writer that died. */
  readonly ports: readonly MessagePort[]
}

/** What compaction did. */
export interface Compacted {
  /** Deleted messages past their retention that went first. */
  readonly messages: number
  /** Octets that the files removed had more than those written. */
  readonly bytes: number
  /** Milliseconds until they are given back: readers may still hold places in the old files. 0: they are. */
  readonly inMs: number
}

/** How a shard is. */
export interface ShardStatus {
  readonly shard: number
  /** `full`: no space, reads, flags and expunges go on. `read-only`: two failed syncs in a minute. `failed`: its writer is being restarted. */
  readonly state: 'ok' | 'full' | 'read-only' | 'failed'
  readonly walBytes: number
  readonly segments: number
  readonly segmentBytes: number
  /** Octets of segments that belong to mail, deleted mail included. */
  readonly liveBytes: number
  readonly batches: number
  readonly requests: number
  /** Syncs of segments plus commits. */
  readonly syncs: number
  /** Requests waiting now. */
  readonly queued: number
  /** Times the writer had to be restarted. */
  readonly restarts: number
}
