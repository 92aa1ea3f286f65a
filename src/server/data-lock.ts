import { existsSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
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
  await makeFolder(directory)
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

/** With its parents. `mkdir` with `recursive` never returns below `/proc`, where a folder can be in no folder. */
async function makeFolder(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(directory)).isDirectory()) return
    const parent = path.dirname(directory)
    if (code !== 'ENOENT' || parent === directory || existsSync(parent)) throw error
    await makeFolder(parent)
    await mkdir(directory, { mode: 0o700 })
  }
}
