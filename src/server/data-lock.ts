import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Another process works on the data directory. */
export class DataInUse extends Error {
  constructor(directory: string) {
    super(`Another Malle works on ${directory}`)
  }
}

const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6

/**
 * Takes a data directory for this process, making it when it is not there; held until disposed or the process ends,
 * however it ends (design §5: `BEGIN EXCLUSIVE` on `lock.db`).
 * @throws {DataInUse}
 */
export async function lockData(directory: string): Promise<Disposable> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(path.join(directory, 'lock.db'), { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    const code = (error as { errcode?: number }).errcode
    if (code === SQLITE_BUSY || code === SQLITE_LOCKED) throw new DataInUse(directory)
    throw error
  }
  return { [Symbol.dispose]: () => database.close() }
}
