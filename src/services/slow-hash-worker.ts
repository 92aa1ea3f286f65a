/** Thread that checks hashes of which the runtime has no implementation of its own: crypt(3) and bcrypt. @module */
import { Buffer } from 'node:buffer'
import { timingSafeEqual } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { unixCrypt } from './unix-crypt.ts'

/** One check; answered by {@link SlowHashAnswer} with the same id. */
export interface SlowHashQuestion {
  readonly id: number
  readonly password: string
  readonly stored: string
}
export interface SlowHashAnswer {
  readonly id: number
  readonly right: boolean
}

async function isRight(password: string, stored: string): Promise<boolean> {
  if (/^\$2[abxy]\$/.test(stored)) {
    const { default: bcrypt } = await import('bcryptjs')
    return bcrypt.compareSync(password, stored)
  }
  const made = unixCrypt(Buffer.from(password), stored)
  return made !== undefined && made.length === stored.length && timingSafeEqual(Buffer.from(made), Buffer.from(stored))
}

async function answer({ id, password, stored }: SlowHashQuestion): Promise<void> {
  const right = await isRight(password, stored).catch(() => false)
  parentPort?.postMessage({ id, right } satisfies SlowHashAnswer)
}

parentPort?.on('message', (question: SlowHashQuestion) => void answer(question))
