/** Opening a shard for writing, and putting right what a crash left. @module */
import fs from 'node:fs'
import path from 'node:path'
import { keepSnapshot } from '../sqlite/snapshot.ts'
import { Bodies, bigNumber } from './bodies.ts'
import type { CommitCounts } from './commit-counts.ts'
import { type ShardPaths, segmentPath } from './layout.ts'
import { Ledger } from './ledger.ts'
import type { EmbeddedTuning, ShardLog } from './options.ts'
import { NO_KINDS, type Probe } from './probe.ts'
import { migrate, STEPS } from './schema/migrations.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { Tail } from './segments.ts'
import { Sql } from './sql.ts'
import type { Transaction } from './transaction.ts'
import { keptSegments, settleUnknownFiles } from './unknown-files.ts'

/** What a writer is made with. */
export interface ShardSettings {
  readonly shard: number
  readonly paths: ShardPaths
  readonly durability: 'full' | 'relaxed'
  readonly mostForAnyone: number
  readonly tuning: EmbeddedTuning
  readonly files: SegmentFiles
  /** The time, for the age of leftovers. */
  readonly now: number
  /** Told of each commit. */
  readonly commits: CommitCounts
  readonly probe?: Probe | undefined
}

/** A shard open for writing. */
export interface OpenShard {
  readonly sql: Sql
  readonly ledger: Ledger
  readonly bodies: Bodies
  readonly tx: Transaction
  close(): void
}

const ORPHAN_MS = 3_600_000
/** Of an index that is made anew. With 4 KB a header or what FETCH sends of an email often needs a page of its own. */
const PAGE_BYTES = 8_192

/**
 * Opens or makes it.
 * @throws {NewerFormat}
 */
export function openShard(settings: ShardSettings, log: ShardLog): OpenShard {
  const { paths, tuning, files, probe } = settings
  probe?.at('opening', { kinds: NO_KINDS })
  for (const folder of [paths.directory, paths.segments, paths.big])
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  // SQLite says of a read-only disk only that it cannot open the file.
  fs.accessSync(paths.directory, fs.constants.W_OK)
  files.syncFolder(paths.directory)
  files.syncFolder(path.dirname(paths.directory))
  const sql = new Sql(paths.database, { readOnly: false, timeoutMs: 10_000 })
  try {
    sql.db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
      PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY; PRAGMA synchronous = ${settings.durability === 'full' ? 'FULL' : 'OFF'}`)
    migrate(sql.db, paths.database, STEPS, {
      snapshot: (from) => {
        keepSnapshot(sql.db, paths.database, from, settings.now)
        log('info', `The index is of format ${from}; a copy is kept beside it before it is brought to ${STEPS.length}`)
      },
      step: () => probe?.at('migrating', { kinds: NO_KINDS }),
    })
    // Accounts whose way in was broken off go with the upkeep.
    sql.run('DELETE FROM arriving WHERE held = 0')
    const bodies = new Bodies(sql, settings)
    settleUnknownFiles(sql, paths, log)
    for (const tail of bodies.recover()) logTail(tail, log)
    sql.run("UPDATE segment SET state = 'sealed' WHERE state = 'target'")
    removeRetired(sql, paths)
    // With an older index they may belong to mail that it does not know.
    if (keptSegments(sql).length === 0) removeOrphans(sql, paths, settings.now, log)
    probe?.at('opened', { kinds: NO_KINDS, sql })
    const ledger = new Ledger(sql, settings.mostForAnyone)
    const tx: Transaction = {
      sql,
      ledger,
      bodies,
      tuning,
      now: settings.now,
      changes: [],
      droppedBigs: [],
      droppedBigBytes: 0,
    }
    return {
      sql,
      ledger,
      bodies,
      tx,
      close: () => {
        bodies.close()
        sql.close()
      },
    }
  } catch (error) {
    sql.close()
    throw error
  }
}

function logTail({ segment, committed, end, cut, older, target }: Tail, log: ShardLog): void {
  if (older)
    log(
      'error',
      `Segment ${segment} goes on for ${end - committed} octets behind what the index knows: the index is older than it; they are kept`,
    )
  else if (end > committed) {
    const what = target ? 'compaction that was broken off' : 'batch that was never acknowledged'
    log('info', `Segment ${segment} ends with ${end - committed} octets of a ${what}`)
  }
  if (cut > 0) log('warn', `Cut ${cut} octets of an unfinished record from the end of a segment`)
}

/** Files of segments that compaction has emptied; no reader is there yet. */
function removeRetired(sql: Sql, paths: ShardPaths): void {
  for (const [id] of sql.all("SELECT id FROM segment WHERE state = 'retired'")) {
    fs.rmSync(segmentPath(paths, id as number), { force: true })
    sql.run('DELETE FROM segment WHERE id = ?', id as number)
  }
}

/** Big bodies whose request never came. */
function removeOrphans(sql: Sql, paths: ShardPaths, now: number, log: ShardLog): void {
  let removed = 0
  for (const name of fs.readdirSync(paths.big)) {
    const match = /^([0-9a-f]{13})\.body$/.exec(name)
    const file = `${paths.big}/${name}`
    if (match?.[1] === undefined) continue
    if (now - fs.statSync(file).mtimeMs < ORPHAN_MS) continue
    const used = sql.get('SELECT 1 FROM email WHERE segment = 0 AND position = ? LIMIT 1', bigNumber(match[1]))
    if (used !== undefined) continue
    fs.rmSync(file, { force: true })
    removed += 1
  }
  if (removed > 0) log('info', `Removed ${removed} large bodies that belong to no message`)
}
