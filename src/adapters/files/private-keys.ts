/** Private keys of domains as PEM files: `FOLDER/DOMAIN/SELECTOR.pem`, for the owner alone. @module */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { PrivateKeyFiles } from '#services/dkim-keys.ts'

/** @param folder Made when it is first needed. */
export function privateKeyFiles(folder: string): PrivateKeyFiles {
  return {
    async write(domain, selector, pem) {
      const home = path.join(folder, domain)
      await mkdir(home, { recursive: true, mode: 0o700 })
      const file = privateKeyFile(folder, domain, selector)
      const temporary = `${file}.new`
      {
        await using handle = await open(temporary, 'w', 0o600)
        await handle.chmod(0o600)
        await handle.writeFile(pem)
        await handle.sync()
      }
      await rename(temporary, file)
      for (const one of [home, folder, path.dirname(folder)]) await syncFolder(one)
    },
    async read(domain, selector) {
      try {
        return await readFile(privateKeyFile(folder, domain, selector), 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    async remove(domain, selector) {
      if (selector === undefined) await rm(path.join(folder, domain), { recursive: true, force: true })
      else await rm(privateKeyFile(folder, domain, selector), { force: true })
    },
  }
}

export function privateKeyFile(folder: string, domain: string, selector: string): string {
  return path.join(folder, domain, `${selector}.pem`)
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder)
  await handle.sync()
}
