/**
 * Segment files that no row of the index names. The row of a segment is committed before the first record goes there,
 * so what a crash leaves is empty, or was emptied by compaction; anything else is newer than the index. @module
 */
import fs from 'node:fs'
import { type ShardPaths, segmentPath } from './layout.ts'
import type { ShardLog } from './options.ts'
import type { Sql } from './sql.ts'

/** Removes those that hold nothing, and keeps the others out of everybody's way; call before anything is written. */
export function settleUnknownFiles(sql: Sql, paths: ShardPaths, log: ShardLog): void {
  const known = new Set(sql.all('SELECT id FROM segment').map(([id]) => id as number))
  const last = sql.number("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'segment'")
  for (const name of fs.readdirSync(paths.segments)) {
    const id = segmentNumber(name)
    if (id === undefined || known.has(id)) continue
    const file = segmentPath(paths, id)
    const { size } = fs.statSync(file)
    if (size === 0) {
      fs.rmSync(file)
      log('info', `Removed the empty file "${name}", made for a segment that was never committed`)
    } else if (id <= last) {
      fs.rmSync(file)
      log('info', `Removed the file "${name}", which compaction had emptied`)
    } else {
      // With a row, its number is taken: nothing is written over it.
      sql.run("INSERT INTO segment (id, total, live, state) VALUES (?, 0, 0, 'kept')", id)
      log('error', `The file "${name}" is not known to the index, which is older than it; it is kept`)
    }
  }
}

/** Segments that hold something newer than the index, with the end of what it knows. */
export function keptSegments(sql: Sql): readonly (readonly [id: number, total: number])[] {
  return sql.all("SELECT id, total FROM segment WHERE state = 'kept' ORDER BY id") as readonly (readonly [
    number,
    number,
  ])[]
}

/** The number in the name of a segment's file. */
export function segmentNumber(name: string): number | undefined {
  const digits = /^([0-9]{8,15})\.seg$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
