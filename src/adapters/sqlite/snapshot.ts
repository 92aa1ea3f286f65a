/** What a database was before an upgrade, kept beside it: an older release can go on with it. @module */
import fs from 'node:fs'
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'

/**
 * Copies the database into `FILE.version-FORMAT-TIME`, whole or not at all, and removes the copy of an earlier upgrade.
 * Nothing else has the copy open, so it may be synced here.
 */
export function keepSnapshot(db: DatabaseSync, file: string, format: number, now: number): void {
  const folder = path.dirname(file)
  const prefix = `${path.basename(file)}.version-`
  const kept = path.join(folder, `${prefix}${format}-${now}`)
  const draft = `${kept}.new`
  fs.rmSync(draft, { force: true })
  db.prepare('VACUUM INTO ?').run(draft)
  fs.chmodSync(draft, 0o600)
  sync(draft, 'r+')
  fs.renameSync(draft, kept)
  sync(folder, 'r')
  for (const name of fs.readdirSync(folder))
    if (name.startsWith(prefix) && name !== path.basename(kept)) fs.rmSync(path.join(folder, name))
}

function sync(name: string, flags: 'r' | 'r+'): void {
  const fd = fs.openSync(name, flags)
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
