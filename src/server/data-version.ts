/** The release that last opened a data directory, so that an older one can name what it needs. @module */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { VERSION } from '#lib/version.ts'

/** Read by releases to come: a version and a line end, nothing else. */
const FILE = 'version'

/** The version that last opened the data; `undefined` when that is not known. */
export async function dataVersion(data: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path.join(data, FILE), 'utf8')).trim()
    return /^\d+\.\d+\.\d+[0-9A-Za-z.+-]{0,50}$/.test(text) ? text : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Notes that this release has opened the data; everything in it has been brought to its formats. */
export async function noteDataVersion(data: string): Promise<void> {
  if ((await dataVersion(data)) !== VERSION) await writeFile(path.join(data, FILE), `${VERSION}\n`, { mode: 0o600 })
}
