/** `malle check`: damage in a shard, and what can be put right. @module */
import fs from 'node:fs'
import path from 'node:path'
import { DamagedBody } from '#store/mail-store.ts'
import { checkAccount } from './check-account.ts'
import { placeOf } from './email-reads.ts'
import { bigPath, type ShardPaths, segmentPath } from './layout.ts'
import { BODY, parseRecordHeader, RECORD_HEADER } from './records.ts'
import { FIRST_ROW, UNUSED_ROWS } from './schema/email-rows.ts'
import { SegmentReader } from './segment-reader.ts'
import { Sql } from './sql.ts'
import { keptSegments, segmentNumber } from './unknown-files.ts'

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
    | 'older-index'
    | 'reference'
    | 'rebuilt'
  /** `undefined` where it belongs to no account. */
  readonly account: number | undefined
  /** What was found, in a sentence without a full stop. */
  readonly message: string
  readonly repaired: boolean
  /** Of `rebuilt`: what segments gave back. */
  readonly rebuilt?: Rebuilt
}

/** What became of mail that segments hold and the index did not. */
export interface Rebuilt {
  /** Messages that are back. */
  readonly came: number
  /** Messages whose bytes are not there any more, or damaged. */
  readonly lost: number
  /** Messages of an account that is no more. */
  readonly nobodys: number
  /** Octets that are no records. */
  readonly skipped: number
}

/** What was taken back, as a finding. */
export function rebuiltFinding(shard: number, account: number | undefined, rebuilt: Rebuilt): CheckFinding {
  const { came, lost, nobodys, skipped } = rebuilt
  const parts = [
    ...(came > 0 ? [`${came} messages came back from segments, under new UIDVALIDITYs and as they arrived`] : []),
    ...(lost > 0 ? [`${lost} messages are lost, as their bytes are missing or damaged`] : []),
    ...(nobodys > 0 ? [`${nobodys} messages in segments are of no account that there is`] : []),
    ...(skipped > 0 ? [`${skipped} octets of segments are no records any more`] : []),
  ]
  return { shard, kind: 'rebuilt', account, message: parts.join('; '), repaired: lost + skipped === 0, rebuilt }
}

/** What a check calls for each thing found. */
export type Found = (kind: CheckFinding['kind'], account: number | undefined, message: string) => void

/** Bodies looked at between two pauses. */
const SLICE = 500

/**
 * Looks through a shard on a connection of its own, also while the writer goes on. Accounts are each seen at one
 * moment; the calls are long, so it runs in a thread of its own.
 */
export function checkShard(paths: ShardPaths, options: Pick<CheckOptions, 'bodies'>, found: Found): void {
  const sql = new Sql(paths.database, { readOnly: true, timeoutMs: 10_000 })
  try {
    for (const [line] of sql.all('PRAGMA quick_check(20)')) {
      if (line !== 'ok') found('database', undefined, `The index says: ${String(line)}`)
    }
    for (const [slot, id] of sql.all('SELECT slot, id FROM account')) {
      if (id !== null) sql.snapshot(() => checkAccount(sql, slot as number, id as number, found))
    }
    checkUnusedRows(sql, found)
    sql.snapshot(() => checkLiveBytes(sql, found))
    checkFiles(sql, paths, found)
    checkBodies(sql, paths, options.bodies, found)
  } finally {
    sql.close()
  }
}

/** Of accounts that are there; those of others go with the upkeep. */
function checkUnusedRows(sql: Sql, found: Found): void {
  const unused = sql.all(
    `SELECT (SELECT a.id FROM account a WHERE a.slot = e.slot) AS owner, count(*) ${UNUSED_ROWS}
     AND owner IS NOT NULL GROUP BY owner`,
    FIRST_ROW,
  )
  for (const [account, count] of unused as readonly (readonly [number, number])[])
    found('leftover', account, `${count} emails are in no mailbox and not in deleted mail`)
}

/** Octets of living records by segment, computed from the emails. */
export const LIVE_BYTES = `
SELECT segment, sum(octets) FROM (
  SELECT segment, octets FROM (SELECT segment, position, max(stored) AS octets FROM email GROUP BY segment, position)
  UNION ALL SELECT arrival_segment, arrival_stored FROM email)
WHERE segment <> 0 GROUP BY segment`

function checkLiveBytes(sql: Sql, found: Found): void {
  const living = new Map(sql.all(LIVE_BYTES).map(([segment, octets]) => [segment as number, octets as number]))
  for (const [id, total, live] of sql.all('SELECT id, total, live FROM segment') as readonly [
    number,
    number,
    number,
  ][]) {
    const octets = living.get(id) ?? 0
    if (octets !== live) found('live-bytes', undefined, `Segment ${id} counts ${live} living octets and has ${octets}`)
    if (octets > total) found('live-bytes', undefined, `Segment ${id} has ${total} octets, its emails ${octets}`)
    living.delete(id)
  }
  for (const id of living.keys()) found('reference', undefined, `Emails name segment ${id}, which is not known`)
}

function checkFiles(sql: Sql, paths: ShardPaths, found: Found): void {
  const known = new Map(sql.all('SELECT id, total FROM segment').map(([id, total]) => [id as number, total as number]))
  // The writer may have added or removed a segment since.
  const isKnown = (id: number): boolean => sql.get('SELECT 1 FROM segment WHERE id = ?', id) !== undefined
  for (const name of fs.readdirSync(paths.segments)) {
    const size = fs.statSync(path.join(paths.segments, name), { throwIfNoEntry: false })?.size
    const id = segmentNumber(name)
    const total = id === undefined ? undefined : known.get(id)
    if (id !== undefined) known.delete(id)
    if (size === undefined) continue
    // An empty one is being made.
    if (id === undefined || (total === undefined && size > 0 && !isKnown(id)))
      found('leftover', undefined, `The file "${name}" belongs to no segment`)
    else if (total !== undefined && size < total)
      found('missing-body', undefined, `The file "${name}" is shorter than its ${total} octets`)
  }
  for (const id of known.keys()) {
    if (isKnown(id)) found('missing-body', undefined, `The file "${path.basename(segmentPath(paths, id))}" is missing`)
  }
  for (const [id, total] of keptSegments(sql)) {
    const name = path.basename(segmentPath(paths, id))
    found(
      'older-index',
      undefined,
      `The file "${name}" holds mail behind octet ${total} that the index does not know: the index is older than the file`,
    )
  }
}

/** Each place once: the record begins there, has the length, and (if asked) the checksum holds. */
function checkBodies(sql: Sql, paths: ShardPaths, whole: boolean, found: Found): void {
  const files = new SegmentReader(paths)
  const head = Buffer.allocUnsafe(RECORD_HEADER)
  let [segment, position] = [-1, -1]
  try {
    for (;;) {
      const rows = sql.all(
        `SELECT segment, position, length, min(id) FROM email WHERE (segment, position) > (?, ?)
         GROUP BY segment, position ORDER BY segment, position LIMIT +?`,
        segment,
        position,
        SLICE,
      ) as readonly (readonly [number, number, number, number])[]
      for (const [atSegment, atPosition, length, id] of rows) {
        ;[segment, position] = [atSegment, atPosition]
        const fault = whole
          ? readWhole(files, segment, position, length)
          : readHeader(paths, files, head, segment, position, length)
        if (fault === undefined || moved(sql, id, segment, position)) continue
        const where = segment === 0 ? 'a file of its own' : `segment ${segment}`
        const { account, place } = placeIn(sql, id)
        found(
          fault.missing ? 'missing-body' : 'damaged-body',
          account,
          `${place} (email ${id} in ${where}): ${fault.message}`,
        )
      }
      if (rows.length < SLICE) return
    }
  } finally {
    files.close()
  }
}

/** Whose email it is, and where people find it. */
function placeIn(sql: Sql, id: number): { readonly account: number | undefined; readonly place: string } {
  const [slot = 0, key = 0] = (sql.get('SELECT slot, key FROM email WHERE id = ?', id) ?? []) as readonly number[]
  const account =
    (sql.get('SELECT id FROM account WHERE slot = ?', slot)?.[0] as number | null | undefined) ?? undefined
  const row = sql.get(
    `SELECT b.name, m.uid FROM message m JOIN mailbox b ON b.account = m.account AND b.key = m.mailbox
     WHERE m.account = ? AND m.email = ? LIMIT 1`,
    slot,
    key,
  )
  return { account, place: row === undefined ? 'Deleted mail' : `UID ${String(row[1])} of "${String(row[0])}"` }
}

interface BodyFault {
  readonly missing: boolean
  readonly message: string
}

/** Compaction or purge may have been there since the row was read. */
function moved(sql: Sql, id: number, segment: number, position: number): boolean {
  return (
    sql.get('SELECT 1 FROM email WHERE id = ? AND segment = ? AND position = ?', id, segment, position) === undefined
  )
}

function readHeader(
  paths: ShardPaths,
  files: SegmentReader,
  head: Buffer,
  segment: number,
  position: number,
  length: number,
): BodyFault | undefined {
  const place = placeOf(segment, position, length)
  try {
    const file = files.acquire(place)
    try {
      const offset = segment === 0 ? 0 : position - (position % 8)
      const got = fs.readSync(file.fd, head, 0, RECORD_HEADER, offset)
      const header = got < RECORD_HEADER ? undefined : parseRecordHeader(head)
      if (header === undefined || header.kind !== BODY || header.length !== length) {
        return { missing: false, message: `no body of ${length} octets begins at ${offset}` }
      }
      const name = place.kind === 'big' ? bigPath(paths, place.id) : undefined
      if (name !== undefined && fs.fstatSync(file.fd).size < RECORD_HEADER + length) {
        return { missing: false, message: `"${path.basename(name)}" is cut short` }
      }
      return undefined
    } finally {
      files.release(file)
    }
  } catch (error) {
    return faultOf(error)
  }
}

const CHUNK = 1_048_576

function readWhole(files: SegmentReader, segment: number, position: number, length: number): BodyFault | undefined {
  try {
    files.verify(placeOf(segment, position, length), CHUNK)
    return undefined
  } catch (error) {
    return faultOf(error)
  }
}

function faultOf(error: unknown): BodyFault {
  if (!(error instanceof DamagedBody)) throw error
  return { missing: error.cause !== undefined, message: error.message }
}
