/** `malle check`: damage in a shard, and what can be put right. @module */
import type { ShardPaths } from './layout.ts'

/** What to look at. */
export interface CheckOptions {
  /** Reads every body and verifies its checksum; slow. */
  readonly bodies: boolean
  /** Rebuilds what can be derived: counters, live octets, leftovers. */
  readonly repair: boolean
  /** `undefined`: all. */
  readonly shard?: number
}

/** One thing that is not as it must be. */
export interface CheckFinding {
  readonly shard: number
  readonly kind:
    | 'database'
    | 'missing-body'
    | 'damaged-body'
    | 'missing-email'
    | 'counter'
    | 'uid'
    | 'modseq'
    | 'tombstone'
    | 'keywords'
    | 'live-bytes'
    | 'leftover'
    | 'reference'
  /** `undefined` where it belongs to no account. */
  readonly account: number | undefined
  /** What was found, in a sentence without a full stop. */
  readonly message: string
  readonly repaired: boolean
}

/** Looks through a shard. */
export async function* checkShard(
  _paths: ShardPaths,
  _shard: number,
  _options: CheckOptions,
  _repair: () => Promise<readonly string[]>,
): AsyncGenerator<CheckFinding, void, void> {
  await Promise.resolve()
  yield* []
}
