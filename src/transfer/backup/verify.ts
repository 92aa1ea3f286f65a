/** `malle backup --verify`: reads every octet of a backup and compares its checksum. @module */

import { accountFolder, mustReadManifest, readAccountFile, readNamed } from './files.ts'
import type { EmailEntry, RecordRef, RootPage } from './format.ts'
import { BackupRefused, pagesOf, parseJson } from './format.ts'
import { DamagedRecord, PackReader } from './pack.ts'

export interface VerifyReport {
  /** ISO 8601: when the last run that came to its end did. */
  readonly finished: string
  readonly accounts: number
  readonly messages: number
  readonly bytes: number
  /** What is damaged, in sentences without a full stop. */
  readonly damaged: readonly string[]
}

/** Damage that is named; there may be more. */
const MOST_NAMED = 100

/** Reads the whole backup, and changes nothing. */
export async function verifyBackup(folder: string, progress: (report: VerifyReport) => void): Promise<VerifyReport> {
  const manifest = await mustReadManifest(folder)
  const damaged: string[] = []
  let [accounts, messages, bytes] = [0, 0, 0]
  const report = (): VerifyReport => ({
    finished: manifest.finished,
    accounts,
    messages,
    bytes,
    damaged: damaged.slice(0, MOST_NAMED),
  })
  const look = async <T>(what: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read()
    } catch (error) {
      if (error instanceof DamagedRecord) damaged.push(`${what}: ${error.message}`)
      else if (error instanceof BackupRefused && error.refusal.kind === 'damaged-backup')
        damaged.push(`${what}: the checksum of ${error.refusal.what} does not hold`)
      else throw error
      return undefined
    }
  }
  await look('directory', () => readNamed(folder, manifest.directory))
  for (const { id, address, mail } of manifest.accounts) {
    accounts += 1
    if (!mail) continue
    const file = await look(address, () => readAccountFile(folder, id))
    if (file === undefined) {
      if (!damaged.some((line) => line.startsWith(`${address}: `))) damaged.push(`${address}: its file is missing`)
      continue
    }
    const reader = new PackReader(accountFolder(folder, id))
    const page = async (ref: RecordRef): Promise<unknown> =>
      look(address, async () => parseJson((await reader.read(ref)).toString()))
    try {
      const root = (await page(file.root)) as RootPage | undefined
      if (root === undefined) continue
      for (const ref of pagesOf(root)) await page(ref)
      for (const ref of root.emails) {
        for (const { key, body } of ((await page(ref)) ?? []) as readonly EmailEntry[]) {
          if (body === undefined) continue
          await look(`${address}, email ${key}`, async () => {
            for await (const chunk of reader.stream(body)) bytes += chunk.length
          })
        }
        progress(report())
      }
      messages += file.messages
    } finally {
      await reader.close()
    }
  }
  return report()
}
