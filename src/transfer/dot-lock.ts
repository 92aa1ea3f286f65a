/** The lock file beside an mbox (`mbox.lock`), as mutt, procmail and local delivery agents heed it. @module */
import { open, rm, stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '#lib/clock.ts'

/** Somebody else has the mbox, and does not let go of it. */
export class MboxLocked extends Error {
  override readonly name = 'MboxLocked'
}

const TRIES = 60
const PAUSE_MS = 500
/** A lock so old was left by a program that died. */
const STALE_MS = 300_000

/** See the module. */
export class DotLock implements AsyncDisposable {
  readonly #file: string

  private constructor(file: string) {
    this.#file = file
  }

  /** @throws {MboxLocked} after half a minute */
  static async take(mbox: string, clock: Clock): Promise<DotLock> {
    const file = `${mbox}.lock`
    for (let tries = 1; ; tries += 1) {
      try {
        await using handle = await open(file, 'wx', 0o600)
        await handle.writeFile(`${process.pid}\n`)
        return new DotLock(file)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const age = await stat(file).then(
        ({ mtimeMs }) => clock.now() - mtimeMs,
        () => 0,
      )
      if (age > STALE_MS) await rm(file, { force: true })
      else if (tries === TRIES) throw new MboxLocked(`Another program has locked ${mbox}`)
      else await pause(PAUSE_MS)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#file, { force: true })
  }
}
