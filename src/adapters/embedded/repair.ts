/** Rebuilding what can be derived: counters, live octets, leftovers. @module */
import type { ShardPaths } from './layout.ts'
import type { Transaction } from './transaction.ts'

/** Puts right what {@link checkShard} may find, account by account, adding a sentence for each thing changed. */
export function* repairShard(
  _tx: Transaction,
  _paths: ShardPaths,
  _now: number,
  _repaired: string[],
): Generator<undefined, number, void> {
  yield
  return 0
}
