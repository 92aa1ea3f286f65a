/** A Maildir as a target: whole files appear in `new`, as every program that reads Maildirs expects. @module */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, open, rename, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import type { Clock } from '#lib/clock.ts'
import { NativeLineWriter } from '../native-lines.ts'
import type { Listed } from './source.ts'
import type { CollectTarget, Fate, Placed, Placing, Staged } from './target.ts'

interface MaildirStaged extends Staged {
  /** Of the file, in `tmp` and in `new`. */
  readonly name: string
}

/** Opens a Maildir, made if it is not there. */
export async function openMaildirTarget(directory: string, clock: Clock): Promise<CollectTarget<MaildirStaged>> {
  for (const folder of ['tmp', 'new', 'cur']) {
    await mkdir(path.join(directory, folder), { recursive: true, mode: 0o700 })
  }
  await syncDirectory(directory)
  return new MaildirTarget(directory, clock)
}

class MaildirTarget implements CollectTarget<MaildirStaged> {
  readonly name: string
  readonly #directory: string
  readonly #clock: Clock
  readonly #host = hostname().replaceAll(/[^\w.-]/g, '_')
  /** Told apart from other runs, also in the same second. */
  readonly #run = `P${process.pid}R${randomBytes(4).toString('hex')}`
  readonly #unplaced = new Set<string>()
  #count = 0

  constructor(directory: string, clock: Clock) {
    this.name = `maildir:${directory}`
    this.#directory = directory
    this.#clock = clock
  }

  /** The mark is the name of the file: while it is in `tmp` it was not placed, once it is not there it was. */
  async recover(placings: readonly Placing[]): Promise<ReadonlyMap<string, Fate>> {
    const fates = new Map<string, Fate>()
    for (const { id, mark } of placings) {
      const file = path.join(this.#directory, 'tmp', path.basename(mark))
      const waits = await access(file, constants.F_OK).then(
        () => true,
        () => false,
      )
      if (waits) await rm(file)
      fates.set(id, waits ? 'not-placed' : 'placed')
    }
    // a rename that was made may not be on disk yet
    await this.#syncNew()
    return fates
  }

  async stage(message: Listed, body: AsyncIterable<Uint8Array>): Promise<MaildirStaged> {
    this.#count += 1
    const seconds = Math.floor(this.#clock.now() / 1000)
    const name = `${seconds}.${this.#run}Q${this.#count}.${this.#host}`
    this.#unplaced.add(name)
    await using handle = await open(path.join(this.#directory, 'tmp', name), 'wx+', 0o600)
    const writer = new NativeLineWriter(handle)
    for await (const chunk of body) await writer.write(chunk)
    await writer.finish()
    return { message, octets: writer.octets, name }
  }

  async prepare(staged: readonly MaildirStaged[]): Promise<readonly Placing[]> {
    await Promise.all(staged.map(({ name }) => syncFile(path.join(this.#directory, 'tmp', name))))
    await syncDirectory(path.join(this.#directory, 'tmp'))
    return staged.map(({ message, name }) => ({ id: message.id, mark: name }))
  }

  async place(staged: readonly MaildirStaged[]): Promise<readonly Placed[]> {
    for (const { name } of staged) {
      await rename(path.join(this.#directory, 'tmp', name), path.join(this.#directory, 'new', name))
      this.#unplaced.delete(name)
    }
    await this.#syncNew()
    return staged.map(({ message }) => ({ message }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#unplaced) await rm(path.join(this.#directory, 'tmp', name), { force: true })
  }

  /** Where files came and where they went from. */
  async #syncNew(): Promise<void> {
    await Promise.all(['new', 'tmp'].map((folder) => syncDirectory(path.join(this.#directory, folder))))
  }
}

async function syncFile(file: string): Promise<void> {
  await using handle = await open(file, 'r')
  await handle.datasync()
}

async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, 'r')
  await handle.sync()
}
