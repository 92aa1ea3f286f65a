/** Linux watches folders for so many programs of one user; each connection of Dovecot that idles wants one. @module */
import { readFile, writeFile } from 'node:fs/promises'

const LIMIT = '/proc/sys/fs/inotify/max_user_instances'
const ENOUGH = 30_000

/** Raises the limit where it is too low. @returns puts it back. */
export async function raiseInotifyLimit(): Promise<() => Promise<void>> {
  const before = (await readFile(LIMIT, 'utf8')).trim()
  if (Number(before) >= ENOUGH) return async () => undefined
  await writeFile(LIMIT, String(ENOUGH))
  return () => writeFile(LIMIT, before)
}
