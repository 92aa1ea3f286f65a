/** Where things lie in a store's directory. @module */
import path from 'node:path'

/** Paths of one shard. */
export interface ShardPaths {
  readonly directory: string
  readonly database: string
  readonly wal: string
  readonly segments: string
  readonly big: string
  readonly reserve: string
}

/** `store/shard-NN/{index.db,segments/,big/}` (design §3). */
export function shardPaths(directory: string, shard: number): ShardPaths {
  const own = path.join(directory, `shard-${String(shard).padStart(2, '0')}`)
  const database = path.join(own, 'index.db')
  return {
    directory: own,
    database,
    wal: `${database}-wal`,
    segments: path.join(own, 'segments'),
    big: path.join(own, 'big'),
    reserve: path.join(own, 'reserve'),
  }
}

/** The file of a segment, numbered from 1. */
export function segmentPath(paths: ShardPaths, segment: number): string {
  return path.join(paths.segments, `${String(segment).padStart(8, '0')}.seg`)
}

/** The file of a big body. */
export function bigPath(paths: ShardPaths, id: string): string {
  return path.join(paths.big, `${id}.body`)
}
