/** The thread of a check: findings out, one by one. @module */
import { parentPort, workerData } from 'node:worker_threads'
import { type CheckOptions, checkShard } from './check.ts'
import { shardPaths } from './layout.ts'

const { directory, shard, options } = workerData as {
  readonly directory: string
  readonly shard: number
  readonly options: CheckOptions
}
/** More than anyone reads; a shard with so many has one cause for all. */
const MOST_FINDINGS = 10_000
let findings = 0
checkShard(shardPaths(directory, shard), options, (kind, account, message) => {
  findings += 1
  if (findings <= MOST_FINDINGS) parentPort?.postMessage({ shard, kind, account, message, repaired: false })
})
