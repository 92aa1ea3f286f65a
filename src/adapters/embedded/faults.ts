/** Telling a full disk from a broken one, and both from a bug. @module */

/** SQLITE_FULL, SQLITE_IOERR: the low octet of an extended code. */
const SQLITE_FULL = 13
const SQLITE_IOERR = 10
const SQLITE_READONLY = 8
const SQLITE_CORRUPT = 11

/** What a write that threw means for the shard. */
export type FaultKind = 'full' | 'io' | 'bug'

/** Classifies by the codes of the system and of SQLite. */
export function faultKind(error: unknown): FaultKind {
  if (!(error instanceof Error)) return 'bug'
  const { code, errcode } = error as NodeJS.ErrnoException & { readonly errcode?: number }
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') return 'full'
  if (code === 'EIO' || code === 'EROFS' || code === 'ENXIO') return 'io'
  if (errcode === undefined) return 'bug'
  const primary = errcode & 0xff
  if (primary === SQLITE_FULL) return 'full'
  return primary === SQLITE_IOERR || primary === SQLITE_READONLY || primary === SQLITE_CORRUPT ? 'io' : 'bug'
}
