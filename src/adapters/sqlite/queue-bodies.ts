/** Small bodies, in the database: a commit keeps them with what is said of their messages. @module */
import type { QueuedBody } from '#store/queue.ts'
import type { Sql } from './sql.ts'

/** Room that is given back, octets: where there is more of it than all else. */
const MUCH_ROOM = 33_554_432
/** What else there may be: it is written anew. */
const MOST_REWRITTEN = 268_435_456

/** Places of files begin with their folder. */
const PREFIX = 'body:'

export function isInDatabase(place: string): boolean {
  return place.startsWith(PREFIX)
}

/** @returns its place. */
export function keepBody(sql: Sql, bytes: Uint8Array): string {
  return `${PREFIX}${sql.insert('INSERT INTO body (bytes) VALUES (?)', bytes)}`
}

/** @throws {Error} where it is not there, or has another size. */
export function readBody(sql: Sql, { place, size }: QueuedBody): Uint8Array {
  const bytes = sql.get('SELECT bytes FROM body WHERE key = ?', keyOf(place))?.bytes
  if (!(bytes instanceof Uint8Array)) throw new Error(`The queue has no ${place}`)
  if (bytes.length !== size) throw new Error(`${place} has ${bytes.length} octets instead of ${size}`)
  return bytes
}

export function dropBody(sql: Sql, place: string): void {
  sql.run('DELETE FROM body WHERE key = ?', keyOf(place))
}

/** Makes the database small again after much mail. What is not given back now is used again, or given back another time. */
export function giveBackRoom(sql: Sql): void {
  const pageSize = sql.number('PRAGMA page_size') ?? 0
  const room = (sql.number('PRAGMA freelist_count') ?? 0) * pageSize
  const rest = (sql.number('PRAGMA page_count') ?? 0) * pageSize - room
  if (room < MUCH_ROOM || room < rest || rest > MOST_REWRITTEN) return
  try {
    sql.exec('VACUUM')
  } catch {
    // a full disk: nothing has changed
  }
}

function keyOf(place: string): number {
  return Number(place.slice(PREFIX.length))
}
