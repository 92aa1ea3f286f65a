/** What threads, writers and the host say to each other. @module */
import type { MessagePort } from 'node:worker_threads'
import type { NewerFormatFacts } from '#store/newer-format.ts'
import type { Change } from '#store/types.ts'
import type { CheckFinding } from './check.ts'
import type { Compacted, EmbeddedTuning, Hears, Keeping, ShardStatus, StoreLogEntry } from './options.ts'
import type { PackedRequest } from './pack.ts'
import type { ProbeOrder } from './probe.ts'

/** From a store to a writer: what was asked in one turn. */
export type AskMessage = readonly [
  requests: readonly (readonly [id: number, now: number, packed: PackedRequest])[],
  /** Of all requests together; left out where there are none. */
  bytes?: Uint8Array<ArrayBuffer>,
]

/** From a writer to a store, once a batch: answers first, then announcements, both in commit order. */
export type AnswerBatch = readonly [
  answers: readonly (readonly [id: number, answer: unknown])[],
  changes: readonly Change[],
  /** Files that nobody will ask for any more. */
  closed: readonly number[],
]

/** The same as it travels; as JSON where it is small. */
export type AnswerMessage = AnswerBatch | string

/** From the host to a store: the port of a writer that was restarted. */
export interface PortMessage {
  readonly shard: number
  readonly port: MessagePort
}

/** What a writer thread starts with. */
export interface WriterSettings {
  readonly directory: string
  readonly shard: number
  readonly durability: 'full' | 'relaxed'
  readonly keeping: Keeping
  readonly mostForAnyone: number
  readonly tuning: EmbeddedTuning
  readonly now: number
  /** Memory of the `CommitCounts`. */
  readonly commits: SharedArrayBuffer
  readonly probe: ProbeOrder | undefined
}

/** The cause of the error that ends a writer which cannot open its shard. */
export interface CannotOpen {
  readonly code: string | undefined
  readonly errcode: number | undefined
  readonly newer: NewerFormatFacts | undefined
}

/** From the host to a writer. `id` is answered by a {@link WriterReply}. */
export type WriterOrder =
  | {
      readonly do: 'connect'
      readonly port: MessagePort
      readonly hears: Hears
      /** Memory of the `Interest` of who is connected. */
      readonly interest: SharedArrayBuffer
    }
  | { readonly do: 'status'; readonly id: number }
  | { readonly do: 'upkeep'; readonly now: number }
  | { readonly do: 'purge'; readonly id: number; readonly now: number }
  | { readonly do: 'compact'; readonly id: number; readonly now: number; readonly atOnce: boolean }
  | { readonly do: 'repair'; readonly id: number }
  | { readonly do: 'close'; readonly id: number }

/** From a writer to the host. */
export type WriterReply =
  | { readonly said: 'ready' }
  | { readonly said: 'log'; readonly entry: StoreLogEntry }
  | { readonly said: 'wal' }
  | {
      readonly said: 'answer'
      readonly id: number
      readonly value: number | ShardStatus | Compacted | readonly CheckFinding[]
    }
