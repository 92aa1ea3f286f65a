/** Stores in folders of their own, for the tests of this folder. @module */
import { cpSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Clock } from '#lib/clock.ts'
import { World } from '#store/kit.contract.ts'
import type { CheckFinding } from './check.ts'
import { openEmbeddedStore } from './embedded-store.ts'
import { type EmbeddedHost, startEmbedded } from './host.ts'
import type { EmbeddedTuning, Keeping } from './options.ts'

/** A clock that tests move. */
export class TestClock implements Clock {
  time = 1_800_000_000_000
  now(): number {
    return this.time
  }
}

/** An open store with its host. */
export interface TestStore extends AsyncDisposable {
  readonly directory: string
  readonly host: EmbeddedHost
  readonly world: World
  readonly clock: TestClock
  readonly logged: readonly string[]
  /** Everything that a check finds. */
  check(repair?: boolean): Promise<readonly CheckFinding[]>
  /** What a power cut would leave now: the files as they are, taken without asking the writers. */
  copy(): Promise<string>
}

export interface TestStoreOptions {
  /** Kept at the end when given. */
  readonly directory?: string
  readonly shards?: number
  readonly tuning?: Partial<EmbeddedTuning>
  readonly keeping?: Partial<Keeping>
  /** Where the clock begins. */
  readonly now?: number
}

/** A new folder. */
export function newFolder(): Promise<string> {
  return mkdtemp(path.join(tmpdir(), 'malle-store-'))
}

/** A file of its first shard. */
export function inShard(directory: string, ...names: string[]): string {
  return path.join(directory, 'shard-00', ...names)
}

/** Starts a store; disposing it closes it and removes the folder it made. */
export async function openTestStore(options: TestStoreOptions = {}): Promise<TestStore> {
  const directory = options.directory ?? (await newFolder())
  const clock = new TestClock()
  clock.time = options.now ?? clock.time
  const logged: string[] = []
  const shards = options.shards ?? 1
  const host = await startEmbedded({
    directory,
    shards,
    durability: 'full',
    clock,
    log: ({ level, message }) => logged.push(`${level}: ${message}`),
    tuning: { upkeepMs: 0, ...options.tuning },
    keeping: options.keeping ?? {},
  })
  const store = openEmbeddedStore(host.connect(), clock)
  return {
    directory,
    host,
    world: new World({ store, shards, close: () => store[Symbol.asyncDispose]() }),
    clock,
    logged,
    async check(repair = false) {
      const found: CheckFinding[] = []
      for await (const finding of host.check({ bodies: true, repair })) found.push(finding)
      return found
    },
    async copy() {
      const to = await newFolder()
      cpSync(directory, to, { recursive: true })
      return to
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await host[Symbol.asyncDispose]()
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true })
    },
  }
}
