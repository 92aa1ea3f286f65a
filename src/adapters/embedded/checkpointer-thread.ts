/** The thread that copies WAL into databases, so that no commit waits for it. @module */
import { parentPort, workerData } from 'node:worker_threads'
import { shardPaths } from './layout.ts'
import { loadProbe, NO_KINDS, type ProbeOrder } from './probe.ts'
import { Sql } from './sql.ts'

const {
  directory,
  durability,
  probe: ordered,
} = workerData as {
  readonly directory: string
  readonly durability: 'full' | 'relaxed'
  readonly probe: ProbeOrder | undefined
}
const probe = await loadProbe(ordered)
const open = new Map<number, Sql>()

function databaseOf(shard: number): Sql {
  let sql = open.get(shard)
  if (sql === undefined) {
    sql = new Sql(shardPaths(directory, shard).database, { readOnly: false, timeoutMs: 10_000 })
    sql.db.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'OFF'}`)
    open.set(shard, sql)
  }
  return sql
}

parentPort?.on('message', (order: { readonly shard: number } | 'close') => {
  if (order === 'close') {
    for (const sql of open.values()) sql.close()
    parentPort?.close()
    return
  }
  try {
    const sql = databaseOf(order.shard)
    probe?.at('checkpoint', { kinds: NO_KINDS })
    sql.all('PRAGMA wal_checkpoint(PASSIVE)')
    probe?.at('checkpointed', { kinds: NO_KINDS })
  } catch (error) {
    parentPort?.postMessage({ shard: order.shard, message: error instanceof Error ? error.message : String(error) })
  }
})
